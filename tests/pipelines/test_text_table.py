import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.text_table import read_text_table

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)


def test_cells_stay_what_they_are(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes('\ufeff,id,note\nNA,007,"a, ""b""\n c"\n\n1e5, nan ,\nshort\n'.encode())
    table = read_text_table(path)
    assert table.to_dict("records") == [
        {"": "NA", "id": "007", "note": 'a, "b"\n c'},
        {"": "1e5", "id": " nan ", "note": ""},
        {"": "short", "id": "", "note": ""},
    ]


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=5))
def test_what_csv_writes_is_read_as_csv_reads_it(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("a", "b", "c"), *rows])
    assert [tuple(row) for row in read_text_table(path).to_numpy()] == rows


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2,3\n", b"a\n\xff\n"])
def test_what_is_no_table_is_an_error(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="."):
        read_text_table(path)
    with pytest.raises(OSError, match="gone"):
        read_text_table(tmp_path / "gone.csv")
