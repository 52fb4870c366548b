"""Films under their saliency maps as a figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cxr_tf.drawing.overlays import cover_with_saliency, draw_outlines
from cxr_tf.drawing.style import new_figure, plain_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class SaliencyFilm:
    """A film to draw with its map.

    Attributes:
        title: text above it.
        grey: uint8 [h, w].
        labels: uint8 label map of the whole frame, any size.
        saliency: float32 map of the whole frame in 0..1, any size.
    """

    title: str
    grey: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    saliency: npt.NDArray[np.float32]


def draw_saliency(rows: Sequence[Sequence[SaliencyFilm]], title: str, notice: str = "") -> "Figure":
    """Draw films under their saliency maps, on one scale from 0 to 1 (Figs. 7 and 8).

    Args:
        rows: at least one row, such as the films of one class, of at least one film.
        title: heading.
        notice: second line of the heading.

    Returns:
        The figure.
    """
    columns = max(map(len, rows))
    figure = new_figure(2.3 * max(2, columns), 2.6 * len(rows) + 0.6, title, notice)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for line, films in zip(grid, rows, strict=True):
        for axes, film in zip(line, films, strict=False):
            grey = np.repeat(film.grey[..., None], 3, axis=2)
            picture = cover_with_saliency(grey, film.saliency)
            draw_outlines(picture, film.labels)
            axes.imshow(picture)
            axes.set_title(plain_text(film.title), fontsize=7)
    return figure
