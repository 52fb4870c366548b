"""Cells of CSV tables that a spreadsheet would take for a formula, made harmless.

A cell that begins with = + - @, a tab or a carriage return is computed when the table is opened in
a spreadsheet, and file names and DICOM headers are other people's text.
"""

import re

_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def plain_path(path: str) -> str:
    """Write a path so that no spreadsheet computes it.

    Args:
        path: any path.

    Returns:
        The path; one that begins like a formula with `./` ahead, which names the same file.
    """
    return f"./{path}" if _FORMULA.match(path) else path


def plain_cell(text: str) -> str:
    """Write a text so that no spreadsheet computes it.

    Args:
        text: any text.

    Returns:
        The text; one that begins like a formula and is no number with an apostrophe ahead.
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
