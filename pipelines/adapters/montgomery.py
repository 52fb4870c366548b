"""Adapter for NLM's Montgomery County set: films with masks of both lungs.

https://data.lhncbc.nlm.nih.gov/public/Tuberculosis-Chest-X-ray-Datasets/Montgomery-County-CXR-Set/
Free for research; cite Jaeger 2014 and Candemir 2014.
"""

import dataclasses
from pathlib import Path

from pipelines.adapters.nlm import film_rows, release_folder
from pipelines.adapters.rows import split_adults
from pipelines.manifest.rows import Manifest, ManifestError

LOOKS_FOR = "CXR_png/MCUCXR_0001_0.png, … in it or in MontgomerySet"
_NAME, _PREFIX = "MontgomerySet", "MCUCXR"


def recognises(folder: Path) -> bool:
    """Tell whether a folder holds the Montgomery County set."""
    return release_folder(folder, _NAME, _PREFIX) is not None


def adapt(folder: Path) -> Manifest:
    """Read the Montgomery County set.

    All films test segmentation across databases (Table I). Adults, and patients of unknown age,
    are split by patient for classification (Table II).

    Args:
        folder: Holds `MontgomerySet`, or is it: `CXR_png`, `ManualMask/leftMask|rightMask`,
            `ClinicalReadings`. Left and right are the patient's.

    Returns:
        The manifest; without `ManualMask` no masks and no segmentation split.

    Raises:
        ManifestError: No films.
    """
    release = release_folder(folder, _NAME, _PREFIX)
    if release is None:
        raise ManifestError(folder, [f"no films; looked for {LOOKS_FOR}"])
    masks = release / "ManualMask"
    rows = film_rows(release, _PREFIX, "montgomery")
    if masks.is_dir():
        rows = [
            dataclasses.replace(
                row,
                split_segmentation="crossdb",
                mask_left_lung=masks / "leftMask" / row.path.name,
                mask_right_lung=masks / "rightMask" / row.path.name,
            )
            for row in rows
        ]
    return split_adults(folder, rows)
