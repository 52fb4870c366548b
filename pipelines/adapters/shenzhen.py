"""Adapter for NLM's Shenzhen set, with the lung masks that others published for it.

https://data.lhncbc.nlm.nih.gov/public/Tuberculosis-Chest-X-ray-Datasets/Shenzhen-Hospital-CXR-Set/
Free for research; cite Jaeger 2014 and Candemir 2014. Masks: Stirenko 2018.
"""

import dataclasses
from pathlib import Path

from pipelines.adapters.nlm import film_rows, release_folder
from pipelines.adapters.rows import split_adults
from pipelines.manifest.rows import Manifest, ManifestError, ManifestRow

LOOKS_FOR = "CXR_png/CHNCXR_0001_0.png, … in it or in ChinaSet_AllFiles"
_NAME, _PREFIX = "ChinaSet_AllFiles", "CHNCXR"


def recognises(folder: Path) -> bool:
    """Tell whether a folder holds the Shenzhen set."""
    return release_folder(folder, _NAME, _PREFIX) is not None


def adapt(folder: Path) -> Manifest:
    """Read the Shenzhen set, which the paper does not use.

    Adults, and patients of unknown age, are split by patient for classification. Films with a
    mask test segmentation across databases, by the union of both lungs.

    Args:
        folder: Holds `ChinaSet_AllFiles`, or is it: `CXR_png`, `ClinicalReadings` and, if they
            are there, masks of 566 films as `mask/CHNCXR_0001_0_mask.png` (Stirenko 2018), beside
            `CXR_png` or beside `ChinaSet_AllFiles`.

    Returns:
        The manifest.

    Raises:
        ManifestError: No films.
    """
    release = release_folder(folder, _NAME, _PREFIX)
    if release is None:
        raise ManifestError(folder, [f"no films; looked for {LOOKS_FOR}"])
    places = [place / name for place in (release, folder) for name in ("mask", "masks")]
    rows = [_with_mask(row, places) for row in film_rows(release, _PREFIX, "shenzhen")]
    return split_adults(folder, rows)


def _with_mask(row: ManifestRow, places: list[Path]) -> ManifestRow:
    files = (place / f"{row.path.stem}_mask.png" for place in places)
    mask = next((file for file in files if file.is_file()), None)
    if mask is None:
        return row
    return dataclasses.replace(row, mask_lung=mask, split_segmentation="crossdb")
