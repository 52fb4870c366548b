"""Every reported figure with its interval and count, over all films and by group of films."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cxr_tf.measures.bootstrap import SAMPLES, Estimate, estimate, mean_estimate, resample_patients
from cxr_tf.measures.metrics import (
    JACCARD_PARTS,
    classification_metrics,
    confusion_matrix,
    macro_mean,
    roc_auc,
)
from cxr_tf.measures.precision_recall import average_precision
from pipelines.manifest.rows import ManifestRow

#: The figures averaged over classes, in the paper's order (Table X), the area under the ROC, and
#: that under precision against recall.
OVERALL = ("accuracy", "precision", "recall", "f1", "specificity", "roc_auc", "average_precision")
#: The figures by class; the sensitivity is the class's recall (Table XI).
BY_CLASS = ("sensitivity", "precision", "f1", "specificity", "roc_auc", "average_precision")
#: Of these, the ones that rank films by their probabilities.
RANKINGS = {"roc_auc": roc_auc, "average_precision": average_precision}

#: Group of the films that are new to the segmentation too.
UNSEEN = "without_films_seen_in_segmentation"

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Decisions:
    """What a classifier decided on n films.

    Attributes:
        truth: int64 [n], the true class.
        decided: int64 [n], the decided class, -1 where there is no decision.
        probabilities: float64 [n, C], mean probabilities; not looked at without a decision.
        patients: n patient identifiers.
    """

    truth: Ints
    decided: Ints
    probabilities: Floats
    patients: tuple[str, ...]

    def take(self, films: Sequence[int]) -> "Decisions":
        """Return some of the films.

        Args:
            films: their positions.
        """
        chosen = np.asarray(films, dtype=np.int64)
        return Decisions(
            self.truth[chosen],
            self.decided[chosen],
            self.probabilities[chosen],
            tuple(self.patients[film] for film in films),
        )


@dataclass(frozen=True)
class ClassificationEstimates:
    """The classification metrics of a group of films (Tables X and XI).

    Attributes:
        n: films.
        patients: patients.
        confusion: int64 [C, C + 1], see `cxr_tf.measures.metrics.confusion_matrix`.
        overall: by name of `OVERALL`; the means run over the classes that have films.
        by_class: by class, then by name of `BY_CLASS`.
    """

    n: int
    patients: int
    confusion: Ints
    overall: Mapping[str, Estimate]
    by_class: Mapping[str, Mapping[str, Estimate]]

    def record(self) -> dict[str, Any]:
        """Return the same for JSON."""
        return {
            "n": self.n,
            "patients": self.patients,
            "without_decision": int(self.confusion[:, -1].sum()),
            "confusion": self.confusion.tolist(),
            "overall": {name: figure.record() for name, figure in self.overall.items()},
            "by_class": {
                name: {kind: figure.record() for kind, figure in figures.items()}
                for name, figures in self.by_class.items()
            },
        }


def drawn_confusions(decisions: Decisions, weights: Floats, count: int) -> Floats:
    """Count films by true and decided class in each of several samples.

    Args:
        decisions: the films.
        weights: float64 [S, n], how often each film counts in each sample.
        count: the number of classes C.

    Returns:
        float64 [S, C, C + 1]; the last column counts the films without a decision.
    """
    films, decided = len(decisions.truth), decisions.decided
    cells = np.zeros((films, count, count + 1))
    cells[np.arange(films), decisions.truth, np.where(decided < 0, count, decided)] = 1
    return (weights @ cells.reshape(films, -1)).reshape(len(weights), count, count + 1)


def classification_estimates(
    decisions: Decisions, classes: Sequence[str], samples: int = SAMPLES, seed: int = 0
) -> ClassificationEstimates:
    """Compute all metrics of some films with 95 % bootstrap intervals over patients.

    A film without a decision counts as wrong; the ROC and the
    average precision look at decided films only. A figure's n
    is the number of films it looks at: those of the class for the sensitivity, those decided for
    it for the precision, both for F1, those of other classes for the specificity. Bootstrap
    samples that miss one of the classes are left out of the intervals of the means over classes.

    Args:
        decisions: the films.
        classes: names of the C classes in order.
        samples: bootstrap samples.
        seed: their seed.

    Returns:
        The figures; nan where undefined.
    """
    count, films = len(classes), len(decisions.truth)
    truth, decided, patients = decisions.truth, decisions.decided, decisions.patients
    confusion = confusion_matrix(truth, decided, count)
    present = confusion.sum(axis=1) > 0
    weights = resample_patients(patients, samples, seed).astype(np.float64)
    drawn = drawn_confusions(decisions, weights, count)
    value = classification_metrics(confusion, present)
    sampled = classification_metrics(drawn, present)

    ranked = np.flatnonzero(decided >= 0)
    probabilities = decisions.probabilities[ranked]
    area = {name: of(truth[ranked], probabilities) for name, of in RANKINGS.items()}
    areas = {
        name: of(truth[ranked], probabilities, weights[:, ranked]) for name, of in RANKINGS.items()
    }

    def over(chosen: Bools, figure: npt.ArrayLike, bootstrap: npt.ArrayLike) -> Estimate:
        names = [patients[film] for film in np.flatnonzero(chosen)]
        return estimate(float(np.asarray(figure)), bootstrap, names)

    everything, ranks = np.ones(films, bool), decided >= 0
    overall = {
        name: over(everything, getattr(value, name), getattr(sampled, name))
        for name in OVERALL
        if name not in RANKINGS
    }
    for name in RANKINGS:
        has_area = ~np.isnan(area[name])
        mean_areas = macro_mean(areas[name], has_area)
        overall[name] = over(ranks, macro_mean(area[name], has_area), mean_areas)
    by_class = {}
    for index, name in enumerate(classes):
        own, called = truth == index, decided == index
        looked_at = {
            "sensitivity": ("recall", own),
            "precision": ("precision", called),
            "f1": ("f1", own | called),
            "specificity": ("specificity", ~own),
        }
        by_class[name] = {
            kind: over(chosen, value.by_class[key][index], sampled.by_class[key][:, index])
            for kind, (key, chosen) in looked_at.items()
        } | {kind: over(ranks, area[kind][index], areas[kind][:, index]) for kind in RANKINGS}
    return ClassificationEstimates(films, len(set(patients)), confusion, overall, by_class)


@dataclass(frozen=True)
class SpreadEstimate:
    """A mean over films with its interval, and the spread from film to film.

    Attributes:
        mean: the mean and its interval.
        sd: standard deviation over films (n - 1 in the denominator); nan for fewer than two.
    """

    mean: Estimate
    sd: float

    def record(self) -> dict[str, Any]:
        """Return the same for JSON."""
        return {**self.mean.record(), "sd": None if np.isnan(self.sd) else self.sd}


def jaccard_estimates(
    films: Sequence[Mapping[str, float]],
    patients: Sequence[str],
    samples: int = SAMPLES,
    seed: int = 0,
) -> dict[str, SpreadEstimate]:
    """Compute mean, spread and interval of the Jaccard similarities (Table V).

    Args:
        films: each film's similarities by part, as `metrics.label_jaccard` gives them.
        patients: each film's patient.
        samples: bootstrap samples.
        seed: their seed.

    Returns:
        By part, over the films that have it; parts that none has are left out.
    """
    found = {}
    for part in JACCARD_PARTS:
        with_part = [index for index, film in enumerate(films) if part in film]
        if with_part:
            values = np.array([films[index][part] for index in with_part])
            names = [patients[index] for index in with_part]
            spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
            found[part] = SpreadEstimate(mean_estimate(values, names, samples, seed), spread)
    return found


def film_groups(
    rows: Sequence[ManifestRow], *, classes: bool = False, seen: Collection[int] = ()
) -> dict[str, list[int]]:
    """Sort films into the groups that are reported.

    Source correlates with class, so a figure over all films can hide one that fails on a source.

    Args:
        rows: the films.
        classes: group by manifest class too.
        seen: positions of the films that the segmentation was trained or validated on.

    Returns:
        Positions by group: `all`, `without_films_seen_in_segmentation` (where some but not all
        films were), `paper_list` (where some films are on the paper's list), `cohort=…` and
        `source=…` for each value known, and `class=…` where asked for.
    """
    groups = {"all": list(range(len(rows)))}
    if 0 < len(set(seen)) < len(rows):
        groups[UNSEEN] = [index for index in groups["all"] if index not in seen]
    on_list = [index for index, row in enumerate(rows) if row.on_paper_list]
    if on_list:
        groups["paper_list"] = on_list
    columns = {"cohort": "cohort", "source": "source"} | ({"class": "label"} if classes else {})
    for title, column in columns.items():
        for value in sorted({getattr(row, column) for row in rows} - {""}):
            groups[f"{title}={value}"] = [
                index for index, row in enumerate(rows) if getattr(row, column) == value
            ]
    return groups
