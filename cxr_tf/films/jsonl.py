"""Finished tables as JSON lines: one object a row, with typed values under the columns' names."""

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path

from cxr_tf.films.columns import Value, parse_row
from cxr_tf.runtime.whole_files import whole


def write_jsonl(table: Path, path: Path, columns: Sequence[str]) -> None:
    """Turn a CSV table into JSON lines, a file that appears whole or not at all.

    Args:
        table: the CSV file, complete.
        path: the file of JSON lines.
        columns: the header, whose `Column`s know the kinds of their values.

    Raises:
        OSError: it cannot be written.
    """
    with table.open(encoding="utf-8", newline="") as stream, whole(path) as fresh:
        rows = csv.reader(stream)
        next(rows)
        with fresh.open("w", encoding="utf-8", newline="\n") as file:
            for cells in rows:
                row = {name: _plain(value) for name, value in parse_row(columns, cells).items()}
                file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def _plain(value: Value) -> Value | None:
    """Give a value that JSON knows: null for what is no number."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
