"""Adapter for Hannover Medical School's COVID-19 image repository.

https://github.com/ml-workgroup/covid-19-image-repository (columns of its `data.csv`), also as
https://doi.org/10.6084/m9.figshare.12275009
CC BY 3.0. Which films count as COVID-19 is what its authors say in the repository's issue 4: a
patient admitted within 7 days of the film is positive, one admitted more than 14 days after it is
negative, and between the two it is not known.
"""

from operator import itemgetter
from pathlib import Path

from pipelines.adapters.rows import rows_of, split_adults
from pipelines.adapters.tables import header, patient_of, read_table
from pipelines.manifest.rows import Manifest, ManifestRow

TABLE = "data.csv"
LOOKS_FOR = f"{TABLE} with the columns patient_id, image_id, admission_offset, and png/"
LICENCE = "CC BY 3.0 (Institute for Diagnostic and Interventional Radiology, Hannover)"

LATEST = 7
"""Days: a patient admitted this long after the film, or longer, may not have had COVID-19 on it."""

_COLUMNS = ("patient_id", "image_id", "admission_offset")
_MODALITIES = ("", "CR", "DX")


def recognises(folder: Path) -> bool:
    """Tell whether a folder holds Hannover's repository."""
    return set(_COLUMNS) <= header(folder / TABLE)


def adapt(folder: Path) -> Manifest:
    """Read Hannover's repository.

    Films of adults, and of unknown age (the release leaves ages empty), are split by patient for
    classification where they count as COVID-19. The others are `unlabelled`: no COVID-19 is not
    yet a normal film.

    Args:
        folder: Holds `data.csv` and the films as `png/<image_id>.png`.

    Returns:
        The manifest of the radiographs; each film of a series names its patient.

    Raises:
        ManifestError: The table lacks columns, or an admission offset is no number.
    """
    table = folder / TABLE
    films = (
        cells
        for cells in read_table(table, _COLUMNS)
        if cells.get("modality", "").upper() in _MODALITIES
    )
    rows = rows_of(films, lambda cells: _row(cells, folder), itemgetter("image_id"), table)
    return split_adults(folder, rows, lambda row: row.label == "covid19")


def _row(cells: dict[str, str], folder: Path) -> ManifestRow:
    offset = cells["admission_offset"]
    try:
        positive = bool(offset) and float(offset) < LATEST
    except ValueError:
        raise ValueError(f"admission_offset {offset!r} is no number of days") from None
    return ManifestRow(
        path=folder / "png" / f"{cells['image_id']}.png",
        label="covid19" if positive else "unlabelled",
        patient_id=f"hannover-{cells['patient_id']}",
        view=cells.get("projection", "").upper(),
        source="hannover",
        licence=LICENCE,
        **patient_of(cells.get("sex", ""), cells.get("age", "")),
    )
