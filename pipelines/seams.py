"""Straight lines on which two pictures may have been put together."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.levels import LEVELS

#: Longer side at which seams are looked for, in pixels.
SIZE = 256
#: Shares of a side between which a seam is looked for.
MIDDLE = (0.28, 0.72)
#: Columns on either side that a step from column to column is held against.
AROUND = 9
#: A seam's mean step over that of the columns around it, at least. Of 1,985 films about 5 % have
#: such a line, of 360 collages that were made of them about 99 %.
SHARP = 2.2

Pixels = npt.NDArray[np.uint16]


class Seam(NamedTuple):
    """A line across a whole picture.

    Attributes:
        place: row or column, at the picture's own size.
        sharpness: its step over that around it.
    """

    place: int
    sharpness: float


def _equalised(pixels: Pixels) -> npt.NDArray[np.float32]:
    """Give ranks of the levels, 0 to 255, at the size where seams are looked for."""
    counts = np.bincount(pixels.ravel(), minlength=LEVELS)
    table = (255 * np.cumsum(counts) / pixels.size).astype(np.float32)
    scale = SIZE / max(pixels.shape)
    ranks = table[pixels]
    if scale >= 1:
        return ranks
    size = [max(2, round(side * scale)) for side in reversed(pixels.shape)]
    return np.asarray(cv2.resize(ranks, size, interpolation=cv2.INTER_AREA))


def _seam(ranks: npt.NDArray[np.float32], length: int) -> Seam | None:
    """Find the column that stands out most as a step over the full height; None for none."""
    steps = np.abs(np.diff(ranks, axis=1)).mean(0)
    window = 2 * AROUND + 1
    around = np.lib.stride_tricks.sliding_window_view(np.pad(steps, AROUND, "edge"), window)
    sharp = steps / (np.median(around, 1) + 0.5)
    first, last = (int(share * steps.size) for share in MIDDLE)
    place = first + int(sharp[first:last].argmax())
    if sharp[place] < SHARP:
        return None
    return Seam(round((place + 1) * length / ranks.shape[1]), float(sharp[place]))


def find_seams(pixels: Pixels) -> tuple[Seam | None, Seam | None]:
    """Find where a picture may have been put together: one row, and one column.

    Args:
        pixels: uint16 [H, W] over the full range, both sides at least 32.

    Returns:
        The row that stands out most, and the column; None where none does.
    """
    ranks = _equalised(pixels)
    height, width = pixels.shape
    return _seam(ranks.T, height), _seam(ranks, width)


def parts_at(
    pixels: Pixels, row: Seam | None, column: Seam | None
) -> list[tuple[str, list[Pixels]]]:
    """Cut a picture at its seams in each way that is possible, the likeliest first.

    Args:
        pixels: [H, W].
        row: see `find_seams`.
        column: see `find_seams`.

    Returns:
        How the parts lie, in words, and the parts: quarters where there are both seams, and halves.
    """
    ways: list[tuple[str, list[Pixels]]] = []
    if column is not None:
        ways.append(("side by side", [pixels[:, : column.place], pixels[:, column.place :]]))
    if row is not None:
        ways.append(("one above the other", [pixels[: row.place], pixels[row.place :]]))
    if row is not None and column is not None:
        halves = ways[-1][1]
        quarters = [each for half in halves for each in np.split(half, [column.place], 1)]
        ways.insert(0, ("in rows and columns", quarters))
    return ways
