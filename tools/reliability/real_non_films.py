"""Real pictures that are no frontal chest film, listed in a CSV: lateral films, slices, limbs.

The list is of anyone's making. Only `path` must be there, relative to the list; `kind` says what a
picture shows (else the folder says it that it lies in), `patient_id` keeps pictures of a person
together, and `split_hint` tells which half a picture belongs to. Rows whose `class` a film may
have are films, and are left out.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from pipelines.adapters.tables import read_table
from pipelines.classes import MANIFEST_CLASSES
from pipelines.manifest.rows import ManifestError
from pipelines.manifest.splits import stratify
from tools.reliability.collect import Item

#: Ahead of the kinds of real pictures: a real knee is no drawn one.
REAL = "real_"
#: Halves by the last word of a hint, such as `cls_train`.
_HALVES = {
    "fit": "fit",
    "train": "fit",
    "report": "report",
    "val": "report",
    "validation": "report",
    "test": "report",
}


class Picture(NamedTuple):
    """A row of the list.

    Attributes:
        path: the file.
        name: as the list has it.
        kind: what it shows, with `REAL` ahead.
        patient: whom it shows; its own name where that is not known.
        hint: the half that the list asks for, '' where it does not.
    """

    path: Path
    name: str
    kind: str
    patient: str
    hint: str


def listed(path: Path) -> list[Picture]:
    """Read a list.

    Args:
        path: the CSV.

    Returns:
        The pictures that are no films, in order.

    Raises:
        UsageError: the list cannot be read, has no column `path`, an unknown hint, or names no
            picture; a patient stands in both halves.
    """
    try:
        rows = read_table(path, ("path",))
    except ManifestError as error:
        raise UsageError(str(error)) from None
    found = [_picture(row, path) for row in rows if row.get("class", "") not in MANIFEST_CLASSES]
    if not found:
        raise UsageError(f"{path}: lists no picture; films of chests are not among the non-films")
    halves: dict[str, set[str]] = {}
    for picture in found:
        halves.setdefault(picture.patient, set()).add(picture.hint)
    if torn := sorted(patient for patient, own in halves.items() if len(own) > 1):
        raise UsageError(f"{path}: patient {torn[0]!r} has several split hints; keep one a patient")
    return found


def halves(pictures: Sequence[Picture]) -> list[str]:
    """Give each picture its half: `fit` chooses the gate, `report` measures it.

    Args:
        pictures: of `listed`.

    Returns:
        The half that the list asks for; of the others of each kind, half of the pictures to
        either, by patient and always the same.
    """
    free = [picture for picture in pictures if not picture.hint]
    drawn = stratify(
        [picture.patient for picture in free],
        [picture.kind for picture in free],
        sizes=lambda _, count: (0, count // 2),
    )
    own = dict(zip((picture.name for picture in free), drawn, strict=True))
    return [picture.hint or _HALVES[own[picture.name]] for picture in pictures]


def real_items(path: Path) -> Iterator[Item]:
    """Read the pictures of a list, whatever the headers of DICOM files say they are.

    Args:
        path: the CSV.

    Yields:
        What `collect` describes; pictures that cannot be read are named and left out.
    """
    from pipelines.films import read_film

    pictures = listed(path)
    for picture, half in zip(pictures, halves(pictures), strict=True):
        film = read_film(picture.path, header_check=False)
        if film.pixels is None:
            Reporter().note(f"{picture.path}: left out: {film.error}")
            continue
        origin = ("", "", "", picture.patient)
        yield Item(picture.name, picture.kind, half, origin, film.pixels, film.padding, {})


def _picture(row: dict[str, str], path: Path) -> Picture:
    file = path.absolute().parent / row["path"]
    hint = row.get("split_hint", "").rpartition("_")[2]
    if hint and hint not in _HALVES:
        names = ", ".join(_HALVES)
        raise UsageError(f"{path}: {row['path']}: unknown split hint {hint!r}; use one of {names}")
    kind = row.get("kind") or file.parent.name
    return Picture(
        file,
        row["path"],
        REAL + kind,
        row.get("patient_id") or row["path"],
        _HALVES.get(hint, ""),
    )
