"""Two classifiers on the same films: McNemar's exact test, and paired bootstrap differences."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cxr_tf.measures.bootstrap import SAMPLES, Estimate, estimate, resample_patients
from cxr_tf.measures.estimates import Bools, Decisions, Floats, drawn_confusions
from cxr_tf.measures.metrics import classification_metrics, macro_mean, roc_auc

#: The figures whose differences are told.
FIGURES = ("accuracy", "recall", "f1", "roc_auc")


@dataclass(frozen=True)
class McNemar:
    """McNemar's exact test: do two classifiers err equally often where one errs alone?

    It counts films as if each were a patient of its own.

    Attributes:
        both_right: films that both decide rightly.
        first_only: films that the first alone decides rightly.
        second_only: films that the second alone decides rightly.
        both_wrong: films that both decide wrongly.
        p: two-sided, from the binomial distribution of the films that part them; 1 without any.
    """

    both_right: int
    first_only: int
    second_only: int
    both_wrong: int
    p: float


def mcnemar(first: Bools, second: Bools) -> McNemar:
    """Test whether two classifiers differ in accuracy.

    Args:
        first: bool [n], films that the first decides rightly.
        second: bool [n], those of the second.
    """
    from scipy.stats import binomtest

    only, other = int((first & ~second).sum()), int((~first & second).sum())
    p = float(binomtest(only, only + other, 0.5).pvalue) if only + other else 1.0
    return McNemar(int((first & second).sum()), only, other, int((~first & ~second).sum()), p)


@dataclass(frozen=True)
class PairedFigure:
    """A figure of two classifiers on the same films.

    Attributes:
        first: of the first.
        second: of the second.
        difference: first less second, with an interval over patients: in each bootstrap sample
            both are measured on the same films.
    """

    first: float
    second: float
    difference: Estimate

    def record(self) -> dict[str, Any]:
        """Return the same for JSON, which has no nan."""
        ends = {"first": self.first, "second": self.second}
        plain = {name: None if np.isnan(value) else value for name, value in ends.items()}
        return {**plain, "difference": self.difference.record()}


@dataclass(frozen=True)
class Comparison:
    """Two classifiers on the films that both decided.

    Attributes:
        n: films.
        patients: patients.
        test: McNemar's.
        figures: by name of `FIGURES`.
    """

    n: int
    patients: int
    test: McNemar
    figures: dict[str, PairedFigure]

    def record(self) -> dict[str, Any]:
        """Return the same for JSON."""
        figures = {name: figure.record() for name, figure in self.figures.items()}
        return {"n": self.n, "patients": self.patients, "mcnemar": asdict(self.test), **figures}


def compare(
    first: Decisions, second: Decisions, classes: Sequence[str], samples: int = SAMPLES,
    seed: int = 0,
) -> Comparison:  # fmt: skip
    """Compare two classifiers on the same films, all decided by both.

    Args:
        first: what the first decided.
        second: what the second decided on the same films, in the same order.
        classes: names of the C classes in order.
        samples: bootstrap samples.
        seed: their seed.

    Raises:
        ValueError: the films are not the same, or not all decided.
    """
    if not np.array_equal(first.truth, second.truth) or first.patients != second.patients:
        raise ValueError("the films of the two classifiers are not the same")
    if min([*first.decided, *second.decided], default=0) < 0:
        raise ValueError("a film is not decided by both: leave it out first")
    weights = resample_patients(first.patients, samples, seed).astype(np.float64)
    once = np.ones((1, len(first.truth)))
    values = [_figures(each, once, len(classes)) for each in (first, second)]
    sampled = [_figures(each, weights, len(classes)) for each in (first, second)]
    figures = {}
    for name in FIGURES:
        left, right = (float(each[name][0]) for each in values)
        parted = estimate(left - right, sampled[0][name] - sampled[1][name], first.patients)
        figures[name] = PairedFigure(left, right, parted)
    right_ones = (each.decided == each.truth for each in (first, second))
    test = mcnemar(*right_ones)
    return Comparison(len(first.truth), len(set(first.patients)), test, figures)


def _figures(decisions: Decisions, weights: Floats, count: int) -> dict[str, Floats]:
    """Give the figures in each of S samples, from weights [S, n]."""
    present = np.bincount(decisions.truth, minlength=count) > 0
    confusions = drawn_confusions(decisions, weights, count)
    found = classification_metrics(confusions, present)
    has_area = present & (np.bincount(decisions.truth, minlength=count) < len(decisions.truth))
    areas = roc_auc(decisions.truth, decisions.probabilities, weights)
    area = macro_mean(areas, has_area) if has_area.any() else np.full(len(weights), np.nan)
    return {
        "accuracy": found.accuracy, "recall": found.recall, "f1": found.f1, "roc_auc": area
    }  # fmt: skip
