"""Adapter for NIH ChestX-ray14: a table of text-mined findings and twelve archives of films.

https://nihcc.app.box.com/v/ChestXray-NIHCC, also https://www.kaggle.com/datasets/nih-chest-xrays/data
No restriction on use; attribute the NIH Clinical Center and cite Wang 2017. The columns of both
editions are as programmes that read them have them: `Data_Entry_2017.csv` with ages such as `058Y`
in its first form, `Data_Entry_2017_v2020.csv` with years and, in one form, the column `Patient Sex`
(https://github.com/sunlabuiuc/PyHealth, tests of its ChestX-ray14 data set).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pipelines.adapters.tables import header, patient_of, read_table, read_text
from pipelines.manifest.rows import Manifest, ManifestError, ManifestRow
from pipelines.manifest.splits import give_splits

TABLES = ("Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv")
LOOKS_FOR = " or ".join(TABLES)
LICENCE = "no restriction; attribute the NIH Clinical Center and cite Wang 2017"

CLASSES = {"No Finding": "normal", "Pneumonia": "pneumonia"}
"""Class of a film whose findings are exactly these; every other film is `unlabelled`."""

OLDEST = 120
"""Years; some ages of the first edition are beyond this (`411`), and count as unknown."""

_COLUMNS = ("image index", "finding labels", "patient age", "view position")
_TRAINING, _TEST = "train_val_list.txt", "test_list.txt"
_PLACES = ("images_*/images", "images_*", "images")


def recognises(folder: Path) -> bool:
    """Tell whether a folder holds ChestX-ray14."""
    return any(set(_COLUMNS) <= header(folder / name) for name in TABLES)


def adapt(folder: Path) -> Manifest:
    """Read as much of ChestX-ray14 as is unpacked.

    Normal films of adults, and of unknown age, take part in classification. Where the release's
    lists are there, the films of `test_list.txt` test, and an eighth of the patients of
    `train_val_list.txt` validates; without them the films are split as those of other releases.
    Pneumonia alone is `pneumonia`, of unknown cause, and has no split, like every film with other
    findings or several.

    Args:
        folder: Holds the table and the archives, as `images_001/images/00000001_000.png` or with
            all films in `images`. The boxes of `BBox_List_2017.csv` are not read.

    Returns:
        The manifest of the films that are there; patients are named as the RSNA adapter names
        them, so that both releases keep to one split a patient.

    Raises:
        ManifestError: The table lacks columns, no film is there, a film stands in two folders, or
            both lists name it.
    """
    table = next(folder / name for name in TABLES if (folder / name).is_file())
    films = _films(folder)
    rows = [
        _row(cells, films[cells["image index"]])
        for cells in read_table(table, _COLUMNS)
        if cells["image index"] in films
    ]
    if not rows:
        raise ManifestError(table, [f"none of its films is in {', '.join(_PLACES)}; unpack some"])
    return Manifest(folder, _split(rows, folder))


def _films(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    faults = []
    for path in (path for place in _PLACES for path in sorted(folder.glob(f"{place}/*.png"))):
        if found.setdefault(path.name, path) != path:
            faults.append(f"{path}: stands in {found[path.name].parent} too; keep one")
    if faults:
        raise ManifestError(folder, faults)
    return found


def _row(cells: dict[str, str], path: Path) -> ManifestRow:
    patient = patient_of(
        cells.get("patient gender") or cells.get("patient sex", ""), cells["patient age"]
    )
    if patient["age"] and int(patient["age"]) > OLDEST:
        patient = patient_of(patient["sex"], "")
    return ManifestRow(
        path=path,
        label=CLASSES.get(cells["finding labels"], "unlabelled"),
        patient_id="nih-" + path.name.partition("_")[0],
        view=cells["view position"].upper(),
        source="nih",
        licence=LICENCE,
        **patient,
    )


def _split(rows: Iterable[ManifestRow], folder: Path) -> tuple[ManifestRow, ...]:
    """Split the normal films, by the release's lists where both are there."""
    lists = {name: set(_lines(folder / name)) for name in (_TRAINING, _TEST)}
    if both := lists[_TRAINING] & lists[_TEST]:
        raise ManifestError(folder, [f"{_TRAINING} and {_TEST} both name {sorted(both)[0]}"])
    rows = tuple(rows)

    def takes_part(row: ManifestRow, name: str = "") -> bool:
        known = row.label == "normal" and row.cohort != "paediatric"
        return known and (not name or row.path.name in lists[name])

    if not all(lists.values()):
        return give_splits(rows, "classification", takes_part)
    rows = give_splits(
        rows,
        "classification",
        lambda row: takes_part(row, _TRAINING),
        sizes=lambda _, films: (films // 8, 0),
    )
    return give_splits(
        rows,
        "classification",
        lambda row: takes_part(row, _TEST),
        sizes=lambda _, films: (0, films),
    )


def _lines(path: Path) -> Iterator[str]:
    return (line.strip() for line in read_text(path).splitlines() if line.strip())
