"""The tables a scoring run leaves, in one or several formats, written atomically."""

import csv
import io
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from cxr_tf.films.columns import cell
from cxr_tf.films.jsonl import write_jsonl
from cxr_tf.films.parquet import read_parquet, write_parquet
from cxr_tf.runtime.whole_files import whole
from pipelines.manifest.checks import file_sha256


def csv_line(values: Iterable[object]) -> str:
    """Write one row of a table.

    Args:
        values: of the cells; see `cxr_tf.films.columns.cell`.

    Returns:
        The row with its line end. A carriage return within a cell is quoted, which csv does only
        where the line end has one.
    """
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\r\n").writerow([cell(value) for value in values])
    return line.getvalue()[:-2] + "\n"


def partial_of(path: Path) -> Path:
    """Name the file that a table is written to until it is complete.

    Args:
        path: where the finished table lies.
    """
    return path.with_name(path.name + ".partial")


def read_rows(path: Path, columns: Sequence[str]) -> list[list[str]]:
    """Read what an earlier run left of a table.

    Args:
        path: the partial file, or the finished one, also as Parquet.
        columns: its header.

    Returns:
        The whole rows; one that was being written is left out. None where there is no such table.
    """
    if path.suffix == ".parquet":
        return [[cell(value) for value in row] for row in read_parquet(path, columns)]
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    whole = content[: content.rfind(b"\n") + 1].decode("utf-8")
    rows = list(csv.reader(io.StringIO(whole, newline="")))
    if not rows or tuple(rows[0]) != tuple(columns):
        return []
    # A line end within quotes can make the last row look whole; its cells are too few then.
    return [row for row in rows[1:] if len(row) == len(columns)]


class Table:
    """A table that appears under its name only when it is complete.

    Rows go to `<name>.csv.partial` and reach the system one by one, so that an interrupted run
    leaves what was done; `finish` makes the finished table of them, `drop` removes them once the
    whole run is complete. Between the two a run can be killed and loses nothing. `commit` does
    both. Text that a spreadsheet would compute gets an apostrophe ahead.

    Args:
        path: where the finished CSV table lies.
        columns: the header; a `Column` knows the kind of its values.
        kept: rows to begin with, those of a run that goes on.
        formats: what to finish it as, of `csv`, `parquet` and `jsonl`: files of the same name with
            that suffix.
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        kept: Iterable[Iterable[object]] = (),
        formats: Sequence[str] = ("csv",),
    ) -> None:
        self.paths = tuple(path.with_suffix(f".{name}") for name in formats)
        self.path = self.paths[0]
        self.partial = partial_of(path)
        self.columns = tuple(columns)
        self._begin(kept)

    def _begin(self, kept: Iterable[Iterable[object]]) -> None:
        self.rows = 0
        # The partial file of an earlier run is replaced only once all that is kept is written.
        fresh = self.partial.with_suffix(".new")
        self._stream = fresh.open("w", encoding="utf-8", newline="")
        self._stream.write(csv_line(self.columns))
        for row in kept:
            self._write(row)
        self._stream.flush()
        os.replace(fresh, self.partial)

    def add(self, *rows: Iterable[object]) -> None:
        """Append rows and hand them to the system.

        Args:
            *rows: sequences as long as the header.

        Raises:
            ValueError: a row has another length than the header.
        """
        for row in rows:
            self._write(row)
        self._stream.flush()

    def _write(self, values: Iterable[object]) -> None:
        row = tuple(values)
        if len(row) != len(self.columns):
            raise ValueError(f"{self.path}: {len(row)} values for {len(self.columns)} columns")
        self._stream.write(csv_line(row))
        self.rows += 1

    def arrange(self, films: Sequence[str]) -> None:
        """Put the rows into the order of the films that their first column names.

        Args:
            films: every film, in order; one that is named twice has half of its rows at each place.
        """
        self._stream.close()
        rows: defaultdict[str, list[list[str]]] = defaultdict(list)
        for row in read_rows(self.partial, self.columns):
            rows[row[0]].append(row)
        names = [cell(film) for film in films]
        times = Counter(names)
        share = {name: -(-len(each) // (times[name] or 1)) for name, each in rows.items()}
        seen: Counter[str] = Counter()
        arranged = []
        for name in names:
            if name in rows:
                first = seen[name] * share[name]
                arranged += rows[name][first : first + share[name]]
                seen[name] += 1
        self._begin(arranged)

    def finish(self) -> dict[Path, str]:
        """Make the finished table in each format; the partial one stays.

        Returns:
            The SHA-256 of each file's content, in hexadecimal.
        """
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        for path in self.paths:
            if path.suffix == ".csv":
                _copy(self.partial, path)
            else:
                write = write_parquet if path.suffix == ".parquet" else write_jsonl
                write(self.partial, path, self.columns)
        return {path: file_sha256(path) for path in self.paths}

    def commit(self) -> str:
        """Make the finished table, and remove the partial one.

        Returns:
            The SHA-256 of its content in the first of its formats, in hexadecimal.
        """
        digests = self.finish()
        self.drop()
        return digests[self.path]

    def drop(self) -> None:
        """Remove the partial table, when nothing will go on from it."""
        self.partial.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; `<name>.csv.partial` stays."""
        self._stream.close()


def _copy(source: Path, path: Path) -> None:
    """Give a file a second name, whole or not at all; a copy where links are not known."""
    with whole(path) as fresh:
        fresh.unlink(missing_ok=True)
        try:
            os.link(source, fresh)
        except OSError:
            shutil.copyfile(source, fresh)
