"""Adapter for Cohen's COVID-19 image data collection, of any of its editions.

https://github.com/ieee8023/covid-chestxray-dataset
Each row has its own licence, often none; films under no-derivatives licences are not trained on.
"""

from pathlib import Path

from pipelines.adapters.rows import split_adults
from pipelines.adapters.tables import header, patient_of, read_table
from pipelines.manifest.rows import Manifest, ManifestRow

LOOKS_FOR = "metadata.csv with the columns patientid, finding, view, filename"
LICENCE = "not stated (figure of a publication, collected by Cohen)"

VIEWS = {
    "PA": "PA",
    "AP": "AP",
    "AP ERECT": "AP",
    "AP SEMI ERECT": "AP",
    "AP SUPINE": "AP Supine",
    "APS": "AP Supine",
}
"""Frontal views as editions spell them; other rows (lateral films, CT) are left out."""

FINDINGS = {
    "covid-19": "covid19",
    "viral": "viral",
    "sars": "viral",
    "mers": "viral",
    "mers-cov": "viral",
    "influenza": "viral",
    "varicella": "viral",
    "ards": "viral",
    "bacterial": "bacterial",
    "streptococcus": "bacterial",
    "staphylococcus": "bacterial",
    "klebsiella": "bacterial",
    "legionella": "bacterial",
    "mycoplasma": "bacterial",
    "chlamydophila": "bacterial",
    "nocardia": "bacterial",
    "e.coli": "bacterial",
    "pneumocystis": "bacterial",
    "tuberculosis": "tuberculosis",
    "no finding": "normal",
    "normal": "normal",
    "pneumonia": "pneumonia",
}
"""Class of a finding. The paper counts ARDS without COVID-19 as viral and Pneumocystis, a fungus,
as bacterial: without them its 20 viral and 33 bacterial films (Table II) do not come out."""

_COLUMNS = ("patientid", "finding", "view", "filename")
_CLASSIFIED = ("normal", "bacterial", "tuberculosis", "viral", "covid19")


def recognises(folder: Path) -> bool:
    """Tell whether a folder holds Cohen's collection."""
    return set(_COLUMNS) <= header(folder / "metadata.csv")


def class_of(finding: str) -> str:
    """Give the class of a finding.

    Args:
        finding: `COVID-19, ARDS` or `SARS` in editions of spring 2020,
            `Pneumonia/Viral/COVID-19` in later ones. Of a list the first counts; of a path the
            last part that `FINDINGS` knows, but `pneumonia` only by itself.

    Returns:
        A manifest class; `unlabelled` for any other finding, such as fungi and aspiration.
    """
    parts = [part.strip().lower() for part in finding.split(",")[0].split("/")]
    if len(parts) > 1:
        parts = [part for part in parts if part != "pneumonia"]
    return next((FINDINGS[part] for part in reversed(parts) if part in FINDINGS), "unlabelled")


def adapt(folder: Path) -> Manifest:
    """Read Cohen's collection.

    Rows of adults, and of unknown age, are split by patient for classification where the
    finding gives a cause or none is found.

    Args:
        folder: Holds `metadata.csv` and the films, in `images` or where the column `folder` says.

    Returns:
        The manifest of the frontal radiographs; the licence is each row's own.

    Raises:
        ManifestError: The table lacks columns.
    """
    table = read_table(folder / "metadata.csv", _COLUMNS)
    rows = [_row(cells, folder) for cells in table if _is_frontal(cells)]
    return split_adults(folder, rows, lambda row: row.label in _CLASSIFIED)


def _is_frontal(cells: dict[str, str]) -> bool:
    return cells["view"].upper() in VIEWS and cells.get("modality", "").upper() in ("", "X-RAY")


def _row(cells: dict[str, str], folder: Path) -> ManifestRow:
    return ManifestRow(
        path=folder / (cells.get("folder") or "images") / cells["filename"],
        label=class_of(cells["finding"]),
        patient_id=f"cohen-{cells['patientid']}" if cells["patientid"] else "",
        view=VIEWS[cells["view"].upper()],
        source="cohen",
        licence=cells.get("license") or LICENCE,
        **patient_of(cells.get("sex", ""), cells.get("age", "")),
    )
