"""Precision against recall of each class, and average precision, the area below it.

Beside the ROC curve because classes are uneven: where a class is rare, a small false positive rate
may still mean that most films called it are others. The area is a sum over the steps of the recall
(not the trapezoidal rule, which is too kind; Davis and Goadrich, 2006), as in scikit-learn. A
ranking that knows nothing has the class's share of the films.
"""

import numpy as np
import numpy.typing as npt

from cxr_tf.measures.metrics import Floats


def average_precision(
    truth: npt.ArrayLike, scores: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Floats:
    """Return the average precision of each class against the rest.

    Args:
        truth: integer [n], the true class, 0 .. C - 1.
        scores: float [n, C], such as mean probabilities.
        weights: non-negative [..., n], how often each film counts (the leading dimensions hold
            bootstrap samples); once each by default.

    Returns:
        float64 [..., C] in 0..1; nan for a class that has no films, or all of them.

    Raises:
        ValueError: if the lengths differ or a score is not finite.
    """
    true, values = np.asarray(truth), np.asarray(scores, dtype=np.float64)
    if values.ndim != 2 or true.shape != values.shape[:1]:
        raise ValueError(f"truth {true.shape} does not match scores {values.shape}: [n] and [n, C]")
    if not np.isfinite(values).all():
        raise ValueError("a score is not finite: leave out films without a decision first")
    weight = np.ones(len(true)) if weights is None else np.asarray(weights, dtype=np.float64)
    areas = np.full((*weight.shape[:-1], values.shape[1]), np.nan)
    for index in range(values.shape[1] if len(true) else 0):
        order, starts = _groups(values[:, index])
        own = weight[..., order] * (true[order] == index)
        hits = np.add.reduceat(own, starts, axis=-1)
        called = np.cumsum(np.add.reduceat(weight[..., order], starts, axis=-1), axis=-1)
        precision = np.cumsum(hits, axis=-1) / np.maximum(called, np.finfo(np.float64).tiny)
        films, total = hits.sum(axis=-1), called[..., -1]
        defined = (films > 0) & (films < total)
        summed = (hits * precision).sum(axis=-1) / np.where(defined, films, 1.0)
        areas[..., index] = np.where(defined, summed, np.nan)
    return areas


def precision_recall_curve(positive: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return the corners of a class's curve, from the highest score downwards.

    Args:
        positive: bool [n], the films of the class.
        scores: float [n].

    Returns:
        (recall, precision), float64 [m + 1] each, one point per distinct score behind a first one
        at recall 0, which has the precision of the next.

    Raises:
        ValueError: if all films or none are positive: there is no curve.
    """
    truth, values = np.asarray(positive, dtype=bool), np.asarray(scores, dtype=np.float64)
    if not truth.any() or truth.all():
        raise ValueError("a curve of precision needs films of the class and of the rest")
    order, starts = _groups(values)
    ends = np.r_[starts[1:], len(values)]
    hits = np.cumsum(truth[order])[ends - 1]
    recall, precision = hits / hits[-1], hits / ends
    return np.r_[0.0, recall], np.r_[precision[0], precision]


def _groups(scores: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Order from the highest score downwards, and where groups of equal scores start in it."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    return order, np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
