"""Adapter for the three classes of COVID-Net: RSNA's challenge and Cohen's collection together.

The comparison of Table IV, after COVIDx (https://github.com/lindawangg/COVID-Net). Licences are
those of the two parts.
"""

import dataclasses
from pathlib import Path

from pipelines.adapters import cohen, rsna
from pipelines.adapters.phantoms import mark_phantoms
from pipelines.manifest.rows import Manifest, ManifestError, ManifestRow
from pipelines.manifest.splits import give_splits, shares

LOOKS_FOR = "a folder with the RSNA challenge and one with Cohen's collection in it"

SET_ASIDE = {"normal": 100, "pneumonia": 100, "covid19": 10}
"""Films of each class that validate, and as many that test (Table IV)."""

_PARTS = {"RSNA's challenge": rsna, "Cohen's collection": cohen}
_USED = {"RSNA's challenge": ("normal", "pneumonia"), "Cohen's collection": ("covid19",)}


def recognises(folder: Path) -> bool:
    """Tell whether a folder holds both parts."""
    return all(_folders(folder).values())


def adapt(folder: Path) -> Manifest:
    """Read both parts as one set of three classes: normal, pneumonia, covid19.

    RSNA gives the normal films and those with pneumonia, Cohen those with COVID-19, as in Table
    IV; Cohen's other films have no split. 100 normal, 100 pneumonia and 10 COVID-19 films
    validate and as many test, but never more than a tenth and a fifth of a class.

    Args:
        folder: Holds the two folders, whatever their names.

    Returns:
        The manifest, for the classes `pipelines.classes.COVID_NET_CLASSES`.

    Raises:
        ManifestError: A part stands there twice, or has faults of its own.
    """
    rows: list[ManifestRow] = []
    for what, folders in _folders(folder).items():
        if len(folders) != 1:
            names = ", ".join(part.name for part in folders) or "none"
            raise ManifestError(folder, [f"{what} in one folder, not in {names}; keep one"])
        part = mark_phantoms(folders[0], _PARTS[what].adapt(folders[0]))
        rows += [_for_table_iv(row, what) for row in part]
    split = give_splits(
        rows, "classification", lambda row: bool(row.split_classification), sizes=sizes
    )
    return Manifest(folder, split)


def sizes(label: str, films: int) -> tuple[int, int]:
    """Give the sizes of Table IV, or those of Table III where they are smaller.

    Args:
        label: `normal`, `pneumonia` or `covid19`.
        films: Films of the class.

    Returns:
        Films that validate and films that test.
    """
    validation, test = shares(label, films)
    return min(SET_ASIDE[label], validation), min(SET_ASIDE[label], test)


def _for_table_iv(row: ManifestRow, what: str) -> ManifestRow:
    return dataclasses.replace(
        row, split_classification="train" if row.label in _USED[what] else ""
    )


def _folders(folder: Path) -> dict[str, list[Path]]:
    inside = sorted(part for part in folder.iterdir() if part.is_dir()) if folder.is_dir() else []
    return {
        what: [part for part in inside if adapter.recognises(part)]
        for what, adapter in _PARTS.items()
    }
