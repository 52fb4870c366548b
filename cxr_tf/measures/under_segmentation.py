"""How much of the lungs a label map misses, told from the map alone (section V-F)."""

import cv2
import numpy as np
import numpy.typing as npt

from cxr_tf.measures.metrics import Bools
from pipelines.labels import LEFT_LUNG, RIGHT_LUNG

#: A map that misses more than this share of the lungs is under-segmented, as in the paper.
LIMIT = 0.25
#: Share of the larger hull that each lung is expected to fill. Lungs drawn by hand (JSRT and
#: Montgomery, 770) fill 0.89 of their own on average, 19 of 20 more than 0.81; a little less is
#: expected of both, since one lung is smaller than the other.
SOLIDITY = 0.85


def hull_area(mask: Bools) -> int:
    """Count the pixels of a mask's convex hull.

    Args:
        mask: bool [H, W].

    Returns:
        Pixels, 0 for an empty mask.
    """
    points = cv2.findNonZero(np.asarray(mask, np.uint8))
    if points is None:
        return 0
    filled = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(filled, cv2.convexHull(points), 1)
    return int(np.count_nonzero(filled))


def under_segmentation(labels: npt.NDArray[np.uint8]) -> float:
    """Estimate the share of the lungs that a label map misses.

    The larger of both lungs' convex hulls tells how large a lung of this film is, and whole
    lungs fill 0.85 of it: `1 - area / (2 * 0.85 * larger hull)`. A dent, a lost part and a
    lost lung all count. Lungs that are both cut off alike do not show.

    Args:
        labels: uint8 [H, W]: 2 left lung, 3 right lung.

    Returns:
        0..1; above `LIMIT` the map is under-segmented. NaN where there is no lung at all.
    """
    left, right = labels == LEFT_LUNG, labels == RIGHT_LUNG
    largest = max(hull_area(left), hull_area(right))
    if not largest:
        return float("nan")
    area = int(np.count_nonzero(left | right))
    return max(0.0, 1.0 - area / (2 * SOLIDITY * largest))


def hull_deficit(labels: npt.NDArray[np.uint8]) -> float:
    """Measure how far the lungs fall short of their own convex hulls.

    Args:
        labels: uint8 [H, W]: 2 left lung, 3 right lung.

    Returns:
        `1 - area / sum of both hulls`, 0..1; NaN where there is no lung. Blind to a lung that is
        cut off straight or lost: `under_segmentation` is the measure in use, this its rival.
    """
    left, right = labels == LEFT_LUNG, labels == RIGHT_LUNG
    hulls = hull_area(left) + hull_area(right)
    return 1.0 - int(np.count_nonzero(left | right)) / hulls if hulls else float("nan")
