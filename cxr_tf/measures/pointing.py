"""The pointing game: does the highest point of a map lie on the lesion (Figs. 7 and 8)?"""

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Map = npt.NDArray[np.float32]


def hit(saliency: Map, target: Bools, tolerance: int = 0) -> float:
    """Tell whether a map points at a target.

    Args:
        saliency: float32 [H, W], not negative.
        target: bool [H, W].
        tolerance: pixels by which the highest point may miss.

    Returns:
        The share of the map's highest pixels that hit, 1 or 0 where one pixel is highest; 0 for a
        map of zeros, which points nowhere.

    Raises:
        ValueError: the shapes differ, or there is no target.
    """
    if saliency.shape != target.shape or not target.any():
        raise ValueError(f"a map {saliency.shape} needs a target of its shape, not empty")
    if saliency.max() <= 0:
        return 0.0
    return float(_near(target, tolerance)[saliency == saliency.max()].mean())


def chance(target: Bools, lungs: Bools, tolerance: int = 0) -> float:
    """Return how often a point drawn evenly from the lungs would hit: a random map's score.

    Args:
        target: bool [H, W].
        lungs: bool [H, W], where the point is drawn from.
        tolerance: pixels by which it may miss.

    Returns:
        A share in [0, 1]; nan without lungs.
    """
    return float(_near(target, tolerance)[lungs].mean()) if lungs.any() else float("nan")


def _near(target: Bools, tolerance: int) -> Bools:
    """Give the target and all pixels within a distance of it."""
    if not tolerance:
        return target
    from scipy.ndimage import distance_transform_edt

    near: Bools = distance_transform_edt(~target) <= tolerance
    return near
