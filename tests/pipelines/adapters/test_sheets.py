"""Workbooks where openpyxl is there; their CSV exports in any case."""

import sys

import pytest

from pipelines.adapters.sheets import has_sheet, read_sheet
from pipelines.manifest.table import ManifestError

ROWS = [{"file name": "COVID-1", "size": "256*256"}, {"file name": "COVID-2", "size": ""}]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_export_is_read_whatever_the_spreadsheet_makes_of_it(tmp_path, separator, encoding):
    lines = ["FILE NAME,SIZE", "COVID-1,256*256", "COVID-2", ",", ""]
    text = "\r\n".join(lines).replace(",", separator)
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert has_sheet(tmp_path / "a.xlsx")
    assert read_sheet(tmp_path / "a.xlsx", ("file name",)) == ROWS


def test_a_workbook_without_openpyxl_says_what_to_install_and_what_else_to_do(
    tmp_path, monkeypatch
):
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ManifestError) as caught:
        read_sheet(tmp_path / "a.xlsx", ("file name",))
    assert caught.value.faults == [
        "reading a workbook needs openpyxl: pip install 'cxr-tf[spreadsheets]', or save its sheet "
        "beside it as a.csv"
    ]


def test_what_is_missing_is_told(tmp_path):
    assert not has_sheet(tmp_path / "a.xlsx")
    with pytest.raises(ManifestError, match="a.xlsx: 1 fault\n  - is not there; restore it"):
        read_sheet(tmp_path / "a.xlsx", ("size",))
    (tmp_path / "a.csv").write_text("name,size\nx,1\n")
    with pytest.raises(ManifestError, match="a.csv: 1 fault\n  - no column 'file name'"):
        read_sheet(tmp_path / "a.xlsx", ("file name", "size"))
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(ManifestError, match="no column 'size'"):
        read_sheet(tmp_path / "a.xlsx", ("size",))


def test_a_workbook_is_read_and_a_damaged_one_named(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for line in (["FILE NAME ", "SIZE"], ["COVID-1", "256*256"], ["COVID-2", None], [None, None]):
        book.active.append(line)
    book.create_sheet("notes").append(["other"])
    book.save(tmp_path / "a.xlsx")
    assert read_sheet(tmp_path / "a.xlsx", ("file name", "size")) == ROWS
    for content in (b"PK no workbook", (tmp_path / "a.xlsx").read_bytes()[:400]):
        (tmp_path / "a.xlsx").write_bytes(content)
        with pytest.raises(ManifestError, match="no spreadsheet"):
            read_sheet(tmp_path / "a.xlsx", ("file name",))
