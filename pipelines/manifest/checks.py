"""What must hold before a manifest is used: every fault is found before the first step."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelines.classes import MANIFEST_CLASSES, ClassMap
from pipelines.manifest.ages import AGE_GROUPS, age_group_of
from pipelines.manifest.rows import SPLITS, Manifest, ManifestError, ManifestRow

_LUNGS = {"left_lung", "right_lung"}


def validate(
    manifest: Manifest,
    task: str,
    classes: ClassMap | None = None,
    *,
    need: Sequence[str] = ("train",),
    verify: bool = False,
) -> None:
    """Refuse a manifest that a task cannot use.

    Checked over all rows: a film that stands twice, split names. Over the rows of the task:
    missing or empty films and masks, masks the split needs (heart and both lungs to train and
    validate, any lung mask to test), unknown classes, a patient or (where `sha256` is filled) a
    film in two splits, and empty splits among `need`. With `train` among `need`, each decision
    class needs a film that may be trained on.

    Args:
        manifest: Rows to check.
        task: `segmentation` or `classification`.
        classes: Decision classes; None: any class an adapter may write.
        need: Splits that must have a film.
        verify: Reads every film of the task and compares it with its `sha256`.

    Raises:
        ManifestError: Lists all faults at once.
        ValueError: Unknown task or split in `need`.
    """
    used = manifest.select(task, classes=classes)
    manifest.select(task, *need)
    faults = [
        *doubled_paths(manifest.rows),
        *unknown_splits(manifest.rows, task),
        *missing_files(used.rows),
        *crossing_patients(used.rows, task),
        *crossing_films(used.rows, task),
        *(
            missing_masks(used.rows)
            if task == "segmentation"
            else unknown_classes(used.rows, classes)
        ),
        *_empty_splits(used, task, classes, need),
        *(changed_films(used.rows) if verify else ()),
    ]
    if faults:
        raise ManifestError(manifest.root, faults)


def file_sha256(path: Path) -> str:
    """Hash a file's bytes; SHA-256 in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def doubled_paths(rows: Sequence[ManifestRow]) -> Iterator[str]:
    """Name the films that stand in several rows."""
    for path, count in Counter(row.path for row in rows).items():
        if count > 1:
            yield f"{path}: stands in {count} rows; keep one"


def unknown_splits(rows: Sequence[ManifestRow], task: str) -> Iterator[str]:
    """Name the rows whose split of a task is none of `SPLITS`."""
    for row in rows:
        split = row.split(task)
        if split and split not in SPLITS[task]:
            names = ", ".join(SPLITS[task])
            yield f"{row.path}: unknown {task} split {split!r}; use {names} or leave it empty"


def wrong_age_groups(rows: Sequence[ManifestRow]) -> Iterator[str]:
    """Name the rows whose age group is none of `AGE_GROUPS`, or contradicts the age."""
    for row in rows:
        own, told = row.age_group, age_group_of(row.age)
        if own and own not in AGE_GROUPS:
            names = ", ".join(AGE_GROUPS)
            yield f"{row.path}: unknown age group {own!r}; use {names} or leave it empty"
        elif told and own and own != told:
            yield f"{row.path}: age group {own!r} at the age of {row.age}; correct one of them"


def missing_files(rows: Sequence[ManifestRow]) -> Iterator[str]:
    """Name the films and masks that are not there, or empty."""
    for row in rows:
        for name, file in {"film": row.path, **row.masks}.items():
            what = name if name == "film" else f"{name} mask"
            if not file.is_file():
                yield f"{file}: {what} is missing; restore the file or remove it from the manifest"
            elif file.stat().st_size == 0:
                yield f"{file}: {what} is an empty file; restore it or remove it from the manifest"


def missing_masks(rows: Sequence[ManifestRow]) -> Iterator[str]:
    """Name the rows without a mask that their segmentation split needs."""
    for row in rows:
        masks = set(row.masks)
        if row.split_segmentation in ("train", "validation"):
            if absent := sorted({"heart", *_LUNGS} - masks):
                yield (
                    f"{row.path}: no mask of {', '.join(absent)}, needed in split "
                    f"{row.split_segmentation!r}; add it or empty the split"
                )
        elif not (_LUNGS <= masks or "lung" in masks):
            yield f"{row.path}: no lung mask to compare with; add one or empty the split"


def unknown_classes(rows: Sequence[ManifestRow], classes: ClassMap | None) -> Iterator[str]:
    """Name the rows whose class is not in the map, or that no adapter writes."""
    for row in rows:
        if classes is not None and row.label not in classes:
            known = f"the classes are {classes.spec()!r}"
        elif classes is None and row.label not in MANIFEST_CLASSES:
            known = f"the classes are {', '.join(MANIFEST_CLASSES)}"
        else:
            continue
        yield f"{row.path}: unknown class {row.label!r}; {known}: correct it or empty the split"


def crossing_patients(rows: Sequence[ManifestRow], task: str) -> Iterator[str]:
    """Name the patients that stand in two splits of a task."""
    patients: dict[str, set[str]] = {}
    for row in rows:
        patients.setdefault(row.patient, set()).add(row.split(task))
    for patient, splits in patients.items():
        if len(splits) > 1:
            names = ", ".join(sorted(splits))
            yield f"patient {patient!r} is in {task} splits {names}; keep one split a patient"


def crossing_films(rows: Sequence[ManifestRow], task: str) -> Iterator[str]:
    """Name the films with the same `sha256` in two splits of a task."""
    contents: dict[str, list[ManifestRow]] = {}
    for row in rows:
        if row.sha256:
            contents.setdefault(row.sha256.lower(), []).append(row)
    for films in contents.values():
        if len(splits := {row.split(task) for row in films}) > 1:
            paths = ", ".join(str(row.path) for row in films)
            names = ", ".join(sorted(splits))
            yield f"{paths}: the same film in {task} splits {names}; keep one"


def _empty_splits(
    used: Manifest, task: str, classes: ClassMap | None, need: Sequence[str]
) -> Iterator[str]:
    for split in need:
        rows = [row for row in used.select(task, split) if split != "train" or row.trainable]
        if not rows:
            which = "no film that may be trained on" if split == "train" else "no film"
            yield f"{task} split {split!r} holds {which}; give some films that split"
        elif split == "train" and task == "classification" and classes is not None:
            present = {classes.members.get(row.label) for row in rows}
            for name in (name for name in classes.names if name not in present):
                yield f"class {name!r} has no film to train on; add films or drop the class"


def changed_films(rows: Sequence[ManifestRow]) -> Iterator[str]:
    """Name the films whose bytes differ from their `sha256`."""
    for row in rows:
        if row.sha256 and row.path.is_file() and file_sha256(row.path) != row.sha256.lower():
            yield f"{row.path}: differs from its sha256; restore the film or hash it again"
