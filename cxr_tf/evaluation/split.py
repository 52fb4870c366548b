"""Which films an evaluation looks at, and what its reader must know of them."""

from collections.abc import Collection, Sequence

from cxr_tf.runtime.errors import UsageError
from pipelines.classes import COVID_NET_CLASSES, PAPER_CLASSES, ClassMap, parse_classes
from pipelines.manifest.overlap import seen_films
from pipelines.manifest.table import SPLITS, Manifest, validate

#: In place of a split: the films of every split.
ALL = "all"


def class_map_of(names: Sequence[str], spec: str = "") -> ClassMap:
    """Find which manifest class counts as which of a model's classes.

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
    sources: Sequence[str] = (),
    paper_list_only: bool = False,
    most: int = 0,
) -> Manifest:
    """Choose the films to evaluate, and refuse them if a file or class is wrong.

    Args:
        manifest: the data.
        task: `segmentation` or `classification`.
        split: one of the task's splits, or `all` of them.
        classes: the class map, for classification; None before the model is known.
        sources: keep only films of these; none for all.
        paper_list_only: keep only films on the paper's own case list.
        most: keep only the first so many films; 0 for all.

    Returns:
        At least one film.

    Raises:
        UsageError: the choice is empty, or a source is unknown.
        ManifestError: lists every fault of the chosen films at once.
    """
    splits = () if split == ALL else (split,)
    there = {row.source for row in manifest}
    if unknown := sorted(set(sources) - there):
        raise UsageError(
            f"--source {' '.join(unknown)}: {manifest.root} has no film of that source; its "
            f"sources are {', '.join(sorted(there - {''})) or 'not given'}"
        )
    rows = manifest.select(task, *splits, classes=classes).rows
    rows = tuple(row for row in rows if not sources or row.source in sources)
    chosen = tuple(row for row in rows if row.on_paper_list or not paper_list_only)
    if not chosen:
        counts = ", ".join(f"{name} {len(manifest.select(task, name))}" for name in SPLITS[task])
        kind = "film of the paper's list" if rows else "film"
        kind += f" of {', '.join(sources)}" if sources else ""
        raise UsageError(
            f"{manifest.root}: no {kind} in the {task} split {split!r} (films: {counts}); "
            "choose another split or data"
        )
    films = Manifest(manifest.root, chosen[:most] if most else chosen)
    validate(films, task, classes, need=splits)
    return films


def check_unseen(films: Manifest, learnt: tuple[Collection[str], bool]) -> list[str]:
    """Refuse to evaluate films of all splits where the model has learnt from their source.

    Args:
        films: the films evaluated, of all splits.
        learnt: sources that the model has learnt from, and whether there are no others.

    Returns:
        Sentences on what is not known; none where there is nothing to say.

    Raises:
        UsageError: it has learnt from one of them.
    """
    sources = {row.source for row in films}
    if seen := sorted(sources & set(learnt[0])):
        raise UsageError(
            f"--split all: the model has learnt from films of {', '.join(seen)}, so that these are "
            f"no films of a new source; name others by --source, train with --leave-out "
            f"{' '.join(seen)}, or evaluate --split test"
        )
    if learnt[1] and "" not in sources:
        return []
    return [
        "LEAKAGE POSSIBLE: it is not recorded whether the model has learnt from films of "
        f"{', '.join(sorted(name or 'unknown source' for name in sources))}; if it has, these "
        "figures do not tell of a new source"
    ]


def notes_on(manifest: Manifest, films: Manifest, task: str, split: str) -> list[str]:
    """Say what stands against the figures.

    Args:
        manifest: all of the data.
        films: the films evaluated.
        task: `segmentation` or `classification`.
        split: the films' split, or `all`; see `check_unseen` for these.

    Returns:
        Sentences; none where there is nothing to say.
    """
    notes = []
    if split == "train":
        notes.append("these films were trained on: the figures do not tell of new films")
    elif split == "validation":
        notes.append("training chose its best weights on these films: the figures flatter")
    elif split != ALL and (count := len(seen_films(manifest, films.rows, task))):
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
