"""Figures of merit for masks and decisions, in plain NumPy (Section III-C of the paper)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pipelines.labels import HEART, LEFT_LUNG, RIGHT_LUNG

JACCARD_PARTS = ("lung", "left_lung", "right_lung", "lung_union", "heart")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Labels = npt.NDArray[np.integer]
Bools = npt.NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)


def jaccard(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Return the Jaccard similarity of two masks: intersection over union.

    Args:
        first: bool (or 0 / non-zero) [...], a mask.
        second: the same shape, the other mask.

    Returns:
        A number in [0, 1]; two empty masks agree wholly and give 1.

    Raises:
        ValueError: if the shapes differ.
    """
    one, other = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if one.shape != other.shape:
        raise ValueError(
            f"masks of shapes {one.shape} and {other.shape} cannot be compared: "
            "bring them to one size first (enlarge_labels)"
        )
    union = np.count_nonzero(one | other)
    return float(np.count_nonzero(one & other) / union) if union else 1.0


def enlarge_labels(labels: npt.NDArray[T], height: int, width: int) -> npt.NDArray[T]:
    """Return a map at another size by nearest neighbour (pixel centres aligned).

    Args:
        labels: [h, w], such as class indices.
        height: rows of the result.
        width: columns of the result.

    Returns:
        [height, width], the same type.
    """
    rows = (2 * np.arange(height) + 1) * labels.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * labels.shape[1] // (2 * width)
    return labels[rows[:, None], columns[None, :]]


def _lungs(masks: Mapping[str, Bools]) -> Bools | None:
    """Take both lungs as one region: from the single lungs where both are given, else `lung`."""
    if "left_lung" in masks and "right_lung" in masks:
        return np.asarray(masks["left_lung"], bool) | np.asarray(masks["right_lung"], bool)
    return np.asarray(masks["lung"], bool) if "lung" in masks else None


def label_jaccard(labels: Labels, masks: Mapping[str, Bools]) -> dict[str, float]:
    """Return one film's Jaccard similarities at the size of the true masks (Table V).

    `lung` is the mean of the two lungs; `lung_union` compares both lungs as one region.

    Args:
        labels: integer [h, w], 0 background, 1 heart, 2 left lung, 3 right lung.
        masks: the true masks there are, bool [H, W] each, by name: `heart`, `left_lung`,
            `right_lung`, and `lung` for a mask of both lungs. The union is taken from the two
            single lungs where both are given, else from `lung`.

    Returns:
        A number in [0, 1] for each of JACCARD_PARTS that the masks allow; others are left out.

    Raises:
        ValueError: if a mask has an unknown name or is not two-dimensional.
    """
    unknown = sorted(set(masks) - {"heart", "left_lung", "right_lung", "lung"})
    if unknown:
        raise ValueError(
            f"unknown masks {unknown}: the names are heart, left_lung, right_lung and lung"
        )
    for name, mask in masks.items():
        if np.ndim(mask) != 2:
            raise ValueError(f"mask {name} has {np.ndim(mask)} dimensions: give rows x columns")

    def compare(truth: Bools, *indices: int) -> float:
        return jaccard(np.isin(enlarge_labels(labels, *truth.shape), indices), truth)

    found: dict[str, float] = {}
    for name, index in (("left_lung", LEFT_LUNG), ("right_lung", RIGHT_LUNG), ("heart", HEART)):
        if name in masks:
            found[name] = compare(np.asarray(masks[name], dtype=bool), index)
    if "left_lung" in masks and "right_lung" in masks:
        found["lung"] = (found["left_lung"] + found["right_lung"]) / 2
    if (union := _lungs(masks)) is not None:
        found["lung_union"] = compare(union, LEFT_LUNG, RIGHT_LUNG)
    return {name: found[name] for name in JACCARD_PARTS if name in found}


def confusion_matrix(truth: npt.ArrayLike, decided: npt.ArrayLike, classes: int) -> Ints:
    """Count films by true class (row) and decided class (column).

    Args:
        truth: integer [n], 0 .. classes - 1.
        decided: integer [n], the same, or -1 where no decision was made.
        classes: the number of classes C.

    Returns:
        int64 [C, C + 1]; the last column counts the films without a decision.

    Raises:
        ValueError: if the lengths differ or an index is out of range.
    """
    true, decision = np.asarray(truth, dtype=np.int64), np.asarray(decided, dtype=np.int64)
    if true.shape != decision.shape or true.ndim != 1:
        raise ValueError(f"truth {true.shape} and decisions {decision.shape} must be equal lists")
    if true.size and (true.min() < 0 or true.max() >= classes):
        raise ValueError(f"a true class lies outside 0 .. {classes - 1}")
    if decision.size and (decision.min() < -1 or decision.max() >= classes):
        raise ValueError(f"a decided class lies outside -1 .. {classes - 1}")
    column = np.where(decision < 0, classes, decision)
    counts = np.bincount(true * (classes + 1) + column, minlength=classes * (classes + 1))
    return counts.reshape(classes, classes + 1)


@dataclass(frozen=True)
class ClassificationMetrics:
    """The paper's five metrics, overall and by class, for one or many confusion matrices.

    Attributes:
        accuracy: float64 [...], the share of films decided rightly.
        precision: float64 [...], unweighted mean over the classes present.
        recall: float64 [...], likewise; by class it is the sensitivity.
        f1: float64 [...], likewise, the mean of the classes' F1 scores.
        specificity: float64 [...], likewise, one class against the rest.
        by_class: float64 [..., C] each for `precision`, `recall`, `f1` and `specificity`.
    """

    accuracy: Floats
    precision: Floats
    recall: Floats
    f1: Floats
    specificity: Floats
    by_class: dict[str, Floats]


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    undefined = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator > 0)


def macro_mean(values: npt.ArrayLike, present: npt.ArrayLike) -> Floats:
    """Return the unweighted mean over the classes present.

    Args:
        values: float [..., C], a figure by class.
        present: bool [..., C], the classes to average over.

    Returns:
        float64 [...]; nan where a class to average is undefined, or none is present.
    """
    figures = np.asarray(values, dtype=np.float64)
    chosen = np.broadcast_to(np.asarray(present, dtype=bool), figures.shape)
    total = np.where(chosen, figures, 0.0).sum(axis=-1)
    return _divide(total, chosen.sum(axis=-1).astype(np.float64))


def classification_metrics(
    confusion: npt.ArrayLike, present: npt.ArrayLike | None = None
) -> ClassificationMetrics:
    """Compute accuracy, precision, recall, F1 and specificity (Section III-C).

    A film without a decision is a miss for its own class and a false alarm for none. By class, a
    ratio 0/0 is nan: the precision of a class that was never decided, all but the specificity of
    a class without films. The means run over the classes present; there a class that was never
    decided counts with precision 0, so that ignoring a class is not rewarded.

    Args:
        confusion: counts [..., C, D], D = C or C + 1 (see confusion_matrix); the leading
            dimensions hold independent matrices, as in a bootstrap.
        present: bool [C], the classes the means run over; by default those with films, matrix
            by matrix. With a class listed that has no films, the means are nan.

    Returns:
        The metrics, nan where undefined.

    Raises:
        ValueError: if the last two dimensions are not C x C or C x (C + 1).
    """
    counts = np.asarray(confusion, dtype=np.float64)
    classes = counts.shape[-2] if counts.ndim >= 2 else 0
    if classes == 0 or counts.shape[-1] not in (classes, classes + 1):
        raise ValueError(f"a confusion matrix is C x C or C x (C + 1), not {counts.shape}")
    true_positive = np.diagonal(counts[..., :classes], axis1=-2, axis2=-1)
    films = counts.sum(axis=-1)
    decided = counts[..., :classes].sum(axis=-2)
    total = films.sum(axis=-1)
    others = total[..., None] - films
    by_class = {
        "precision": _divide(true_positive, decided),
        "recall": _divide(true_positive, films),
        "f1": _divide(2 * true_positive, films + decided),
        "specificity": _divide(others - (decided - true_positive), others),
    }
    chosen = films > 0 if present is None else np.asarray(present, dtype=bool)
    never_decided = (films > 0) & (decided == 0)
    by_class["f1"] = np.where(films > 0, by_class["f1"], np.nan)
    to_average = by_class | {"precision": np.where(never_decided, 0.0, by_class["precision"])}
    # A class without films must make a mean over it undefined, whatever its precision.
    to_average = {name: np.where(films > 0, v, np.nan) for name, v in to_average.items()}
    return ClassificationMetrics(
        accuracy=_divide(true_positive.sum(axis=-1), total),
        by_class=by_class,
        **{name: macro_mean(values, chosen) for name, values in to_average.items()},
    )


def roc_auc(
    truth: npt.ArrayLike, scores: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Floats:
    """Return the area under the ROC curve, each class against the rest.

    It is the chance that a film of the class scores above one of the rest, ties counting half.

    Args:
        truth: integer [n], the true class, 0 .. C - 1.
        scores: float [n, C], such as mean probabilities.
        weights: non-negative [..., n], how often each film counts (the leading dimensions hold
            bootstrap samples); once each by default.

    Returns:
        float64 [..., C]; nan for a class that has no films, or all of them.

    Raises:
        ValueError: if the lengths differ or a score is not finite.
    """
    true, values = np.asarray(truth), np.asarray(scores, dtype=np.float64)
    if values.ndim != 2 or true.shape != values.shape[:1]:
        raise ValueError(f"truth {true.shape} does not match scores {values.shape}: [n] and [n, C]")
    if not np.isfinite(values).all():
        raise ValueError("a score is not finite: leave out films without a decision first")
    weight = np.ones(len(true)) if weights is None else np.asarray(weights, dtype=np.float64)
    if weight.shape[-1:] != true.shape:
        raise ValueError(f"weights {weight.shape} do not match {len(true)} films")
    areas = np.full((*weight.shape[:-1], values.shape[1]), np.nan)
    for index in range(values.shape[1] if len(true) else 0):
        order = np.argsort(values[:, index], kind="stable")
        ranked, positive = values[order, index], true[order] == index
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])  # groups of equal scores
        for_class = np.add.reduceat(weight[..., order] * positive, starts, axis=-1)
        for_rest = np.add.reduceat(weight[..., order] * ~positive, starts, axis=-1)
        below = np.cumsum(for_rest, axis=-1) - for_rest / 2
        pairs = for_class.sum(axis=-1) * for_rest.sum(axis=-1)
        areas[..., index] = _divide((for_class * below).sum(axis=-1), pairs)
    return areas


def uncertainty_auc(
    uncertainty: npt.NDArray[np.floating], labels: Labels, masks: Mapping[str, Bools]
) -> float:
    """Tell how well an uncertainty map finds the pixels where the lungs' mask is wrong.

    Args:
        uncertainty: float [h, w], larger where the mask is less sure.
        labels: integer [h, w], see `label_jaccard`.
        masks: the true masks there are, see `label_jaccard`.

    Returns:
        The chance that a wrong pixel has a larger value than a right one, at the size of the true
        masks; nan where none is wrong, or there is no mask of the lungs.
    """
    truth = _lungs(masks)
    if truth is None:
        return float("nan")
    found = np.isin(enlarge_labels(labels, *truth.shape), (LEFT_LUNG, RIGHT_LUNG))
    unsure = enlarge_labels(uncertainty, *truth.shape)
    wrong = (found != truth).astype(int).ravel()
    return float(roc_auc(1 - wrong, np.stack([unsure.ravel(), -unsure.ravel()], -1))[0])


def roc_curve(positive: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return the ROC curve's corners, from (0, 0) to (1, 1).

    Args:
        positive: bool [n], the films of the class.
        scores: float [n].

    Returns:
        (false positive rate, true positive rate), float64 [m] each, one point per distinct score.

    Raises:
        ValueError: if all films or none are positive: there is no curve.
    """
    truth, values = np.asarray(positive, dtype=bool), np.asarray(scores, dtype=np.float64)
    if not truth.any() or truth.all():
        raise ValueError("a ROC curve needs films of the class and of the rest")
    order = np.argsort(-values, kind="stable")
    ends = np.flatnonzero(np.r_[values[order][1:] != values[order][:-1], True])
    hits = np.cumsum(truth[order])[ends]
    alarms = ends + 1 - hits
    rest = np.count_nonzero(~truth)
    return np.r_[0.0, alarms / rest], np.r_[0.0, hits / np.count_nonzero(truth)]
