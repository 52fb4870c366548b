"""Adapter for the Wingspan cardiothoracic-ratio set: films with masks of heart and lungs.

https://github.com/eveningdong/cardiothoracic_ratio_estimation_dataset (MIT; cite Dong 2018 and
Dong 2019). Both layouts are those of its `README.md`: the downsampled set that the repository
holds, and the full one with a folder for each patient.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from pipelines.adapters.dicom_headers import read_header
from pipelines.adapters.tables import UNKNOWN_PATIENT, patient_of
from pipelines.manifest.rows import Manifest, ManifestError, ManifestRow
from pipelines.manifest.splits import give_splits

LOOKS_FOR = "wingspan/png and wingspan/mask/heart, or <patient>/original.dcm and heart.png"
LICENCE = "MIT (Extended Wingspan CTR data set, Dong 2018 and 2019)"

_ORGANS = ("heart", "left_lung", "right_lung")
_STUDY = re.compile(r"(?P<study>1\.2\.410\.200048\.\d+)\.\d{14}\Z")


def recognises(folder: Path) -> bool:
    """Tell whether a folder holds the set, downsampled or full."""
    return next(_rows(folder), None) is not None


def adapt(folder: Path) -> Manifest:
    """Read the Wingspan set.

    Segmentation is split 0.7 / 0.1 / 0.2 by patient; the set has no classes. Films taken seconds
    apart in one study count as one patient, although the release gives each a name of its own.

    Args:
        folder: Holds `wingspan/png/<name>.png` and `wingspan/mask/<organ>/<name>.png`, or is that
            `wingspan`; or holds a folder for each patient with `original.dcm`, `heart.png`,
            `left_lung.png` and `right_lung.png`. The copies of JSRT in the repository's `jsrt`
            are left out, for the JSRT adapter reads the films themselves.

    Returns:
        The manifest; masks of both layouts are the patient's left and right.

    Raises:
        ManifestError: No films.
    """
    rows = list(_rows(folder))
    if not rows:
        raise ManifestError(folder, [f"no films; looked for {LOOKS_FOR}"])
    return Manifest(folder, give_splits(rows, "segmentation", lambda row: len(row.masks) == 3))


def _rows(folder: Path) -> Iterator[ManifestRow]:
    for place in (folder / "wingspan", folder):
        if all((place / "mask" / organ).is_dir() for organ in _ORGANS):
            for path in sorted((place / "png").glob("*.png")):
                yield _row(path, path.stem, {o: place / "mask" / o / path.name for o in _ORGANS})
            return
    for path in sorted(folder.glob("*/original.dcm")):
        masks = {organ: path.parent / f"{organ}.png" for organ in _ORGANS}
        if any(file.is_file() for file in masks.values()):
            yield _row(path, path.parent.name, masks)


def _row(path: Path, name: str, masks: dict[str, Path]) -> ManifestRow:
    """Make the row of a film, with the masks that are there."""
    study = _STUDY.match(name)
    said = read_header(path) if path.suffix == ".dcm" else None
    found = {organ: file if file.is_file() else None for organ, file in masks.items()}
    return ManifestRow(
        path=path,
        label="unlabelled",
        patient_id=f"wingspan-{study['study'] if study else name}",
        view=said["ViewPosition"] if said else "",
        source="wingspan",
        licence=LICENCE,
        mask_heart=found["heart"],
        mask_left_lung=found["left_lung"],
        mask_right_lung=found["right_lung"],
        **(patient_of(said["PatientSex"], said["PatientAge"]) if said else UNKNOWN_PATIENT),
    )
