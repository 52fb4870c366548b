"""The rows of a manifest: what is known of each film, and where its files lie."""

import dataclasses
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

from pipelines.classes import ClassMap
from pipelines.spreadsheet_text import plain_path

COLUMNS = (
    "path",
    "class",
    "patient_id",
    "view",
    "source",
    "licence",
    "sha256",
    "split_segmentation",
    "split_classification",
    "mask_heart",
    "mask_left_lung",
    "mask_right_lung",
    "mask_lung",
    "sex",
    "age",
    "cohort",
    "paper_list",
    "age_group",
)
"""Columns in the order written; later ones are added behind. A CSV may leave out all but
`REQUIRED_COLUMNS`, and may hold further columns, which are not read."""

REQUIRED_COLUMNS = ("path", "class", "split_segmentation", "split_classification")
FILE_COLUMNS = ("path", "mask_heart", "mask_left_lung", "mask_right_lung", "mask_lung")
MASKS = ("heart", "left_lung", "right_lung", "lung")

SPLITS = {
    "segmentation": ("train", "validation", "test", "crossdb"),
    "classification": ("train", "validation", "test"),
}
"""Splits of each task; a row with an empty split takes no part in the task. `crossdb` is a test
on films of a source the network never saw."""

PHANTOM_SOURCE = "phantom"
"""Source of generated films; several have names that begin with it and a dash."""

_NO_DERIVATIVES = re.compile(
    r"(?<![a-z])(by|nc)[\s_\-\u2010-\u2013]+nd(?![a-z])|no[\s\-]?deriv", re.IGNORECASE
)


class ManifestError(ValueError):
    """A manifest or data folder that cannot be used, with every fault found in it.

    Args:
        where: The file or folder.
        faults: One line each: what is wrong, and the remedy.
    """

    def __init__(self, where: Path | str, faults: Sequence[str]) -> None:
        self.faults = list(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n  - ".join([f"{where}: {count}", *self.faults]))


@dataclasses.dataclass(frozen=True)
class ManifestRow:
    """One film: its files (absolute paths or None) and what is known of it ('' where unknown).

    `label` is the column `class`; left and right are the patient's. `cohort` is `adult`,
    `paediatric` or another group to report on; `paper_list` is `yes` for films on the paper's
    own case list; `age_group` is `child` or `adult` where that is known, with or without an age.
    """

    path: Path
    label: str
    patient_id: str = ""
    view: str = ""
    source: str = ""
    licence: str = ""
    sha256: str = ""
    split_segmentation: str = ""
    split_classification: str = ""
    mask_heart: Path | None = None
    mask_left_lung: Path | None = None
    mask_right_lung: Path | None = None
    mask_lung: Path | None = None
    sex: str = ""
    age: str = ""
    cohort: str = ""
    paper_list: str = ""
    age_group: str = ""

    @property
    def patient(self) -> str:
        """Tells patients apart: the patient id, or the film's path where none is known."""
        return self.patient_id or self.path.as_posix()

    @property
    def masks(self) -> dict[str, Path]:
        """The mask files that exist, by `heart`, `left_lung`, `right_lung`, `lung`."""
        found = {mask: getattr(self, f"mask_{mask}") for mask in MASKS}
        return {mask: file for mask, file in found.items() if file is not None}

    @property
    def trainable(self) -> bool:
        """False where the licence forbids derivatives: such films are never trained on."""
        return _NO_DERIVATIVES.search(self.licence) is None

    @property
    def phantom(self) -> bool:
        """True for a generated film."""
        return self.source.partition("-")[0] == PHANTOM_SOURCE

    @property
    def on_paper_list(self) -> bool:
        """True for films on the paper's own case list."""
        return self.paper_list == "yes"

    def split(self, task: str) -> str:
        """Give the row's split in `segmentation` or `classification`, '' for none."""
        check_task(task)
        return str(getattr(self, f"split_{task}"))


@dataclasses.dataclass(frozen=True)
class Manifest(Sequence[ManifestRow]):
    """Rows in a fixed order, and the file or folder they come from.

    Args:
        root: Manifest file or data folder, for messages.
        rows: The films.
    """

    root: Path
    rows: tuple[ManifestRow, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> ManifestRow: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[ManifestRow, ...]: ...

    def __getitem__(self, index: int | slice) -> ManifestRow | tuple[ManifestRow, ...]:
        return self.rows[index]

    def __iter__(self) -> Iterator[ManifestRow]:
        return iter(self.rows)

    @property
    def phantom(self) -> bool:
        """True if any film is generated."""
        return any(row.phantom for row in self.rows)

    def select(self, task: str, *splits: str, classes: ClassMap | None = None) -> "Manifest":
        """Keep the films of some splits, in order.

        Args:
            task: `segmentation` or `classification`.
            *splits: Splits to keep; none given: every row that has a split of the task.
            classes: Drops the films of classes that this map leaves out.

        Returns:
            A manifest of the rows kept, possibly empty.

        Raises:
            ValueError: Unknown task or split.
        """
        check_task(task)
        if unknown := sorted(set(splits) - set(SPLITS[task])):
            raise ValueError(f"splits {unknown}: the splits of {task} are {SPLITS[task]}")
        left_out = classes.left_out if classes is not None else ()
        wanted = splits or SPLITS[task]
        kept = (row for row in self.rows if row.split(task) in wanted)
        return Manifest(self.root, tuple(row for row in kept if row.label not in left_out))

    def fingerprint(self) -> str:
        """Hash rows, their order and the size of every file.

        The same films give the same fingerprint wherever the folder lies and whatever the
        manifest's own place is; contents count through the `sha256` column where it is filled.
        `age_group` does not count: it came later and decides nothing, so that the fingerprints
        in cards and runs of earlier versions hold.

        Returns:
            SHA-256 in hexadecimal.
        """
        base = _common_folder(self.rows)
        digest = hashlib.sha256()
        for row in self.rows:
            files = [row.path, *row.masks.values()]
            sizes = [str(file.stat().st_size) if file.is_file() else "-" for file in files]
            texts = cells(row, base)
            del texts["age_group"]
            digest.update("\x1f".join([*texts.values(), *sizes]).encode() + b"\x1e")
        return digest.hexdigest()


def check_task(task: str) -> None:
    """Raise ValueError for an unknown task."""
    if task not in SPLITS:
        raise ValueError(f"task {task!r}: the tasks are {tuple(SPLITS)}")


def cells(row: ManifestRow, folder: Path) -> dict[str, str]:
    """Write a row as text, with paths relative to a folder; keys are `COLUMNS`."""
    texts = {}
    for name in COLUMNS:
        value = getattr(row, "label" if name == "class" else name)
        if isinstance(value, Path):
            value = plain_path(Path(os.path.relpath(value, folder)).as_posix())
        texts[name] = value or ""
    return texts


def _common_folder(rows: Iterable[ManifestRow]) -> Path:
    folders = {file.parent for row in rows for file in (row.path, *row.masks.values())}
    return Path(os.path.commonpath(folders)) if folders else Path()
