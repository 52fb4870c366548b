"""What the decisions of all folds say: pooled, by source, and by source and class."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cxr_tf.measures.bootstrap import SAMPLES, Estimate, mean_estimate
from cxr_tf.measures.estimates import Decisions, classification_estimates
from tools.leave_one_out.decisions import KNOWN, LEFT_OUT, Table, as_decisions, classes_of

#: In place of a source or a class: all of them together.
ALL = "all"
#: The figures over several classes, by their name in `classification_estimates`.
POOLED = {"recall": "balanced accuracy", "roc_auc": "ROC-AUC"}
NOTHING = Estimate(float("nan"), float("nan"), float("nan"), 0, 0)


@dataclass(frozen=True)
class Row:
    """One figure of films left out, beside that of test patients of known sources.

    Attributes:
        source: the films', or `all`.
        name: the decision class, or `all`.
        figure: `recall`, `balanced accuracy` or `ROC-AUC`.
        left_out: of films whose source was left out.
        known: of test films of the same source and class where it was not, by every fold that
            knew it: `n` counts decisions.
        remark: what stands against it.
    """

    source: str
    name: str
    figure: str
    left_out: Estimate
    known: Estimate
    remark: str = ""


def figure_rows(
    table: Table, single: Mapping[str, str], samples: int = SAMPLES, seed: int = 0
) -> list[Row]:
    """Compute every figure with its interval over patients.

    A film without a decision counts as wrong; the area under the ROC curve, of the mean
    probabilities, looks at decided films only.

    Args:
        table: all decisions.
        single: the only source of a class, by class.
        samples: bootstrap samples.
        seed: their seed.

    Returns:
        Pooled figures first; then by source its figures over its classes, where it has several,
        and the recall of each class.
    """
    classes = classes_of(table)
    decisions, kinds = as_decisions(table), table["kind"].to_numpy()
    sources = table["source"].to_numpy()
    of_kind = {kind: kinds == kind for kind in (LEFT_OUT, KNOWN)}
    rows = _pooled(ALL, decisions, of_kind, classes, samples, seed)
    for source in sorted(set(sources[of_kind[LEFT_OUT]])):
        own = {kind: chosen & (sources == source) for kind, chosen in of_kind.items()}
        present = sorted(set(decisions.truth[own[LEFT_OUT]]))
        if len(present) > 1:
            rows += _pooled(source, decisions, own, classes, samples, seed)
        for index in present:
            name = classes[index]
            found = {
                kind: _recall(decisions, chosen & (decisions.truth == index), samples, seed)
                for kind, chosen in own.items()
            }
            alone = single.get(name) == source
            remark = f"the only source of {name}" if alone else ""
            rows.append(Row(source, name, "recall", found[LEFT_OUT], found[KNOWN], remark))
    return rows


def _pooled(
    source: str, decisions: Decisions, of_kind: Mapping[str, np.ndarray],
    classes: tuple[str, ...], samples: int, seed: int,
) -> list[Row]:  # fmt: skip
    """Give the figures over all classes that some films have."""
    found: dict[str, dict[str, Estimate]] = {}
    missing: dict[str, list[str]] = {}
    for kind, chosen in of_kind.items():
        own = decisions.take(np.flatnonzero(chosen).tolist())
        if len(own.truth):
            overall = classification_estimates(own, classes, samples, seed).overall
            found[kind] = {name: overall[name] for name in POOLED}
        missing[kind] = [name for i, name in enumerate(classes) if i not in own.truth]
    remarks = [f"no films of {', '.join(missing[LEFT_OUT])}"] if missing[LEFT_OUT] else []
    if KNOWN in found and missing[KNOWN]:
        remarks.append(f"no test films of {', '.join(missing[KNOWN])}")
    nothing = dict.fromkeys(POOLED, NOTHING)
    left, known = found[LEFT_OUT], found.get(KNOWN, nothing)
    return [
        Row(source, ALL, title, left[name], known[name], "; ".join(remarks))
        for name, title in POOLED.items()
    ]


def _recall(decisions: Decisions, chosen: np.ndarray, samples: int, seed: int) -> Estimate:
    """Give the share of films decided rightly."""
    films = np.flatnonzero(chosen)
    right = decisions.decided[films] == decisions.truth[films]
    return mean_estimate(right, [decisions.patients[film] for film in films], samples, seed)
