"""CSV tables as people have them: any usual separator, encoding and spelling of the header.

What is read here is read where its meaning is clear. Where it is not, the fault names the line, the
near column and the separator that was found.
"""

import codecs
import csv
import difflib
import io
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, TextIO

#: In the order in which they are believed.
_SEPARATORS = (",", ";", "\t", "|")
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "strokes"}
#: What Excel writes ahead of the header, and takes for the separator.
_EXCEL = re.compile(r'\s*"?sep=([^"\w\n\r])"?[,;\t|]*\s*', re.IGNORECASE)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Bytes of a table that tell its encoding.
_HEAD = 4096
#: Lines over which the names of columns may run.
_HEADER_LINES = 20
_NEAR = 0.6
#: Characters that a line has at most.
_LONGEST = 1 << 20


class TableError(ValueError):
    """A table that cannot be read; the message says where and what to do, but not which table."""


def column_key(name: str) -> str:
    """Write the name of a column so that blanks, capitals and marks do not matter.

    Args:
        name: as it stands in a header.
    """
    return re.sub(r"[\s\-_]+", "_", name.strip("\ufeff \t\xa0")).casefold()


@dataclass
class CsvTable:
    """A table whose header was read; its rows are read as they are asked for.

    Attributes:
        header: names of the columns, without blanks around them.
        separator: of its cells.
    """

    header: tuple[str, ...]
    separator: str
    _lines: "_Lines" = field(repr=False)

    def find(self, name: str, *others: str) -> int | None:
        """Find a column by its name, or where there is none by another name of it.

        Args:
            name: as it should be written; case, blanks and hyphens do not matter.
            *others: names that mean the same, of which one may be there.

        Returns:
            Its place, None where there is no such column.

        Raises:
            TableError: it stands twice.
        """
        exact = [place for place, each in enumerate(self.header) if each == name]
        keys = [column_key(each) for each in self.header]
        for names in ({column_key(name)}, set(map(column_key, others))):
            found = exact or [place for place, key in enumerate(keys) if key in names]
            if len(found) > 1:
                same = [self.header[place] for place in found]
                if len(set(same)) == 1:
                    raise TableError(f"column {same[0]!r} stands twice; remove one")
                raise TableError(
                    f"columns {' and '.join(map(repr, same))} may both be {name!r}; rename one"
                )
            if found:
                return found[0]
        return None

    def described(self) -> str:
        """Tell what columns and separator were found, for a message about one that is missing."""
        names = ", ".join(repr(_short(name)) for name in self.header[:8])
        more = ", ..." if len(self.header) > 8 else ""
        if len(self.header) < 2:
            return f"its only column is {names}: no separator was found" if names else "it is empty"
        name = _NAMES.get(self.separator, repr(self.separator))
        return f"its columns, separated by {name}, are {names}{more}"

    def near(self, name: str) -> str:
        """Find the column whose name is the most like another, '' where none is.

        Args:
            name: of the column that is missing.
        """
        keys = {column_key(each): each for each in self.header}
        near = difflib.get_close_matches(column_key(name), keys, 1, _NEAR)
        return keys[near[0]] if near else ""

    def missing(self, name: str) -> str:
        """Say that a column is not there, which is near it, and what was found.

        Args:
            name: of the column.
        """
        near = self.near(name)
        remedy = f"did you mean {_short(near)!r}? rename it" if near else "add it"
        return f"no column named {name!r}: {remedy}; {self.described()}"

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Read the rows that hold anything.

        Yields:
            The number of the row's first line, and its cells without blanks around them.

        Raises:
            TableError: a quote is not closed, or the text is in another encoding.
        """
        for number, cells in self._lines.records(self.separator):
            if any(cells):
                yield number, cells

    def misfit(self, cells: Sequence[str]) -> str:
        """Say how a row does not fit the header, and what to do; '' where it does.

        Args:
            cells: of the row.
        """
        if len(cells) == len(self.header):
            return ""
        if len(cells) < len(self.header):
            remedy = "fill it up with empty cells"
        else:
            name = _NAMES.get(self.separator, repr(self.separator))
            remedy = f"quote cells that contain {name}"
        return f"{len(cells)} cells under {len(self.header)} columns; {remedy}"


class _Lines:
    """The lines of a table, which know how far they were read."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self.number = 0
        self._taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = self._text.readline(_LONGEST)
        except UnicodeError as error:
            at = f"line {self.number + 1} or later"
            raise TableError(f"{at} is no UTF-8 text ({error}); save it as UTF-8 CSV") from None
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == _LONGEST:
            raise TableError(f"line {self.number} is longer than any of a table; check the file")
        self._taken.append(line)
        return line

    def first(self) -> str:
        """Take the first line that is not blank, with those that its quotes hold; '' if none."""
        found = next((line for line in self if line.strip("\ufeff \t\r\n")), "")
        for _ in range(_HEADER_LINES):
            if found.count('"') % 2 == 0:
                return found
            found += next(self, "")
        raise TableError("the header opens a quote and does not close it; close it, or remove it")

    def records(self, separator: str) -> Iterator[tuple[int, list[str]]]:
        """Yield records with the number of their first line; TableError where a quote is open."""
        # Not strict, which refuses a blank behind a closing quote.
        reader = csv.reader(self, delimiter=separator, skipinitialspace=True)
        while True:
            number = self.number + 1
            self._taken.clear()
            try:
                cells = next(reader)
                if "".join(self._taken).count('"') % 2:
                    self._check_quotes(separator)
            except StopIteration:
                return
            except csv.Error as error:
                raise TableError(
                    f"line {number}: a quote is opened and not closed as CSV has it ({error}); "
                    "close it, or remove it"
                ) from None
            yield number, [cell.strip() for cell in cells]

    def _check_quotes(self, separator: str) -> None:
        """Raise csv.Error where an odd quote is more than a mark within a cell, such as inches."""
        for _ in csv.reader(self._taken, delimiter=separator, skipinitialspace=True, strict=True):
            pass


@contextmanager
def open_table(file: BinaryIO, known: Collection[str]) -> Iterator[CsvTable]:
    """Read the header of a table, and find its encoding and separator.

    Args:
        file: the table's bytes from its beginning; it is not closed.
        known: names of columns that may be there: the separator is the one that finds the most.

    Yields:
        The table, whose rows can be read within the block.

    Raises:
        TableError: the header is no UTF-8, UTF-16 or UTF-32 text.
        OSError: it cannot be read.
    """
    buffered = file if isinstance(file, io.BufferedReader) else io.BufferedReader(file)  # type: ignore[type-var]
    encoding = _encoding(buffered.peek(_HEAD)[:_HEAD])
    text = io.TextIOWrapper(buffered, encoding=encoding, newline="")
    try:
        yield _with_header(_Lines(text), known)
    finally:
        text.detach()


def _with_header(lines: _Lines, known: Collection[str]) -> CsvTable:
    """Read the header, and find the separator by which it holds the most columns that are known."""
    header = lines.first()
    candidates = list(_SEPARATORS)
    if told := _EXCEL.fullmatch(header):
        candidates = list(dict.fromkeys((told[1], *candidates)))
        header = lines.first()
    keys = {column_key(name) for name in known}
    found = {separator: _cells(header, separator) for separator in candidates}

    def score(separator: str) -> tuple[int, int]:
        cells = found[separator]
        hits = sum(column_key(cell) in keys for cell in cells)
        return hits, 0 if hits else len(cells)

    separator = told[1] if told and score(told[1])[0] else max(candidates, key=score)
    return CsvTable(tuple(found[separator]) if header else (), separator, lines)


def _encoding(head: bytes) -> str:
    """Tell an encoding by its mark, or UTF-16 by the zeros of its letters; else UTF-8."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    even, odd = head[:200:2], head[1:200:2]
    if len(head) > 3 and odd.count(0) > 0.6 * len(odd) and not even.count(0):
        return "utf-16-le"
    if len(head) > 3 and even.count(0) > 0.6 * len(even) and not odd.count(0):
        return "utf-16-be"
    return "utf-8"


def _cells(line: str, separator: str) -> list[str]:
    try:
        found = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        return [line.strip()]
    return [cell.strip("\ufeff \t\xa0\r\n") for cell in found]


def _short(text: str) -> str:
    """Make a name fit for a message: one line, no longer than a name."""
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:39] + "…"
