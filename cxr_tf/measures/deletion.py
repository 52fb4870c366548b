"""Taking pixels out of a film, and putting them back, in the order of a saliency map.

Deletion and insertion curves (Petsiuk et al., RISE, 2018) ask whether the pixels that a map (Eq. 5,
Figs. 7 and 8) shows matter to the decision. Only pixels of the lungs are touched: the method sees
no others, so that a map that merely found the lungs would win nothing. What is taken out is
replaced by the film itself without detail, which keeps the histogram, and with it the
normalisation, nearly as it was.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from cxr_tf.measures.metrics import enlarge_labels

#: Shares of the lungs' pixels that are taken out, or put back.
FRACTIONS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
#: Side of the picture that holds no detail any more.
COARSE = 32
#: Bumps a side of a random map; a map of Grad-CAM is as smooth.
CELLS = 16

Bools = npt.NDArray[np.bool_]
Map = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint16]


def highest(saliency: Map, lungs: Bools, fraction: float, seed: int = 0) -> Bools:
    """Returns the pixels of the lungs where a map is highest.

    Args:
        saliency: float32 [H, W].
        lungs: bool [H, W].
        fraction: how much of the lungs, 0 to 1.
        seed: equal pixels are taken in an order drawn with it, the same for every fraction.

    Returns:
        bool [H, W], `fraction` of the lungs' pixels, rounded.
    """
    places = np.flatnonzero(lungs)
    order = np.random.default_rng(seed).permutation(len(places))
    places = places[order]
    ranked = places[np.argsort(-saliency.ravel()[places], kind="stable")]
    chosen = np.zeros(lungs.size, bool)
    chosen[ranked[: round(fraction * len(places))]] = True
    return chosen.reshape(lungs.shape)


def random_map(size: int, seed: int) -> Map:
    """Draws a map that knows nothing, as smooth as one of Grad-CAM.

    Args:
        size: height and width.
        seed: of the map.

    Returns:
        float32 [size, size] in [0, 1].
    """
    cells = np.random.default_rng(seed).random((CELLS, CELLS)).astype(np.float32)
    drawn: Map = cv2.resize(cells, (size, size), interpolation=cv2.INTER_LINEAR)
    return drawn


def without_detail(pixels: Pixels) -> Pixels:
    """Returns a film reduced to 32 x 32 pixels by area and enlarged again.

    Args:
        pixels: uint16 [H, W].

    Returns:
        uint16 [H, W].
    """
    small = cv2.resize(pixels.astype(np.float32), (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    shape = (pixels.shape[1], pixels.shape[0])
    smooth = cv2.resize(small, shape, interpolation=cv2.INTER_LINEAR)
    return np.clip(np.rint(smooth), 0, 65535).astype(np.uint16)


def replaced(pixels: Pixels, other: Pixels, mask: Bools) -> Pixels:
    """Returns a film with another one's pixels inside a mask.

    Args:
        pixels: uint16 [H, W].
        other: uint16 [H, W].
        mask: bool, of the whole frame at any size.

    Returns:
        uint16 [H, W].
    """
    large = enlarge_labels(mask.astype(np.uint8), *pixels.shape).astype(bool)
    return np.where(large, other, pixels)


def area_under(values: Sequence[float], fractions: Sequence[float] = FRACTIONS) -> float:
    """Returns the area under a curve by the trapezoidal rule.

    Args:
        values: the probability at each fraction.
        fractions: rising from 0 to 1.
    """
    return float(np.trapezoid(values, fractions))
