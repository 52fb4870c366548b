"""Steps that adapters share: rows out of lines with all faults at once, and splits of adults."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pipelines.manifest.rows import Manifest, ManifestError, ManifestRow
from pipelines.manifest.splits import give_splits

Cells = dict[str, str]


def rows_of(
    lines: Iterable[Cells],
    make: Callable[[Cells], ManifestRow],
    name: Callable[[Cells], object],
    table: Path,
) -> list[ManifestRow]:
    """Make a row of each line.

    Args:
        lines: Of the release's table.
        make: Makes the row; raises ValueError with what is wrong and the remedy.
        name: Names a line, for messages.
        table: The table, for messages.

    Returns:
        The rows in order.

    Raises:
        ManifestError: Every line that could not be made into a row.
    """
    rows, faults = [], []
    for cells in lines:
        try:
            rows.append(make(cells))
        except ValueError as error:
            faults.append(f"{name(cells)}: {error}")
    if faults:
        raise ManifestError(table, faults)
    return rows


def split_adults(
    folder: Path,
    rows: Sequence[ManifestRow],
    takes_part: Callable[[ManifestRow], bool] = lambda _: True,
) -> Manifest:
    """Split films for classification by patient, but for those of children.

    Args:
        folder: The release.
        rows: Its films.
        takes_part: Tells which of the others are split; the rest have no split.

    Returns:
        The manifest.
    """
    return Manifest(
        folder,
        give_splits(
            rows,
            "classification",
            lambda row: row.cohort != "paediatric" and takes_part(row),
        ),
    )
