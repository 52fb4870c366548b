"""Which films an evaluation looks at, and what its reader must know of them."""

from collections.abc import Sequence

from cxr_tf.runtime.errors import UsageError
from pipelines.classes import COVID_NET_CLASSES, PAPER_CLASSES, ClassMap, parse_classes
from pipelines.manifest.overlap import seen_films
from pipelines.manifest.table import SPLITS, Manifest, validate


def class_map_of(names: Sequence[str], spec: str = "") -> ClassMap:
    """Finds which manifest class counts as which of a model's classes.

    Args:
        names: the model's classes in order.
        spec: the map as text, such as `a,b=c+d`; '' for the known map with these names, or else
            each class by its own name.

    Returns:
        The map; its names are the model's classes in order.

    Raises:
        UsageError: the text is wrong or names other classes than the model's.
    """
    names = tuple(names)
    known = {known.names: known for known in (PAPER_CLASSES, COVID_NET_CLASSES)}
    try:
        chosen = parse_classes(spec) if spec else known.get(names)
        chosen = chosen or parse_classes(",".join(names))
    except ValueError as error:
        raise UsageError(f"--classes: {error}") from error
    if chosen.names != names:
        raise UsageError(
            f"the model decides between {', '.join(names)}, in this order: give --classes with "
            f"these names, not {', '.join(chosen.names)}"
        )
    return chosen


def select_films(
    manifest: Manifest,
    task: str,
    split: str,
    classes: ClassMap | None = None,
    *,
    paper_list_only: bool = False,
    most: int = 0,
) -> Manifest:
    """Chooses the films to evaluate, and refuses them if a file or class is wrong.

    Args:
        manifest: the data.
        task: `segmentation` or `classification`.
        split: one of the task's splits.
        classes: the class map, for classification; None before the model is known.
        paper_list_only: keep only films on the paper's own case list.
        most: keep only the first so many films; 0 for all.

    Returns:
        At least one film.

    Raises:
        UsageError: the choice is empty.
        ManifestError: lists every fault of the chosen films at once.
    """
    rows = manifest.select(task, split, classes=classes).rows
    chosen = tuple(row for row in rows if row.on_paper_list or not paper_list_only)
    if not chosen:
        counts = ", ".join(f"{name} {len(manifest.select(task, name))}" for name in SPLITS[task])
        kind = "film of the paper's list" if rows else "film"
        raise UsageError(
            f"{manifest.root}: no {kind} in the {task} split {split!r} (films: {counts}); "
            "choose another split or data"
        )
    films = Manifest(manifest.root, chosen[:most] if most else chosen)
    validate(films, task, classes, need=(split,))
    return films


def notes_on(manifest: Manifest, films: Manifest, task: str, split: str) -> list[str]:
    """Says what stands against the figures.

    Args:
        manifest: all of the data.
        films: the films evaluated.
        task: `segmentation` or `classification`.
        split: the films' split.

    Returns:
        Sentences; none where there is nothing to say.
    """
    notes = []
    if split == "train":
        notes.append("these films were trained on: the figures do not tell of new films")
    elif split == "validation":
        notes.append("training chose its best weights on these films: the figures flatter")
    elif count := len(seen_films(manifest, films.rows, task)):
        notes.append(f"LEAKAGE: films whose patients are trained or validated on too: {count}")
    if task == "classification" and (
        count := len(seen_films(manifest, films.rows, "segmentation"))
    ):
        notes.append(
            "films whose patients stand in the segmentation's training or validation split of this "
            f"data: {count}; their lung masks may be better than on new films"
        )
    if unknown := sum(not row.patient_id for row in films):
        notes.append(f"films without a patient id: {unknown}; each counts as a patient of its own")
    return notes
