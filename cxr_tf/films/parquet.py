"""Finished tables as Parquet (the extra `parquet`): typed columns in place of text."""

import csv
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cxr_tf.films.columns import kind_of, parse_row
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.whole_files import whole

#: Rows turned at once, which is also the size of a row group.
_ROWS = 50_000


def check_pyarrow() -> None:
    """Make sure that Parquet can be written.

    Raises:
        UsageError: pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise UsageError(
            "--format parquet needs pyarrow: pip install 'cxr-tf[parquet]', or leave it at csv"
        )


def write_parquet(table: Path, path: Path, columns: Sequence[str]) -> None:
    """Turn a CSV table into a Parquet file that appears whole or not at all.

    Args:
        table: the CSV file, complete.
        path: the Parquet file.
        columns: the header, whose `Column`s know the kinds of their values.

    Raises:
        OSError: it cannot be written.
    """
    import pyarrow
    import pyarrow.parquet

    with table.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        next(rows)
        schema = pyarrow.schema([pyarrow.field(str(name), kind_of(name)) for name in columns])
        with whole(path) as fresh, fresh.open("wb") as file:
            with pyarrow.parquet.ParquetWriter(file, schema) as writer:
                for chunk in _chunks(rows):
                    typed = [parse_row(columns, row) for row in chunk]
                    values = [
                        pyarrow.array([row[name] for row in typed], kind_of(name))
                        for name in columns
                    ]
                    writer.write_table(pyarrow.Table.from_arrays(values, schema=schema))


def read_parquet(path: Path, columns: Sequence[str]) -> list[list[Any]]:
    """Read a table that `write_parquet` wrote.

    Args:
        path: the Parquet file.
        columns: its header.

    Returns:
        Typed rows; none where the table has another header.

    Raises:
        OSError: it cannot be read.
    """
    import pyarrow.parquet

    if not path.is_file():
        return []
    table = pyarrow.parquet.read_table(path)
    if tuple(table.column_names) != tuple(map(str, columns)):
        return []
    return [list(row.values()) for row in table.to_pylist()]


def _chunks(rows: Any) -> Iterator[list[list[str]]]:
    chunk: list[list[str]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
