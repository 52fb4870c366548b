"""Taking pixels out of a film, and putting them back, in the order of a saliency map.

Deletion and insertion curves (Petsiuk et al., RISE, 2018) ask whether the pixels that a map (Eq. 5,
Figs. 7 and 8) shows matter to the decision. Only pixels of the lungs are touched: the method sees
no others, so that a map that merely found the lungs would win nothing. What is taken out is
replaced by the film itself without detail, which keeps the histogram, and with it the
normalisation, nearly as it was.

ROAD, remove and debias (Rong, Leemann, Borisov, Kasneci and Kasneci, "A Consistent and Efficient
Evaluation Strategy for Attribution Methods", ICML 2022), fills the pixels that are taken out by
noisy linear imputation instead: each is the weighted mean of its eight neighbours, solved for all
of them at once, and a little noise. The shape of what was taken out is then hard to see, so that
it cannot tell the class by itself, and no network need be trained again. Most relevant pixels
first, and least relevant first, are told apart.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import spsolve

from cxr_tf.measures.metrics import enlarge_labels

#: Shares of the lungs' pixels that are taken out, or put back.
FRACTIONS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
#: Side of the picture that holds no detail any more.
COARSE = 32
#: Bumps a side of a random map; a map of Grad-CAM is as smooth.
CELLS = 16

#: Weights of a pixel's neighbours in the imputation of ROAD, as its authors have them: those at a
#: side, and those at a corner.
SIDE, CORNER = 1 / 6, 1 / 12
#: SD of its noise, of the range of levels.
NOISE = 0.01

Bools = npt.NDArray[np.bool_]
Map = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint16]


def highest(saliency: Map, lungs: Bools, fraction: float, seed: int = 0) -> Bools:
    """Return the pixels of the lungs where a map is highest.

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
    """Draw a map that knows nothing, as smooth as one of Grad-CAM.

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
    """Return a film reduced to 32 x 32 pixels by area and enlarged again.

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
    """Return a film with another one's pixels inside a mask.

    Args:
        pixels: uint16 [H, W].
        other: uint16 [H, W].
        mask: bool, of the whole frame at any size.

    Returns:
        uint16 [H, W].
    """
    large = enlarge_labels(mask.astype(np.uint8), *pixels.shape).astype(bool)
    return np.where(large, other, pixels)


def imputed(pixels: Pixels, mask: Bools, seed: int = 0) -> Pixels:
    """Return a film whose pixels inside a mask follow from those around it (ROAD).

    The linear equations are solved at the mask's own size, where a map has its detail; what comes
    out is enlarged to the film, and the noise is drawn there.

    Args:
        pixels: uint16 [H, W].
        mask: bool [h, w], of the whole frame.
        seed: of the noise.

    Returns:
        uint16 [H, W]; outside the mask the film as it was.
    """
    if not mask.any():
        return pixels
    height, width = pixels.shape
    size = (mask.shape[1], mask.shape[0])
    small = cv2.resize(pixels.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    filled = _fill(np.asarray(small, np.float64), mask)
    large = cv2.resize(filled.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    noise = np.random.default_rng(seed).normal(0.0, NOISE * 65535, pixels.shape)
    levels = np.clip(np.rint(large + noise), 0, 65535).astype(np.uint16)
    return replaced(pixels, levels, mask)


def _fill(values: npt.NDArray[np.float64], mask: Bools) -> npt.NDArray[np.float64]:
    """Solve for the pixels of a mask; at the frame's edge the neighbours there are count."""
    if mask.all():
        return np.full_like(values, values.mean())
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(mask.sum())
    rows, columns = np.nonzero(mask)
    own, count = number[mask], int(mask.sum())
    total, known = np.zeros(count), np.zeros(count)
    entries: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], float]] = []
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            if not (down or right):
                continue
            weight = CORNER if down and right else SIDE
            row, column = rows + down, columns + right
            inside = (0 <= row) & (row < mask.shape[0]) & (0 <= column) & (column < mask.shape[1])
            row, column, at = row[inside], column[inside], own[inside]
            total[at] += weight
            unknown = mask[row, column]
            known[at[~unknown]] += weight * values[row[~unknown], column[~unknown]]
            entries.append((at[unknown], number[row[unknown], column[unknown]], weight))
    at, other = (np.concatenate([entry[place] for entry in entries]) for place in (0, 1))
    weights = np.concatenate([np.full(len(entry[0]), -entry[2]) for entry in entries])
    matrix = sparse.csr_array((weights, (at, other)), (count, count)) + sparse.diags_array(total)
    found = values.copy()
    found[mask] = spsolve(sparse.csc_array(matrix), known)
    return found


def area_under(values: Sequence[float], fractions: Sequence[float] = FRACTIONS) -> float:
    """Return the area under a curve by the trapezoidal rule.

    Args:
        values: the probability at each fraction.
        fractions: rising from 0 to 1.
    """
    return float(np.trapezoid(values, fractions))
