"""Which sources are left out together, and how many steps every fold can train for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.run_options import ClassificationTrainingOptions
from pipelines.classes import ClassMap
from pipelines.manifest.table import Manifest

TASK = "classification"


@dataclass(frozen=True)
class Fold:
    """One training without some sources.

    Attributes:
        name: as it was asked for, such as `nih+rsna`.
        sources: that are left out.
    """

    name: str
    sources: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Name of its folder."""
        return re.sub(r"[^\w.+-]", "_", self.name)


def parse_folds(names: Sequence[str], data: Manifest, classes: ClassMap) -> list[Fold]:
    """Read which sources are left out.

    Args:
        names: of folds: a source, or several joined by `+`; none for each source that has films of
            a class.
        data: all rows.
        classes: decision classes.

    Raises:
        UsageError: a source is unknown or stands twice, or films of a class have no source.
    """
    films = [row for row in data.select(TASK, classes=classes) if row.label in classes]
    sources = list(dict.fromkeys(row.source for row in films))
    if "" in sources:
        count = sum(not row.source for row in films)
        raise UsageError(f"{data.root}: {count} films have no source; fill the column source")
    folds = []
    for name in names or sorted(sources):
        parts = (name,) if name in sources else tuple(name.split("+"))
        if unknown := [part for part in parts if part not in sources]:
            raise UsageError(
                f"--folds {name}: {data.root} has no film of a class from {', '.join(unknown)}; "
                f"its sources are {', '.join(sorted(sources))}"
            )
        folds.append(Fold(name, parts))
    used = [source for fold in folds for source in fold.sources]
    if doubled := sorted({source for source in used if used.count(source) > 1}):
        raise UsageError(f"--folds: {', '.join(doubled)} stands in several folds; keep one")
    if len({fold.folder for fold in folds}) < len(folds):
        raise UsageError("--folds: two sources differ in signs alone; rename one in the manifest")
    return folds


def kept_of(fold: Fold, data: Manifest, config: ClassificationTrainingOptions) -> Manifest:
    """Give what a fold learns from.

    Args:
        fold: the fold.
        data: all rows.
        config: options of the training.

    Raises:
        UsageError: it cannot be trained, as a class has no films left.
    """
    from cxr_tf.training.left_out import films_kept
    from cxr_tf.training.run import decision_classes

    return films_kept(replace(config, leave_out=fold.sources), data, decision_classes(config))


def steps_of_a_pass(kept: Manifest, config: ClassificationTrainingOptions) -> int:
    """Count the steps that one epoch of a fold can have.

    Args:
        kept: what it learns from.
        config: options of the training.
    """
    from cxr_tf.training.run import balanced, decision_classes, splits

    classes = decision_classes(config)
    assert classes is not None
    rows, _ = splits(config, kept.select(TASK, classes=classes), TASK)
    labels = [classes.index(row.label) for row in rows]
    drawn = balanced(config, rows, labels).order(config.seed, 0, config.balance)
    return len(drawn) // config.batch_size


def single_sources(data: Manifest, classes: ClassMap) -> dict[str, str]:
    """Find the classes whose films come from one source alone.

    Args:
        data: all rows.
        classes: decision classes.

    Returns:
        The source by class: its films cannot be judged by leaving it out.
    """
    found: dict[str, set[str]] = {}
    for row in data.select(TASK, classes=classes):
        if row.label in classes:
            found.setdefault(classes.members[row.label], set()).add(row.source)
    return {name: min(own) for name, own in found.items() if len(own) == 1}
