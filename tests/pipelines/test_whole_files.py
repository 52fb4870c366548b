import os

import pytest

from pipelines.whole_files import whole


@pytest.mark.parametrize("shared", [False, True])
def test_a_file_is_whole_or_the_one_before(tmp_path, shared):
    path = tmp_path / "record.json"
    for text in ("first", "second"):
        with whole(path, shared) as fresh:
            assert fresh.parent == tmp_path and fresh.suffix == ".json"
            fresh.write_text(text)
        assert path.read_text() == text and os.listdir(tmp_path) == ["record.json"]
        with pytest.raises(OSError, match="No space"), whole(path, shared) as fresh:
            fresh.write_text("half of the thi")
            raise OSError(28, "No space left on device")
        assert path.read_text() == text and os.listdir(tmp_path) == ["record.json"]


def test_processes_that_share_a_name_have_places_of_their_own(tmp_path, monkeypatch):
    path = tmp_path / "mask.png"
    with whole(path, shared=True) as mine:
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with whole(path, shared=True) as other:
            assert other != mine
            other.write_text("other")
        mine.write_text("mine")
    assert path.read_text() == "mine" and os.listdir(tmp_path) == ["mask.png"]
