"""Films of sources that a training must not see (leave one source out)."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.learnt_sources import learnt_sources
from cxr_tf.saved.run_options import ClassificationTrainingOptions, TrainingOptions, task_name
from pipelines.classes import ClassMap
from pipelines.manifest.table import Manifest

log = logging.getLogger(__name__)


def films_kept(config: TrainingOptions, data: Manifest, classes: ClassMap | None) -> Manifest:
    """Leave out the films of the sources that `--leave-out` names.

    Args:
        config: options of the run.
        data: all rows.
        classes: decision classes; None for segmentation.

    Returns:
        The rows that are kept, in order.

    Raises:
        UsageError: a source is unknown, a class has no film left to train on, or the first weights
            have learnt from such a source.
    """
    if not config.leave_out:
        return data
    _check_weights(config)
    kept = without_sources(data, config.leave_out)
    task = task_name(type(config))
    gone = Counter(row.split(task) or "no" for row in data if row.source in config.leave_out)
    counts = ", ".join(f"{count} of {split} split" for split, count in sorted(gone.items()))
    log.info("%d films of %s are left out (%s)", gone.total(), ", ".join(config.leave_out), counts)
    if others := len(data) - len(kept) - gone.total():
        log.info("%d films of other sources too: of the same patients, or the same films", others)
    _check_left(config, data, kept, classes)
    return kept


def without_sources(data: Manifest, sources: Sequence[str]) -> Manifest:
    """Take the films of some sources away, and what other sources hold of the same patients.

    Args:
        data: all rows.
        sources: values of the column `source`.

    Returns:
        The other rows, in order.

    Raises:
        UsageError: no film has one of these sources.
    """
    there = sorted({row.source for row in data} - {""})
    if unknown := sorted(set(sources) - set(there)):
        raise UsageError(
            f"--leave-out {' '.join(unknown)}: {data.root} has no film of that source; "
            f"its sources are {', '.join(there) or 'not given: fill the column source'}"
        )
    gone = [row for row in data if row.source in sources]
    patients = {row.patient for row in gone}
    contents = {row.sha256.lower() for row in gone} - {""}
    kept = (
        row
        for row in data
        if row.source not in sources
        and row.patient not in patients
        and row.sha256.lower() not in contents
    )
    return Manifest(data.root, tuple(kept))


def learnt_from(
    config: TrainingOptions, kept: Manifest, classes: ClassMap | None
) -> dict[str, object]:
    """Say for the run's record whose films it learns from.

    Args:
        config: options of the run.
        kept: the rows that are not left out.
        classes: decision classes; None for segmentation.

    Returns:
        `sources`, and `sources_known`: whether these are all, those of the first weights too.
    """
    rows = kept.select(task_name(type(config)), "train", "validation", classes=classes)
    own = {row.source for row in rows}
    known, complete = frozenset[str](), True
    if config.start_from:
        known, complete = learnt_sources(Path(config.start_from))
    return {"sources": sorted(own | known), "sources_known": complete and "" not in own}


def _check_weights(config: TrainingOptions) -> None:
    """Refuse first weights that know a source that is left out; warn where that is not known."""
    left_out = frozenset(config.leave_out)
    if config.start_from:
        known, complete = learnt_sources(Path(config.start_from))
        if seen := sorted(known & left_out):
            raise UsageError(
                f"--start-from {config.start_from} has learnt from {', '.join(seen)}, which "
                "--leave-out names; start from weights that have not, or from ImageNet's"
            )
        if not complete:
            log.warning(
                "%s does not say which sources it has learnt from: what it has seen of %s is not "
                "left out", config.start_from, ", ".join(sorted(left_out)),
            )  # fmt: skip
    if isinstance(config, ClassificationTrainingOptions):
        known, _ = learnt_sources(Path(config.segmentation))
        if seen := sorted(known & left_out):
            log.warning(
                "the network of the masks has learnt from %s: these films may get better masks "
                "than those of a new source", ", ".join(seen),
            )  # fmt: skip


def _check_left(
    config: TrainingOptions, data: Manifest, kept: Manifest, classes: ClassMap | None
) -> None:
    """Refuse to train without a class that the data have; warn where validation has lost one."""
    task, asked = task_name(type(config)), f"--leave-out {' '.join(config.leave_out)}"
    for split in ("train", "validation"):
        before, after = (
            {
                classes.members.get(row.label, "") if classes else ""
                for row in rows.select(task, split, classes=classes)
                if split != "train" or row.trainable
            }
            for rows in (data, kept)
        )
        if before and not after:
            raise UsageError(f"{asked}: no film is left in the {task} split {split!r}")
        if not (lost := ", ".join(sorted(before - after))):
            continue
        if split == "train":
            raise UsageError(
                f"{asked}: no film of {lost} is left to train on; a class that one source alone "
                "has cannot be judged so: leave out others, or drop the class with --classes"
            )
        log.warning("%s: no film of %s is left to validate on", asked, lost)
