"""A film with the lines that were measured on it, its lungs, and their histogram (Fig. 2)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cxr_tf.drawing.style import (
    HEART_COLOUR,
    LUNGS_COLOUR,
    TRUTH_COLOUR,
    new_figure,
    plain_text,
    write_figure,
)
from cxr_tf.measures.biomarkers import Biomarkers, Labels, Line, cardiothoracic_lines
from cxr_tf.measures.metrics import Bools
from pipelines.labels import HEART, LEFT_LUNG, RIGHT_LUNG

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def _outline(axes: "Axes", mask: Bools, colour: str, frame: tuple[int, int]) -> None:
    """Draw the outline of a mask of any size over a frame of height x width."""
    if mask.any() and not mask.all():  # else there is no outline to draw
        half = [side / (2 * own) for side, own in zip(frame, mask.shape, strict=True)]
        extent = (half[1], frame[1] - half[1], half[0], frame[0] - half[0])  # of pixels' centres
        axes.contour(mask, levels=[0.5], colors=[colour], linewidths=0.9, extent=extent)


def _arrow(axes: "Axes", line: Line | None, colour: str) -> None:
    """Draw a double-headed arrow along a line, with dotted lines at its ends."""
    if line is None:
        return
    ends, row = (line.first, line.last + 1), line.row + 0.5
    style = {"arrowstyle": "<->", "color": colour, "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (ends[1], row), (ends[0], row), arrowprops=style)
    axes.vlines(ends, row - 12, row + 12, colour, linestyles="dotted", linewidth=1.2)


def draw_overlay(
    path: Path,
    grey: npt.NDArray[np.uint8],
    film: npt.NDArray[np.float32],
    labels: Labels,
    found: Biomarkers,
    title: str,
    notice: str = "",
    truth: Sequence[Bools] = (),
) -> None:
    """Draw how a film's biomarkers were measured.

    Args:
        path: PNG to write.
        grey: uint8 [h, w], the film in its own proportions.
        film: float32 [H, W], normalised, 0..255.
        labels: uint8 [H, W], its label map of the whole frame.
        found: what was measured on them.
        title: heading: which film.
        notice: second line of the heading.
        truth: bool masks of the whole frame, any size, drawn in green.
    """
    height, width = labels.shape
    extent, aspect = (0, width, height, 0), (grey.shape[0] / grey.shape[1]) * width / height
    lungs = np.isin(labels, (LEFT_LUNG, RIGHT_LUNG))
    figure = new_figure(11.0, 4.6, title, notice)
    segmented, extracted, histogram = figure.subplots(1, 3)
    segmented.imshow(grey, cmap="gray", vmin=0, vmax=255, extent=extent, aspect=aspect)
    for mask in truth:
        _outline(segmented, mask, TRUTH_COLOUR, (height, width))
    for part, colour in (
        (LEFT_LUNG, LUNGS_COLOUR),
        (RIGHT_LUNG, LUNGS_COLOUR),
        (HEART, HEART_COLOUR),
    ):
        _outline(segmented, labels == part, colour, (height, width))
    heart, thorax = cardiothoracic_lines(labels)
    _arrow(segmented, thorax, LUNGS_COLOUR)
    _arrow(segmented, heart, HEART_COLOUR)
    segmented.set_title(f"cardiothoracic ratio {found.cardiothoracic_ratio:.3f}", fontsize=8)
    shown = np.where(lungs, film, 0.0)
    extracted.imshow(shown, cmap="gray", vmin=0, vmax=255, extent=extent, aspect=aspect)
    missing = f"{100 * found.under_segmentation:.0f} %"
    extracted.set_title(f"lungs, normalised; share missed {missing}", fontsize=8)
    for axes in (segmented, extracted):
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
    mean, sd = found.lung_mean, found.lung_sd
    if lungs.any():
        counts, _, _ = histogram.hist(film[lungs] / 255.0, 64, range=(0, 1), color=LUNGS_COLOUR)
        histogram.axvline(mean, color="black", linewidth=1)
        middle = float(np.max(counts)) / 2
        style = {"arrowstyle": "<->", "color": "black", "lw": 1.4, "shrinkA": 0, "shrinkB": 0}
        histogram.annotate("", (mean + sd, middle), (mean - sd, middle), arrowprops=style)
    histogram.set(xlim=(0, 1))
    histogram.set_xlabel("intensity", fontsize=8)
    histogram.set_ylabel("lungs' pixels", fontsize=8)
    histogram.tick_params(labelsize=7)
    histogram.set_title(f"mean {mean:.3f}, SD {sd:.3f} (arrow: mean ± SD)", fontsize=8)
    if found.reason:
        figure.supxlabel(plain_text(found.reason), fontsize=8)
    write_figure(path, figure)
