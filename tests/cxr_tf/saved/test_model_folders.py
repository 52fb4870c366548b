import json
from pathlib import Path

import pytest

from cxr_tf.saved.model_folders import (
    CARD,
    is_version_folder,
    model_digest,
    read_card,
    version_folder,
    version_folders,
    write_card,
)
from tests.cards import made_up_card

ROOT = Path(__file__).parents[3]


def make_version(model, number, card=""):
    folder = model / str(number)
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"weights")
    if card:
        (folder / CARD).parent.mkdir()
        (folder / CARD).write_text(card)
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


def test_the_shipped_card_is_written_as_it_was_read(tmp_path):
    shipped = version_folder(ROOT / "saved_models" / "cxr_triage")
    card = read_card(shipped)
    assert (card.model_version, card.networks["segmentation"].size) == ("7e002cb6036b", 256)
    write_card(tmp_path, card)
    assert (tmp_path / CARD).read_bytes() == (shipped / CARD).read_bytes()


def test_a_card_comes_back(tmp_path):
    folder, card = make_version(tmp_path, 1), made_up_card(phantom=True, resolution_limit=512)
    write_card(folder, card)
    assert read_card(folder) == card


def test_a_model_without_a_card_is_to_be_exported_again(tmp_path):
    folder = make_version(tmp_path, 1)
    with pytest.raises(FileNotFoundError, match=f"{folder} has no model card.*export .* again"):
        read_card(folder)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("{", "is not JSON"),
        ("[1]", "it is no JSON object"),
        ("{}", "name is missing"),
        (json.dumps(made_up_card().record() | {"classes": "ab"}), "classes is 'ab', not a list"),
    ],
)
def test_a_damaged_card_names_file_cause_and_remedy(tmp_path, text, cause):
    folder = make_version(tmp_path, 1, text)
    with pytest.raises(ValueError, match=f"{folder / CARD}.*{cause}.*export the model again"):
        read_card(folder)


def test_digest_sees_contents_and_names_but_not_the_place(tmp_path):
    first = make_version(tmp_path / "a", 1)
    second = make_version(tmp_path / "b", 7)
    digest = model_digest(first)
    assert len(digest) == 64 and digest == model_digest(second)
    (second / "variables" / "variables.index").write_bytes(b"weighty")
    assert digest != model_digest(second)
    (first / "saved_model.pb").rename(first / "saved_model.pbx")
    assert digest != model_digest(first)
