"""Columns of the tables: a name with the kind of its values, and cells as they are written."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from cxr_tf.runtime.text import utf8
from pipelines.spreadsheet_text import plain_cell

#: A value of a record, of its column's kind.
Value = int | float | str
#: Kinds of values, as Arrow names them.
Kind = Literal["int32", "int64", "float64", "string"]

_PARSE: Mapping[str, Callable[[str], Value]] = {
    "int32": int,
    "int64": int,
    "float64": float,
    "string": str,
}


class Column(str):
    """The name of a column, which knows the kind of its values.

    Attributes:
        kind: int32, int64, float64 or string.
    """

    kind: Kind

    def __new__(cls, name: str, kind: Kind = "string") -> "Column":
        """Name a column.

        Args:
            name: the column.
            kind: of its values.
        """
        column = super().__new__(cls, name)
        column.kind = kind
        return column


def kind_of(column: str) -> Kind:
    """Tell the kind of a column's values; a bare name is a column of text.

    Args:
        column: the column.
    """
    return column.kind if isinstance(column, Column) else "string"


def cell(value: object) -> str:
    """Write a value as a cell: fractions with six decimals, text that no spreadsheet computes.

    Args:
        value: of a record.
    """
    text = f"{value:.6f}" if isinstance(value, float) else str(value)
    return utf8(plain_cell(text))


def parse_row(columns: Sequence[str], cells: Sequence[str]) -> dict[str, Value]:
    """Turn the cells of a written row into typed values.

    Args:
        columns: the header.
        cells: in its order.
    """
    return {
        column: _PARSE[kind_of(column)](text) for column, text in zip(columns, cells, strict=True)
    }
