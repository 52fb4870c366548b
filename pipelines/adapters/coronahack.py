"""Adapter for CoronaHack: films of children (Kermany) and of adults (Cohen) with one table.

https://www.kaggle.com/datasets/praveengovi/coronahack-chest-xraydataset
Kermany's films are under CC BY 4.0; the others are figures of publications without a licence.
"""

import re
from operator import itemgetter
from pathlib import Path

from pipelines.adapters.rows import rows_of
from pipelines.adapters.tables import read_table
from pipelines.manifest.ages import CHILD
from pipelines.manifest.rows import Manifest, ManifestRow
from pipelines.manifest.splits import give_splits

INDEX = "Chest_xray_Corona_Metadata.csv"
LOOKS_FOR = INDEX
LICENCE = "not stated (figures of publications, collected by Cohen)"
KERMANY_LICENCE = "CC BY 4.0 (Kermany 2018)"

_COLUMNS = (
    "x_ray_image_name",
    "label",
    "dataset_type",
    "label_2_virus_category",
    "label_1_virus_category",
)
_IMAGES = "Coronahack-Chest-XRay-Dataset"
_KERMANY = re.compile(
    r"(?P<patient>(NORMAL2?-)?IM-\d+)-\d+(-\d+)?\.|(?P<person>person\d+)_(bacteria|virus)_\d+\.|"
    r"(?P<case>(NORMAL|BACTERIA|VIRUS)-\d+)-\d+\.",
    re.IGNORECASE,
)
_SERIES = re.compile(r"(-day\d+|[-_][a-d]\d?)\Z", re.IGNORECASE)
_CAUSES = {"bacteria": "bacterial", "virus": "viral"}


def recognises(folder: Path) -> bool:
    """Tell whether a folder holds the CoronaHack release."""
    return (folder / INDEX).is_file()


def is_paediatric(name: str) -> bool:
    """Tell films of children by their file names.

    Over 80 % of the release comes from Kermany's collection: children of one to five years from
    Guangzhou (Section III-A). Its names are `IM-0115-0001`, `NORMAL2-IM-0027-0001`,
    `person1_bacteria_1`, `person3_virus_15`; in later editions `NORMAL-`, `BACTERIA-`,
    `VIRUS-1003227-0001`.

    Args:
        name: File name of a film.

    Returns:
        Whether the name is one of Kermany's.
    """
    return _KERMANY.match(name) is not None


def adapt(folder: Path) -> Manifest:
    """Read the CoronaHack release.

    Films of children have no split, so they are left out of every task. Adults with a normal,
    bacterial, viral or COVID-19 film are split by patient for classification.

    Args:
        folder: Holds the table and `Coronahack-Chest-XRay-Dataset/train|test/`, once or twice
            nested.

    Returns:
        The manifest. The release names no patients: they are told apart by file name, and films
        of one series (`-day3`, `-b`) count as one patient.

    Raises:
        ManifestError: The table lacks columns, or has words that are not known.
    """
    nested = [folder / _IMAGES / _IMAGES, folder / _IMAGES, folder]
    images = next((p for p in nested if (p / "train").is_dir() or (p / "test").is_dir()), nested[0])
    rows = rows_of(
        read_table(folder / INDEX, _COLUMNS),
        lambda cells: _row(cells, images),
        itemgetter("x_ray_image_name"),
        folder / INDEX,
    )
    return Manifest(
        folder,
        give_splits(
            rows,
            "classification",
            lambda row: row.cohort == "adult" and row.label != "unlabelled",
        ),
    )


def _row(cells: dict[str, str], images: Path) -> ManifestRow:
    name, group = cells["x_ray_image_name"], cells["dataset_type"].lower()
    if group not in ("train", "test"):
        raise ValueError(f"unknown Dataset_type {group!r}; it is TRAIN or TEST")
    child = is_paediatric(name)
    return ManifestRow(
        path=images / group / name,
        label=_class(cells),
        patient_id=_patient(name),
        source="coronahack",
        licence=KERMANY_LICENCE if child else LICENCE,
        cohort="paediatric" if child else "adult",
        age_group=CHILD if child else "",
    )


def _class(cells: dict[str, str]) -> str:
    """`Pnemonia` is the spelling of the first edition; ARDS is listed under Stress-Smoking."""
    verdict = cells["label"].lower()
    if verdict == "normal":
        return "normal"
    if verdict not in ("pneumonia", "pnemonia"):
        raise ValueError(f"unknown Label {cells['label']!r}; it is Normal or Pneumonia")
    if cells["label_2_virus_category"].upper() == "COVID-19":
        return "covid19"
    return _CAUSES.get(cells["label_1_virus_category"].lower(), "unlabelled")


def _patient(name: str) -> str:
    kermany = _KERMANY.match(name)
    if kermany:
        return "kermany-" + (kermany["patient"] or kermany["person"] or kermany["case"])
    return "coronahack-" + _SERIES.sub("", Path(name).stem)
