"""Ways to make one decision of a film's patches, beside the majority vote (section II-B)."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from cxr_tf.measures.rule_names import MAJORITY, TRIMMED, Rule
from pipelines.labels import LEFT_LUNG, RIGHT_LUNG
from pipelines.sizes import CLASSIFICATION_SIZE

Floats = npt.NDArray[np.floating]


def lung_shares(
    labels: npt.NDArray[np.uint8], centres: npt.NDArray[np.integer], patch_size: int
) -> npt.NDArray[np.float64]:
    """Compute the share of each patch's window that is lung; nothing outside the film is.

    Args:
        labels: uint8 [256, 256], the label map.
        centres: int [K, 2]: row, column at 1024 x 1024.
        patch_size: side of a patch at 1024 x 1024.

    Returns:
        float64 [K] in 0..1.
    """
    enlarged = CLASSIFICATION_SIZE // labels.shape[0]
    lungs = np.isin(labels, (LEFT_LUNG, RIGHT_LUNG)).repeat(enlarged, 0).repeat(enlarged, 1)
    sums = np.pad(lungs.cumsum(0, dtype=np.int64).cumsum(1), ((1, 0), (1, 0)))
    low = np.clip(centres - patch_size // 2, 0, CLASSIFICATION_SIZE)
    high = np.clip(centres + patch_size // 2, 0, CLASSIFICATION_SIZE)
    (top, left), (bottom, right) = low.T, high.T
    area = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return np.asarray(area / patch_size**2)


def aggregate(
    probabilities: Floats, shares: Floats, trimmed: float = TRIMMED
) -> Mapping[Rule, npt.NDArray[np.float64]]:
    """Score each class of a film by every rule.

    Args:
        probabilities: softmax of each patch, [K, C].
        shares: share of each patch that is lung, [K].
        trimmed: share left out at either end by the trimmed mean.

    Returns:
        float64 [C] by rule: shares of the votes, mean probabilities, means without the lowest and
        highest, means weighted by `shares` (plain where all shares are 0).
    """
    from scipy.stats import trim_mean  # takes as long to import as a film to score

    exact = probabilities.astype(np.float64)
    votes = np.bincount(probabilities.argmax(1), minlength=probabilities.shape[1])
    weights = shares if shares.sum() > 0 else np.ones(len(exact))
    return {
        MAJORITY: votes / len(exact),
        "mean": exact.mean(0),
        "trimmed_mean": trim_mean(exact, trimmed, axis=0),
        "area_weighted": np.average(exact, axis=0, weights=weights),
    }


def best(scores: Floats, probabilities: Floats) -> int:
    """Choose the class with the highest score.

    A tie goes to the tied class with the larger mean probability, then to the lower index, as in
    the majority vote.

    Args:
        scores: of each class by one rule, [C].
        probabilities: softmax of each patch, [K, C].
    """
    mean = probabilities.astype(np.float64).mean(0)
    return int(np.argmax(np.where(scores == scores.max(), mean, -1.0)))


def decisions(probabilities: Floats, shares: Floats) -> dict[Rule, int]:
    """Decide on a film by every rule.

    Args:
        probabilities: softmax of each patch, [K, C].
        shares: share of each patch that is lung, [K].

    Returns:
        The class by rule.
    """
    return {
        rule: best(scores, probabilities)
        for rule, scores in aggregate(probabilities, shares).items()
    }
