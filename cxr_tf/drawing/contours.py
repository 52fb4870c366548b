"""Films with the outlines of heart and lungs, found and true, as a figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cxr_tf.drawing.style import (
    HEART_COLOUR,
    LUNGS_COLOUR,
    TRUTH_COLOUR,
    new_figure,
    plain_text,
)
from cxr_tf.measures.metrics import Bools, Labels, enlarge_labels
from pipelines.labels import HEART, LEFT_LUNG, RIGHT_LUNG

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class ContourFilm:
    """A film to draw with its masks.

    Attributes:
        title: text above it.
        grey: uint8 [h, w].
        labels: integer label map of the whole frame, any size.
        masks: true masks of the whole frame by name, bool, any size.
    """

    title: str
    grey: npt.NDArray[np.uint8]
    labels: Labels
    masks: Mapping[str, Bools]


def draw_contours(films: Sequence[ContourFilm], title: str, notice: str = "") -> "Figure":
    """Draw films with the outlines found (heart red, lungs blue) and the true ones (green).

    Args:
        films: at least one (Fig. 2a).
        title: heading.
        notice: second line of the heading.

    Returns:
        The figure.
    """
    figure = new_figure(3.4 * max(2, len(films)), 4.6, title, notice)
    figure.supxlabel("found: heart red, lungs blue; true: green", fontsize=8)
    for axes, film in zip(figure.subplots(1, len(films), squeeze=False)[0], films, strict=True):
        height, width = film.grey.shape
        axes.imshow(film.grey, cmap="gray", vmin=0, vmax=255)
        labels = enlarge_labels(film.labels, height, width)
        masks = [enlarge_labels(m.astype(np.uint8), height, width) for m in film.masks.values()]
        outlines = [(mask, TRUTH_COLOUR) for mask in masks]
        colours = ((HEART, HEART_COLOUR), (LEFT_LUNG, LUNGS_COLOUR), (RIGHT_LUNG, LUNGS_COLOUR))
        outlines += [(labels == part, colour) for part, colour in colours]
        for part, colour in outlines:
            if part.any() and not part.all():  # else there is no outline to draw
                axes.contour(part, levels=[0.5], colors=[colour], linewidths=1.0)
        axes.set_title(plain_text(film.title), fontsize=8)
        axes.set_axis_off()
    return figure
