"""Tables as Markdown."""

from collections.abc import Iterable, Sequence


def markdown_table(
    header: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    escape: str = "|",
    aligned: bool = False,
) -> list[str]:
    """Lay out a table.

    Args:
        header: the columns' titles.
        rows: as many cells each.
        escape: the characters that get a backslash ahead.
        aligned: columns line up, for reading as plain text.

    Returns:
        Its lines.
    """
    from tabulate import SEPARATING_LINE, DataRow, Line, TableFormat, tabulate

    special = str.maketrans({each: f"\\{each}" for each in escape})
    cells = [[str(cell).translate(special) for cell in line] for line in (header, *rows)]
    if aligned:  # A rule of Markdown has three dashes.
        cells[0] = [f"{title:<3}" for title in cells[0]]
    rule = Line("|", "-", "|", "|") if aligned else _short_rule
    row = DataRow("|", "|", "|")
    # As a row of its own, the header gets no more room than its text needs.
    table: str = tabulate(
        [cells[0], SEPARATING_LINE, *cells[1:]],
        tablefmt=TableFormat(None, rule, None, None, row, row, padding=1, with_header_hide=None),
        stralign="left" if aligned else None,
        disable_numparse=True,
        preserve_whitespace=True,
    )
    return table.split("\n")


def _short_rule(widths: Sequence[int], aligns: Sequence[str]) -> str:
    return "|" + " --- |" * len(widths)
