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


@pytest.mark.parametrize(
    "content",
    [
        "path;x\na.png;1\n", "path\tx\na.png\t1\n", "path|x\na.png|1\n", 
       
        "sep=;\nx;path\n1;a.png\n",
        "id, path ,x\n1, a.png ,y\n", "Path,Sex\na.png,F\n", "PATH\na.png\n",
        "filename,x\na.png,1\n",
        "File\na.png\n", "path,x\na.png\n", "path,x\na.png,1,,\n", "path,x\na.png,1,2\n",
        "\n\npath\n\na.png\n\n", "path\n.\\a.png\n", "x,path\n1,\"a.png\" \n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_are_read_where_their_meaning_is_clear(tmp_path, content, encoding):
    film = touch(tmp_path / "a.png")
    table = touch(tmp_path / "list.csv", content.encode(encoding))
    (item,) = gather([table], is_film).inputs
    assert item.path == film and not item.fault


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,path\na.png,b.png\n", "'path' stands twice"),
        ("Path,PATH\na.png,b.png\n", "'Path' and 'PATH' may both be 'path'"),
        ('path,x\n"a.png,1\nb.png,2\n', "line 2: a quote is opened"),
        ("paht;x\na.png;1\n", "did you mean 'paht'.*semicolons"),
        ("a.png\nb.png\n", "write path into a line above"),
    ],
)
def test_tables_that_are_not_clear_are_wrong_usage(tmp_path, content, message):
    touch(tmp_path / "a.png")
    with pytest.raises(UsageError, match=message):
        gather([touch(tmp_path / "list.csv", content.encode())], is_film)


def test_rows_that_are_not_clear_get_a_row_and_the_others_are_read(tmp_path):
    film = touch(tmp_path / "b.png")
    table = touch(tmp_path / "list.csv", b'x,path\n1,a,b.png\n1\n1,b.png\n1,"b.png,1\n2,b.png"\n')
    first, second, third, last = gather([table], is_film).inputs
    assert first == Input(table, "line 2: 3 cells under 2 columns; quote cells that contain commas")
    assert second == Input(table, "row 2 of the table has no path")
    assert third == Input(film)
    assert last.fault.startswith("line 5: the path holds a line break")


def test_conditions_hold_for_stripped_cells_and_other_spellings_of_columns(tmp_path):
    film = touch(tmp_path / "a.png")
    table = touch(tmp_path / "list.tsv", b"Path\tSplit\na.png\t test \nb.png\ttrain\nc.png\n")
    assert gather([table], is_film, where={"split": "test"}).inputs == (Input(film),)
    with pytest.raises(UsageError, match="no column named 'splt': did you mean 'Split'"):
        gather([table], is_film, where={"splt": "test"})


def test_a_text_file_is_a_list_where_its_header_says_so(tmp_path):
    film = touch(tmp_path / "a.png")
    table = touch(tmp_path / "list.txt", b"path\na.png\n")
    notes = touch(tmp_path / "notes.txt", b"a.png\n\xff")
    assert gather([table, notes], is_film).inputs == (Input(film), Input(notes))


def test_inputs_know_what_they_were_named_as(tmp_path):
    touch(tmp_path / "films" / "a.png")
    table = touch(tmp_path / "list.csv", b"path\nfilms/a.png\n")
    named = [tmp_path / "films", table, tmp_path / "films" / "a.png"]
    assert [item.source for item in gather(named, is_film).inputs] == list(map(str, named))
