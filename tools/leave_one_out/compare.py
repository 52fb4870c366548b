"""Two recipes, or two seeds of one, on the same films: differences with intervals over patients."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxr_tf.evaluation.summary import figure_text, table, title_of
from cxr_tf.measures.bootstrap import SAMPLES, Estimate, mean_estimate
from cxr_tf.measures.estimates import Decisions
from cxr_tf.measures.paired import Comparison, compare
from cxr_tf.runtime.errors import UsageError
from tools.leave_one_out.decisions import KNOWN, LEFT_OUT, Table, as_decisions, classes_of

#: What a decision is found by in both tables.
_KEYS = ["fold", "kind", "path"]


@dataclass(frozen=True)
class Difference:
    """A recall of both recipes on the same films.

    Attributes:
        source: the films'.
        name: their class.
        first: of the first.
        second: of the second.
        difference: first less second, with an interval over patients.
    """

    source: str
    name: str
    first: float
    second: float
    difference: Estimate


@dataclass(frozen=True)
class Paired:
    """The decisions of one kind that both recipes have.

    Attributes:
        pooled: over all classes.
        recalls: by source and class.
        without: decisions that only one of them has, or where a film was decided by one alone.
    """

    pooled: Comparison
    recalls: list[Difference]
    without: int


def paired(
    first: Table, second: Table, kind: str, samples: int = SAMPLES, seed: int = 0
) -> Paired | None:
    """Compare two folders of folds on the films that both decided.

    Args:
        first: decisions of the first.
        second: decisions of the second.
        kind: `left_out` or `known`.
        samples: bootstrap samples.
        seed: their seed.

    Returns:
        The differences; None where there is no film that both decided.

    Raises:
        UsageError: the classes differ, or a film has another class or patient in the other.
    """
    classes = classes_of(first)
    if classes_of(second) != classes:
        raise UsageError(
            f"the recipes decide between {', '.join(classes)} and between "
            f"{', '.join(classes_of(second))}: they cannot be compared"
        )
    tables = [each[each["kind"] == kind].set_index(_KEYS) for each in (first, second)]
    common = tables[0].index.intersection(tables[1].index)
    left, right = (as_decisions(each.loc[common].reset_index()) for each in tables)
    differing = (left.truth != right.truth) | (np.array(left.patients) != np.array(right.patients))
    if differing.any():
        raise UsageError(
            f"{common[int(np.argmax(differing))][-1]} has another class or patient in the other "
            "folder: compare recipes of the same data"
        )
    both = np.flatnonzero((left.decided >= 0) & (right.decided >= 0)).tolist()
    if not both:
        return None
    left, right = left.take(both), right.take(both)
    sources = tables[0].loc[common]["source"].to_numpy()[both]
    return Paired(
        compare(left, right, classes, samples, seed),
        _recalls(left, right, sources, classes, samples, seed),
        sum(map(len, tables)) - len(common) - len(both),
    )


def _recalls(
    left: Decisions, right: Decisions, sources: np.ndarray, classes: Sequence[str],
    samples: int, seed: int,
) -> list[Difference]:  # fmt: skip
    """Compare the recall of each source and class."""
    hits = [each.decided == each.truth for each in (left, right)]
    found = []
    for source, index in sorted(set(zip(sources, left.truth.tolist(), strict=True))):
        films = np.flatnonzero((sources == source) & (left.truth == index))
        one, other = (each[films].astype(np.float64) for each in hits)
        patients = [left.patients[film] for film in films]
        difference = mean_estimate(one - other, patients, samples, seed)
        found.append(
            Difference(source, classes[index], float(one.mean()), float(other.mean()), difference)
        )
    return found


def markdown(first: Table, second: Table, names: tuple[str, str], samples: int, seed: int) -> str:
    """Lay out the comparison of two folders.

    Args:
        first: decisions of the first.
        second: decisions of the second.
        names: what they are called.
        samples: bootstrap samples.
        seed: their seed.

    Raises:
        UsageError: they cannot be compared.
    """
    parts = [
        f"# {names[0]} less {names[1]}",
        "Both on the same films; intervals are of the difference, by a bootstrap over patients. An "
        "interval that holds 0, or a difference no larger than that of two seeds of one recipe, "
        "chooses nothing.",
    ]
    titles = {LEFT_OUT: "Sources left out", KNOWN: "Test patients of known sources"}
    for kind, title in titles.items():
        found = paired(first, second, kind, samples, seed)
        if found is not None:
            parts += _of_kind(title, found, names)
    if len(parts) == 2:
        raise UsageError("no film was decided in both folders: compare folds of the same sources")
    return "\n\n".join(parts) + "\n"


def _of_kind(title: str, found: Paired, names: tuple[str, str]) -> list[str]:
    header = ["figure", *names, "difference"]
    pooled = [
        [_TITLES.get(name, title_of(name)), f"{own.first:.3f}", f"{own.second:.3f}",
         figure_text(own.difference.record())]
        for name, own in found.pooled.figures.items()
    ]  # fmt: skip
    recalls = [
        [each.source, each.name, str(each.difference.n), str(each.difference.patients),
         f"{each.first:.3f}", f"{each.second:.3f}", figure_text(each.difference.record())]
        for each in found.recalls
    ]  # fmt: skip
    test = found.pooled.test
    return [
        f"## {title}",
        f"{found.pooled.n} decisions about films of {found.pooled.patients} patients; left out, as "
        f"only one of both has them: {found.without}. Right by the first alone: "
        f"{test.first_only}, by the second alone: {test.second_only}.",
        table(header, pooled),
        "Recall by source and class:",
        table(["source", "class", "films", "patients", *header[1:]], recalls),
    ]


_TITLES = {"recall": "balanced accuracy"}
