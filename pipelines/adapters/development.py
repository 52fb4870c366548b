"""Adapter for the project's development data: films gathered from several public sources."""

import hashlib
from pathlib import Path

from pipelines.adapters.rows import rows_of
from pipelines.adapters.tables import header, read_table
from pipelines.manifest.ages import AGE_GROUPS, CHILD, UNKNOWN
from pipelines.manifest.rows import MASKS, Manifest, ManifestRow

LOOKS_FOR = "manifest.csv with the columns path, class, license, split_hint, masks, paper_list"

_COLUMNS = {"path", "class", "patient_id", "view", "license", "split_hint", "masks", "note"}
_HINTS = {
    "seg_train": ("segmentation", "train"),
    "seg_test": ("segmentation", "test"),
    "seg_test_crossdb": ("segmentation", "crossdb"),
    "cls_train": ("classification", "train"),
    "cls_val": ("classification", "validation"),
    "cls_test": ("classification", "test"),
}
_NO_TASK = {"", "dicom_io_test", "exclude_degraded"}


def recognises(folder: Path) -> bool:
    """Tell whether a folder holds the development data."""
    return _COLUMNS <= header(folder / "manifest.csv")


def adapt(folder: Path) -> Manifest:
    """Read the development data.

    About a tenth of the patients who train segmentation validate it instead, chosen by a hash of
    the patient id, since the data itself names no validation split. Films marked as degraded
    and files for input tests keep empty splits. `cohort` is `paediatric` where the note says so
    and `adult` otherwise: a few films of other sources show adolescents without saying so.
    `age_group` is the folder's own where it has the column; `adult?` there means that nothing is
    stated, and becomes `unknown`. Without the column only the children of the notes are known.

    Args:
        folder: Holds `manifest.csv`, `seg/`, `cls/` and `dicom/`.

    Returns:
        The manifest; `sha256`, `sex` and `age` are empty.

    Raises:
        ManifestError: Unknown split hints, mask notes or age groups, all at once.
    """
    path = folder / "manifest.csv"
    rows = rows_of(
        read_table(path, sorted(_COLUMNS)),
        lambda cells: _row(cells, folder),
        lambda cells: folder / cells["path"],
        path,
    )
    return Manifest(path, tuple(rows))


def _row(cells: dict[str, str], folder: Path) -> ManifestRow:
    splits = _splits(cells["split_hint"], cells["patient_id"] or cells["path"])
    masks = _masks(cells["masks"], Path(cells["path"]), folder)
    paediatric = "paediatric" in cells["note"]
    return ManifestRow(
        path=folder / cells["path"],
        label=cells["class"],
        patient_id=cells["patient_id"],
        view=cells["view"],
        source=_source(Path(cells["path"])),
        licence=cells["license"],
        split_segmentation=splits.get("segmentation", ""),
        split_classification=splits.get("classification", ""),
        mask_heart=masks.get("heart"),
        mask_left_lung=masks.get("left_lung"),
        mask_right_lung=masks.get("right_lung"),
        mask_lung=masks.get("lung"),
        cohort="paediatric" if paediatric else "adult",
        paper_list="yes" if cells.get("paper_list", "").startswith("Y") else "",
        age_group=_age_group(cells, paediatric),
    )


def _splits(hints: str, patient: str) -> dict[str, str]:
    splits = {}
    for hint in hints.split("|"):
        if hint in _HINTS:
            task, split = _HINTS[hint]
            splits[task] = split
        elif hint not in _NO_TASK:
            raise ValueError(f"unknown split hint {hint!r}; use one of {sorted(_HINTS)}")
    if splits.get("segmentation") == "train" and _validates(patient):
        splits["segmentation"] = "validation"
    return splits


def _validates(patient: str) -> bool:
    digest = hashlib.sha256(f"segmentation validation {patient}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 10 == 0


def _age_group(cells: dict[str, str], paediatric: bool) -> str:
    group = cells.get("age_group", "")
    if group == "adult?":
        return UNKNOWN
    if group and group not in AGE_GROUPS:
        raise ValueError(f"unknown age group {group!r}; use {', '.join(AGE_GROUPS)} or adult?")
    return group or (CHILD if paediatric else "")


def _source(path: Path) -> str:
    """`seg/<source>/images/…`, `cls/<class>/<source>__…`, `dicom/<source>_…`."""
    if path.parts[0] == "seg":
        return path.parts[1]
    return path.name.partition("__" if path.parts[0] == "cls" else "_")[0]


def _masks(note: str, path: Path, folder: Path) -> dict[str, Path]:
    """Masks are named `left_lung;heart`, `see seg/jsrt/*/NAME.png` or `lung:PATH;…`."""
    masks = {}
    for part in filter(None, note.split(";")):
        if part.startswith("see "):
            base, star, name = part.removeprefix("see ").partition("/*/")
            if not star:
                raise ValueError(f"unknown mask note {part!r}; write 'see FOLDER/*/NAME'")
            found = {mask: folder / base / f"masks_{mask}" / name for mask in MASKS}
            masks.update({mask: file for mask, file in found.items() if file.parent.is_dir()})
            continue
        mask, colon, place = part.partition(":")
        if mask not in MASKS:
            raise ValueError(f"unknown mask {mask!r}; the masks are {', '.join(MASKS)}")
        beside = path.parent.parent / f"masks_{mask}" / f"{path.stem}.png"
        masks[mask] = folder / (place if colon else beside)
    return masks
