"""Perceptual hashes: films that show the same picture have nearly the same bits."""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
from scipy.fft import dctn
from scipy.stats import rankdata

_SIDE = 64
#: A hash has 255 bits: the lowest 16 x 16 frequencies but the mean.
_FREQUENCIES = 16
#: Two films are near-duplicates where at most this many bits differ. On the development data,
#: copies in another size or file format differ in at most 10 bits and films of two patients in at
#: least 34 (median 118); most copies cropped by 1 % a side or with an arrow drawn in stay within
#: 24, copies cropped by 2 % or turned by a degree do not (docs/reference/manifest.md). The 64
#: bits that pictures of all kinds are usually hashed to do not separate frontal chest films.
NEAR = 24
_BLOCK = 1024


def film_hash(pixels: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    """Hash what a film shows, whatever its size, exposure and file format.

    The film is reduced to 64 x 64 by area, its grey levels are replaced by their ranks, and of
    its discrete cosine transform each low frequency gives one bit: above their median or not
    (Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010, 3.2.1, at
    16 x 16 frequencies in place of 8 x 8).

    Args:
        pixels: uint16 [H, W] over the full range.

    Returns:
        bool [255].
    """
    small = cv2.resize(pixels.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    # In 256 levels: the noise of a black border must not become ranks.
    ranks = rankdata(np.rint(small / 257)).reshape(_SIDE, _SIDE)
    low = dctn(ranks, norm="ortho")[:_FREQUENCIES, :_FREQUENCIES].ravel()[1:]
    return np.asarray(low > np.median(low), bool)


def near_pairs(hashes: npt.NDArray[np.bool_], near: int = NEAR) -> Iterator[tuple[int, int, int]]:
    """Find the pairs of films that show the same picture.

    Args:
        hashes: bool [N, 255].
        near: differing bits up to which two films count as the same.

    Yields:
        Places of the two films, the first the smaller, and the number of bits that differ.
    """
    signs = np.where(hashes, np.float32(1), np.float32(-1))
    for start in range(0, len(signs), _BLOCK):
        distances = (signs.shape[1] - signs[start : start + _BLOCK] @ signs[start:].T) / 2
        for first, second in np.argwhere(np.triu(distances <= near, 1)):
            distance = round(float(distances[first, second]))
            yield int(start + first), int(start + second), distance
