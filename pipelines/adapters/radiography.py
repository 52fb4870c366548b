"""Adapter for the COVID-19 Radiography Database, with its origins told apart.

https://www.kaggle.com/datasets/tawsifurrahman/covid19-radiography-database (second update, 2021)
Cite Chowdhury 2020 and Rahman 2021; the films are under the terms of where they were taken from.
Layout, columns and addresses of origin are those of its `README.md.txt`, and of programmes that
read it (https://github.com/sunlabuiuc/PyHealth, its COVID-19 CXR data set): the table of the
normal films writes `NORMAL-1` where the file is `Normal-1.png`.
"""

from pathlib import Path
from typing import NamedTuple

from pipelines.adapters.rows import split_adults
from pipelines.adapters.sheets import has_sheet, read_sheet
from pipelines.adapters.tables import CHILD_PATIENT, UNKNOWN_PATIENT
from pipelines.manifest.rows import Manifest, ManifestError, ManifestRow

CLASSES = {
    "COVID": "covid19",
    "Normal": "normal",
    "Lung_Opacity": "pneumonia",
    "Viral Pneumonia": "viral",
}
"""Class of each folder's films; a lung opacity of RSNA is a pneumonia of unknown cause."""

LOOKS_FOR = "COVID/images, Normal/images and COVID.metadata.xlsx, Normal.metadata.xlsx, …"


class Origin(NamedTuple):
    """Where the collection took films from.

    Attributes:
        address: Part of the column URL.
        source: For the column of this name.
        licence: Terms there.
    """

    address: str
    source: str
    licence: str


ORIGINS = (
    Origin("bimcv.cipf.es", "bimcv", "BIMCV-COVID19 (Valencia); terms of the project's page"),
    Origin("github.com/ml-workgroup", "hannover", "CC BY 3.0 (Hannover Medical School)"),
    Origin("github.com/armiro", "cxnet", "CC BY 4.0 (COVID-CXNet, a collection from the web)"),
    Origin("figshare.com", "cxnet", "CC BY 4.0 (COVID-CXNet, a collection from the web)"),
    Origin("github.com/ieee8023", "cohen", "not stated (collected by Cohen)"),
    Origin("sirm.org", "sirm", "not stated (Italian Society of Medical Radiology)"),
    Origin("eurorad.org", "eurorad", "CC BY-NC-SA 4.0 (Eurorad)"),
    Origin("rsna-pneumonia", "rsna", "RSNA terms of use (attribution to RSNA, STR and NIH)"),
    Origin("chest-xray-pneumonia", "kermany", "CC BY 4.0 (Kermany 2018)"),
)
OTHER = Origin("", "radiography", "not stated (COVID-19 Radiography Database)")

_COLUMNS = ("file name", "url")
_CLASSIFIED = ("normal", "viral", "covid19")


def recognises(folder: Path) -> bool:
    """Tell whether a folder holds the COVID-19 Radiography Database."""
    return all((folder / name / "images").is_dir() for name in ("COVID", "Normal")) and any(
        has_sheet(_table(folder, name)) for name in CLASSES
    )


def adapt(folder: Path) -> Manifest:
    """Read the COVID-19 Radiography Database.

    Films are told apart by the address in their table; those of Kermany's collection show children
    and have no split. Normal and COVID-19 films are split for classification; lung opacities,
    of unknown cause, are not. The collection names no patients, so each film counts as one: the
    films of a patient of BIMCV or Hannover may train and test.

    Args:
        folder: Holds `COVID`, `Normal`, `Lung_Opacity` and `Viral Pneumonia`, each with `images`
            and perhaps `masks`, and a table of each (`COVID.metadata.xlsx`, or its export as
            CSV). A class whose folder is not there is left out.

    Returns:
        The manifest. The masks, which the collection's authors made with a network, are entered
        without a split of segmentation.

    Raises:
        ManifestError: A table is not there, cannot be read or lacks columns.
    """
    rows: list[ManifestRow] = []
    faults: list[str] = []
    for name in (name for name in CLASSES if (folder / name / "images").is_dir()):
        table = _table(folder, name)
        try:
            rows += _rows(folder / name, read_sheet(table, _COLUMNS), CLASSES[name])
        except ManifestError as error:
            faults += [f"{table.name}: {fault}" for fault in error.faults]
    if faults:
        raise ManifestError(folder, faults)
    return split_adults(folder, rows, lambda row: row.label in _CLASSIFIED)


def origin_of(address: str) -> Origin:
    """Tell where a film was taken from.

    Args:
        address: The column URL.

    Returns:
        One of `ORIGINS`, or `OTHER`.
    """
    address = address.lower()
    return next((origin for origin in ORIGINS if origin.address in address), OTHER)


def _table(folder: Path, name: str) -> Path:
    return folder / f"{name}.metadata.xlsx"


def _rows(folder: Path, table: list[dict[str, str]], label: str) -> list[ManifestRow]:
    """Make the rows of one class; names are found whatever their case."""
    files = {part: _by_name(folder / part) for part in ("images", "masks")}
    rows = []
    for cells in table:
        name = f"{cells['file name'].removesuffix('.png')}.png"
        origin = origin_of(cells["url"])
        film = files["images"].get(name.lower(), folder / "images" / name)
        rows.append(
            ManifestRow(
                path=film,
                label=label,
                patient_id=f"radiography-{film.stem}",
                source=origin.source,
                licence=origin.licence,
                mask_lung=files["masks"].get(name.lower()),
                **(CHILD_PATIENT if origin.source == "kermany" else UNKNOWN_PATIENT),
            )
        )
    return rows


def _by_name(folder: Path) -> dict[str, Path]:
    return {path.name.lower(): path for path in folder.glob("*.png")}
