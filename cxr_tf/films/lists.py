"""Lists of films: tables with a path column, as people have them."""

from collections.abc import Iterator, Mapping
from typing import BinaryIO

from cxr_tf.runtime.errors import UsageError
from pipelines.csv_tables import CsvTable, TableError, open_table

#: The column that names the film, and what else it may be called where there is none of that name.
PATH = "path"
_OTHER_NAMES = ("filename", "file", "file_name", "filepath", "file_path", "image_path")
_BROKEN = "line {}: the path holds a line break; close the quote that is open there"


def films_in(file: BinaryIO, name: str, where: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Read which films a table names, one by one.

    Args:
        file: the table.
        name: the table, for messages.
        where: the rows to take, as the value that each named column must have.

    Yields:
        The text of the path, and a fault or ''. Where there are both the path is that of a film if
        there is such a file; where there is no path the fault says why the row names no film.

    Raises:
        UsageError: the table is unreadable, or has not the one column that is needed.
    """
    try:
        with open_table(file, (PATH, *_OTHER_NAMES, *where)) as table:
            yield from _films(table, name, where)
    except TableError as error:
        raise UsageError(f"{name} cannot be read as a CSV table: {error}") from error


def _films(table: CsvTable, name: str, where: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    place = table.find(PATH, *_OTHER_NAMES)
    if place is None:
        raise UsageError(f"{name} has {_no_path(table)}")
    wanted = {}
    for column, value in where.items():
        found = table.find(column)
        if found is None:
            raise UsageError(f"{name} has {table.missing(column)}")
        wanted[found] = value.strip()
    taken = False
    for row, (number, cells) in enumerate(table.rows(), start=1):
        cells += [""] * (len(table.header) - len(cells))
        misfit = table.misfit(cells)
        if not misfit and any(cells[at] != value for at, value in wanted.items()):
            continue
        taken = True
        path = cells[place]
        if misfit:
            yield "" if where else path, f"line {number}: {misfit}"
        elif not path:
            yield "", f"row {row} of the table has no path"
        else:
            yield path, _BROKEN.format(number) if "\n" in path else ""
    if not taken:
        yield "", "the table has no such rows" if where else "the table is empty"


def names_films(file: BinaryIO) -> bool:
    """Tell whether a text is a list of films by its header.

    Args:
        file: any file, from its beginning.
    """
    try:
        with open_table(file, (PATH,)) as table:
            return table.find(PATH) is not None
    except TableError:
        return False


def _no_path(table: CsvTable) -> str:
    """Say that there is no column of paths; a header of one cell may be a film already."""
    if len(table.header) == 1 and "." in table.header[0]:
        return (
            f"no column named '{PATH}': write {PATH} into a line above the first; "
            f"{table.described()}"
        )
    return table.missing(PATH)
