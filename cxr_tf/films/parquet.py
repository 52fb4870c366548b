"""Finished tables as Parquet (the extra `parquet`): typed columns in place of text."""

import csv
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.whole_files import whole

#: Rows turned at once, which is also the size of a row group.
_ROWS = 50_000
_INTEGERS = {
    "patches_used": "int32",
    "seed": "int64",
    "patch": "int32",
    "row": "int32",
    "column": "int32",
    "abstain": "int32",
}
_SHARES = ("lung_fraction", "film_score", "mask_quality")
_PARSE: dict[str, Callable[[str], int | float | str]] = {
    "int32": int,
    "int64": int,
    "float64": float,
    "string": str,
}


def check_pyarrow() -> None:
    """Make sure that Parquet can be written.

    Raises:
        UsageError: pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise UsageError(
            "--format parquet needs pyarrow: pip install 'cxr-tf[parquet]', or leave it at csv"
        )


def column_type(name: str) -> str:
    """Tell the type of a column of `scores.csv` or another table of a run.

    Args:
        name: the column.

    Returns:
        int32, int64, float64 or string, as Arrow names them.
    """
    if name.startswith("votes_"):
        return "int32"
    if name.startswith(("p_", "calibrated_", "agreement")) or name in _SHARES:
        return "float64"
    return _INTEGERS.get(name, "string")


def parse_cell(column: str, text: str) -> int | float | str:
    """Turn a cell of a table into a value of its column's type.

    Args:
        column: see `column_type`.
        text: as in the CSV table.

    Returns:
        The value.
    """
    return _PARSE[column_type(column)](text)


def write_parquet(table: Path, path: Path) -> None:
    """Turn a CSV table into a Parquet file that appears whole or not at all.

    Args:
        table: the CSV file, complete.
        path: the Parquet file.

    Raises:
        OSError: it cannot be written.
    """
    import pyarrow
    import pyarrow.parquet

    with table.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        columns = next(rows)
        types = [column_type(name) for name in columns]
        fields = [pyarrow.field(name, kind) for name, kind in zip(columns, types, strict=True)]
        schema = pyarrow.schema(fields)
        with whole(path) as fresh, fresh.open("wb") as file:
            with pyarrow.parquet.ParquetWriter(file, schema) as writer:
                for chunk in _chunks(rows):
                    values = [
                        pyarrow.array([_PARSE[kind](row[i]) for row in chunk], kind)
                        for i, kind in enumerate(types)
                    ]
                    writer.write_table(pyarrow.Table.from_arrays(values, schema=schema))


def _chunks(rows: Any) -> Iterator[list[list[str]]]:
    chunk: list[list[str]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
