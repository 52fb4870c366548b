"""Spreadsheets of data releases: Excel workbooks where openpyxl is installed, or their CSV."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from zipfile import BadZipFile

from pipelines.csv_tables import TableError, open_table
from pipelines.manifest.rows import ManifestError

Lines = list[list[str]]


def read_sheet(workbook: Path, required: Sequence[str]) -> list[dict[str, str]]:
    """Read the first sheet of a workbook.

    Args:
        workbook: The `.xlsx` file. A file of the same name that ends in `.csv` is taken in its
            place: the sheet as a spreadsheet exports it, with any separator and encoding that
            `pipelines.csv_tables` reads.
        required: Columns that must be there, in lower case.

    Returns:
        One dictionary a line; names in lower case, names and cells without surrounding blanks.

    Raises:
        ManifestError: There is neither file, it cannot be read, or it lacks columns; or openpyxl,
            which reads workbooks, is not installed.
    """
    export = workbook.with_suffix(".csv")
    path = export if export.is_file() else workbook
    if not path.is_file():
        raise ManifestError(path, ["is not there; restore it, or save its export as CSV there"])
    try:
        lines = _from_csv(path, required) if path == export else _from_workbook(path)
    except ManifestError:
        raise
    except OSError as error:
        raise ManifestError(path, [f"cannot be read ({error.strerror}); restore it"]) from None
    except (TableError, BadZipFile, KeyError, ValueError) as error:
        raise ManifestError(path, [f"no spreadsheet ({error}); restore it"]) from None
    names = [name.lower() for name in lines[0]] if lines else []
    if missing := [name for name in required if name not in names]:
        raise ManifestError(
            path, [f"no column {name!r}; use the file as it was released" for name in missing]
        )
    return [dict(zip(names, cells, strict=False)) for cells in lines[1:] if any(cells)]


def has_sheet(workbook: Path) -> bool:
    """Tell whether a workbook, or its CSV export, is there."""
    return workbook.is_file() or workbook.with_suffix(".csv").is_file()


def _from_csv(path: Path, known: Iterable[str]) -> Lines:
    with open(path, "rb") as file, open_table(file, tuple(known)) as table:
        width = len(table.header)
        lines = [(cells + [""] * width)[:width] for _, cells in table.rows()]
        return [list(table.header), *lines]


def _from_workbook(path: Path) -> Lines:
    try:
        from openpyxl import load_workbook
    except ImportError:
        export = path.with_suffix(".csv").name
        remedy = f"pip install 'cxr-tf[spreadsheets]', or save its sheet beside it as {export}"
        raise ManifestError(path, [f"reading a workbook needs openpyxl: {remedy}"]) from None
    book = load_workbook(path, read_only=True, data_only=True)
    try:
        return [
            ["" if cell is None else str(cell).strip() for cell in cells]
            for cells in book.worksheets[0].iter_rows(values_only=True)
        ]
    finally:
        book.close()
