"""What must hold before a manifest is used: every fault is found before the first step."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelines.classes import MANIFEST_CLASSES, ClassMap
from pipelines.manifest_rows import SPLITS, Manifest, ManifestError, ManifestRow

_LUNGS = {"left_lung", "right_lung"}


def validate(
    manifest: Manifest,
    task: str,
    classes: ClassMap | None = None,
    *,
    need: Sequence[str] = ("train",),
    verify: bool = False,
) -> None:
    """Refuses a manifest that a task cannot use.

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
        *_doubled_paths(manifest.rows),
        *_unknown_splits(manifest.rows, task),
        *_missing_files(used.rows),
        *_crossing(used.rows, task),
        *(_missing_masks(used.rows) if task == "segmentation" else _classes(used.rows, classes)),
        *_empty_splits(used, task, classes, need),
        *(_changed_films(used.rows) if verify else ()),
    ]
    if faults:
        raise ManifestError(manifest.root, faults)


def file_sha256(path: Path) -> str:
    """Hashes a file's bytes; SHA-256 in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _doubled_paths(rows: Sequence[ManifestRow]) -> Iterator[str]:
    for path, count in Counter(row.path for row in rows).items():
        if count > 1:
            yield f"{path}: stands in {count} rows; keep one"


def _unknown_splits(rows: Sequence[ManifestRow], task: str) -> Iterator[str]:
    for row in rows:
        split = row.split(task)
        if split and split not in SPLITS[task]:
            names = ", ".join(SPLITS[task])
            yield f"{row.path}: unknown {task} split {split!r}; use {names} or leave it empty"


def _missing_files(rows: Sequence[ManifestRow]) -> Iterator[str]:
    for row in rows:
        for name, file in {"film": row.path, **row.masks}.items():
            what = name if name == "film" else f"{name} mask"
            if not file.is_file():
                yield f"{file}: {what} is missing; restore the file or remove it from the manifest"
            elif file.stat().st_size == 0:
                yield f"{file}: {what} is an empty file; restore it or remove it from the manifest"


def _missing_masks(rows: Sequence[ManifestRow]) -> Iterator[str]:
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


def _classes(rows: Sequence[ManifestRow], classes: ClassMap | None) -> Iterator[str]:
    for row in rows:
        if classes is not None and row.label not in classes:
            known = f"the classes are {classes.spec()!r}"
        elif classes is None and row.label not in MANIFEST_CLASSES:
            known = f"the classes are {', '.join(MANIFEST_CLASSES)}"
        else:
            continue
        yield f"{row.path}: unknown class {row.label!r}; {known}: correct it or empty the split"


def _crossing(rows: Sequence[ManifestRow], task: str) -> Iterator[str]:
    patients: dict[str, set[str]] = {}
    contents: dict[str, set[str]] = {}
    for row in rows:
        patients.setdefault(row.patient, set()).add(row.split(task))
        if row.sha256:
            contents.setdefault(row.sha256.lower(), set()).add(row.split(task))
    for patient, splits in patients.items():
        if len(splits) > 1:
            names = ", ".join(sorted(splits))
            yield f"patient {patient!r} is in {task} splits {names}; keep one split a patient"
    for digest, splits in contents.items():
        if len(splits) > 1:
            paths = ", ".join(str(r.path) for r in rows if r.sha256.lower() == digest)
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


def _changed_films(rows: Sequence[ManifestRow]) -> Iterator[str]:
    for row in rows:
        if row.sha256 and row.path.is_file() and file_sha256(row.path) != row.sha256.lower():
            yield f"{row.path}: differs from its sha256; restore the film or hash it again"
