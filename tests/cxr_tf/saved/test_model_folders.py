import json

import pytest

from cxr_tf.saved.model_folders import (
    CARD,
    is_version_folder,
    model_digest,
    read_card,
    version_folder,
    version_folders,
)


def make_version(model, number, card=None):
    folder = model / str(number)
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"weights")
    if card is not None:
        (folder / CARD).parent.mkdir()
        (folder / CARD).write_text(json.dumps(card))
    return folder


def test_newest_version_counts_by_number_not_by_text(tmp_path):
    for number in (2, 10, 9):
        make_version(tmp_path, number)
    (tmp_path / "11").mkdir()  # half an export: no graph
    (tmp_path / "notes").mkdir()
    assert [folder.name for folder in version_folders(tmp_path)] == ["2", "9", "10"]
    assert version_folder(tmp_path) == tmp_path / "10"
    assert version_folder(tmp_path / "2") == tmp_path / "2"
    assert is_version_folder(tmp_path / "2") and not is_version_folder(tmp_path)


@pytest.mark.parametrize("name, cause", [("gone", "does not exist"), (".", "no SavedModel")])
def test_no_model_names_path_and_remedy(tmp_path, name, cause):
    with pytest.raises(FileNotFoundError, match=f"{cause}.*cxr_tf.export"):
        version_folder(tmp_path / name)


def test_card(tmp_path):
    assert read_card(make_version(tmp_path, 1)) == {}
    assert read_card(make_version(tmp_path, 2, {"name": "m"})) == {"name": "m"}
    for broken in ("{", "[1]"):
        (tmp_path / "2" / CARD).write_text(broken)
        with pytest.raises(ValueError, match="export the model again"):
            read_card(tmp_path / "2")


def test_digest_sees_contents_and_names_but_not_the_place(tmp_path):
    first = make_version(tmp_path / "a", 1)
    second = make_version(tmp_path / "b", 7)
    digest = model_digest(first)
    assert len(digest) == 64 and digest == model_digest(second)
    (second / "variables" / "variables.index").write_bytes(b"weighty")
    assert digest != model_digest(second)
    (first / "saved_model.pb").rename(first / "saved_model.pbx")
    assert digest != model_digest(first)
