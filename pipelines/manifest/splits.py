"""Train, validation and test splits: stratified by class, by patient or by image, seeded."""

import dataclasses
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal

from pipelines.manifest.rows import SPLITS, Manifest, ManifestRow

Unit = Literal["patient", "image"]
Sizes = Callable[[str, int], tuple[int, int]]
"""From a class and the number of its films to the films that validate and that test."""

REDISTRIBUTED = ("train", "validation", "test")


def shares(label: str, films: int) -> tuple[int, int]:
    """Give the sizes of Table III: 0.1 validates, 0.2 tests, rounded down; the rest trains.

    Args:
        label: Class; all are treated alike.
        films: Films of the class.

    Returns:
        Films that validate and films that test, at least one each where there are three.
    """
    least = 1 if films >= 3 else 0
    return max(films // 10, least), max(films // 5, least)


def stratify(
    units: Sequence[str], labels: Sequence[str], seed: int = 0, sizes: Sizes = shares
) -> list[str]:
    """Distribute films, a pure function of units, classes and seed, whatever their order.

    The units of a class are put in the order of a hash of seed and name; each goes to the test
    split while it fits there, else to validation while it fits there, else to training. So the
    sizes are met exactly unless the units are too large, and units larger than a split train. A
    unit of films of several classes counts as its most frequent one. Of three units or more,
    each split that should have films gets one.

    Args:
        units: What must not be torn apart, for each film: its patient, or its own name.
        labels: Class of each film.
        seed: Another seed gives another distribution.
        sizes: Films that validate and test, from a class and its number of films.

    Returns:
        `train`, `validation` or `test` for each film.
    """
    classes: dict[str, Counter[str]] = defaultdict(Counter)
    for unit, label in zip(units, labels, strict=True):
        classes[unit][label] += 1
    strata: dict[str, dict[str, int]] = defaultdict(dict)
    for unit, counts in classes.items():
        label = min(counts, key=lambda name: (-counts[name], name))
        strata[label][unit] = counts.total()
    placed: dict[str, str] = {}
    for label, films in strata.items():
        order = sorted(films, key=lambda unit: (_digest(seed, unit), unit))
        validation, test = sizes(label, sum(films.values()))
        placed |= _place(order, films, {"test": test, "validation": validation})
    return [placed[unit] for unit in units]


def give_splits(
    rows: Sequence[ManifestRow],
    task: str,
    takes_part: Callable[[ManifestRow], bool],
    *,
    by: Unit = "patient",
    seed: int = 0,
    sizes: Sizes = shares,
) -> tuple[ManifestRow, ...]:
    """Write the splits of a task into rows.

    Args:
        rows: Rows of a manifest.
        task: `segmentation` or `classification`.
        takes_part: Tells which rows are distributed; the others stay as they are.
        by: `patient` keeps the films of a patient together; `image` is the paper's way, which
            lets films of one patient train and test (180 films of 118 COVID-19 patients).
        seed: Of the distribution.
        sizes: As for `stratify`.

    Returns:
        The rows in the same order.

    Raises:
        ValueError: Unknown task or unit.
    """
    if task not in SPLITS:
        raise ValueError(f"task {task!r}: the tasks are {tuple(SPLITS)}")
    if by not in ("patient", "image"):
        raise ValueError(f"split by {by!r}: use 'patient' or 'image'")
    chosen = [index for index, row in enumerate(rows) if takes_part(row)]
    units = [_unit(rows[index], by) for index in chosen]
    labels = [rows[index].label for index in chosen]
    splits = dict(zip(chosen, stratify(units, labels, seed, sizes), strict=True))
    changes: dict[int, dict[str, Any]] = {
        index: {f"split_{task}": split} for index, split in splits.items()
    }
    return tuple(
        dataclasses.replace(row, **changes.get(index, {})) for index, row in enumerate(rows)
    )


def split_again(
    manifest: Manifest,
    task: str = "classification",
    by: Unit = "patient",
    seed: int = 0,
    take: Collection[str] = (),
) -> Manifest:
    """Distribute the films of a task anew, over all sources of the manifest together.

    Args:
        manifest: Rows whose split is `train`, `validation` or `test` are distributed; those
            with another split (`crossdb`) or none keep it.
        task: `segmentation` or `classification`.
        by: `patient` or `image`.
        seed: Of the distribution.
        take: Classes whose films without a split are distributed too, but for those of children.

    Returns:
        The manifest with new splits.
    """

    def takes_part(row: ManifestRow) -> bool:
        added = row.label in take and row.cohort != "paediatric" and not row.split(task)
        return added or row.split(task) in REDISTRIBUTED

    return Manifest(manifest.root, give_splits(manifest.rows, task, takes_part, by=by, seed=seed))


def without_splits(manifest: Manifest) -> Manifest:
    """Empty the splits of both tasks, for splits written by hand."""
    empty: dict[str, Any] = {f"split_{task}": "" for task in SPLITS}
    rows = (dataclasses.replace(row, **empty) for row in manifest.rows)
    return Manifest(manifest.root, tuple(rows))


def _unit(row: ManifestRow, by: Unit) -> str:
    """Names that do not change when the data folder moves."""
    return (by == "patient" and row.patient_id) or f"{row.path.parent.name}/{row.path.name}"


def _digest(seed: int, unit: str) -> bytes:
    return hashlib.sha256(f"{seed} {unit}".encode()).digest()


def _place(order: Sequence[str], films: dict[str, int], room: dict[str, int]) -> dict[str, str]:
    """Places units where they fit; a split left empty gets the smallest unit that trains."""
    wanted = [split for split, size in room.items() if size]
    left = dict(room)
    placed = {}
    for unit in order:
        split = next((name for name in room if films[unit] <= left[name]), "train")
        placed[unit] = split
        if split != "train":
            left[split] -= films[unit]
    for split in wanted:
        training = [unit for unit in order if placed[unit] == "train"]
        if split not in placed.values() and len(training) > 1:
            placed[min(training, key=films.__getitem__)] = split
    return placed
