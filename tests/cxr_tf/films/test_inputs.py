import os
from pathlib import Path

import pytest

from cxr_tf.films.inputs import Input
from cxr_tf.runtime.errors import UsageError
from pipelines.films import is_film
from tests.gathered import gather


def touch(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def paths(gathered):
    return [item.path for item in gathered.inputs]


def test_folder_gives_films_sorted_and_passes_over_the_rest(tmp_path):
    dicom = touch(tmp_path / "1.2.840.7", bytes(128) + b"DICM")
    upper = touch(tmp_path / "B.PNG")
    lower = touch(tmp_path / "sub" / "a.jpg")
    other = touch(tmp_path / "notes.txt")
    touch(tmp_path / "._B.PNG")
    touch(tmp_path / ".hidden" / "c.png")
    drawn = touch(tmp_path / "out" / "overlays" / "B.png")
    gathered = gather([tmp_path], is_film, leave_out=(drawn.parent,))
    assert paths(gathered) == [dicom, upper, lower]
    assert not any(item.fault for item in gathered.inputs)
    assert gathered.skipped == (other,)
    assert paths(gather([tmp_path], is_film, recursive=False)) == [dicom, upper]


def test_every_named_input_stays_an_input(tmp_path):
    odd = touch(tmp_path / "film.gif")
    gathered = gather([odd, odd, tmp_path / "gone.png", tmp_path], is_film)
    assert paths(gathered) == [odd, odd, tmp_path / "gone.png", tmp_path]
    faults = [item.fault for item in gathered.inputs]
    assert faults[:2] == ["", ""]
    assert "No such file" in faults[2] and "holds no film" in faults[3]


def test_dangling_link_is_reported_and_circular_link_ends(tmp_path):
    (tmp_path / "lost.png").symlink_to(tmp_path / "gone.png")
    film = touch(tmp_path / "films" / "a.png")
    (tmp_path / "films" / "again").symlink_to(tmp_path)
    first, second = gather([tmp_path], is_film).inputs
    assert (first.path, bool(first.fault)) == (tmp_path / "lost.png", True)
    assert second == Input(film)


def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    film = touch(tmp_path / "a.png")
    assert paths(gather([tmp_path], is_film)) == [film]
    (item,) = gather([tmp_path / "pipe"], is_film).inputs
    assert "not a regular file" in item.fault


def test_table_paths_count_from_its_folder(tmp_path):
    film = touch(tmp_path / "films" / "ä b.png")
    table = touch(
        tmp_path / "list.csv", "\ufeffsplit,path\ntest,films/ä b.png\ntrain,gone.png\nx,\n".encode()
    )
    first, second, third = gather([table], is_film).inputs
    assert first == Input(film)
    assert second.path == tmp_path / "gone.png" and "No such file" in second.fault
    assert third == Input(table, "row 3 of the table has no path")
    assert gather([table], is_film, where={"split": "test"}).inputs == (Input(film),)
    (nothing,) = gather([table], is_film, where={"split": "none"}).inputs
    assert nothing.fault == "the table has no such rows"


@pytest.mark.parametrize(
    "content, where, message",
    [
        (b"film\na.png\n", {}, "no column named 'path'"),
        (b"path\na.png\n", {"split": "test"}, "no column named 'split'"),
        (b"", {}, "no column named 'path'"),
        (b"path\n\xff\xfe\n", {}, "UTF-8"),
    ],
)
def test_unusable_table_is_wrong_usage(tmp_path, content, where, message):
    with pytest.raises(UsageError, match=message):
        gather([touch(tmp_path / "list.csv", content)], is_film, where=where)


def test_missing_table_is_wrong_usage():
    with pytest.raises(UsageError, match="gone.csv"):
        gather([Path("gone.csv")], is_film)
