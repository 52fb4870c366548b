"""CSV tables whose cells are text and stay as they are written."""

from pathlib import Path
from typing import Any


def read_text_table(path: Path) -> Any:
    """Read a CSV so that NA, nan and 007 stay what they are.

    Args:
        path: UTF-8 CSV with a header; a column may have no name, and lines may end early.

    Returns:
        A pandas DataFrame of str; what a line lacks is ''. Empty lines are left out.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is empty, no UTF-8, or a line has more cells than the header.
    """
    import pandas as pd

    lines = pd.read_csv(path, header=None, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    table = lines.iloc[1:].reset_index(drop=True)
    return table.set_axis(lines.iloc[0].tolist(), axis="columns")
