"""What ROC and precision-recall curves share: one curve for each class against the rest."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cxr_tf.drawing.style import COLOURS, new_figure, plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Draws the curve of one class: axes, which films are of it, their scores, style of the line.
DrawCurve = Callable[["Axes", npt.NDArray[np.bool_], npt.NDArray[np.float64], dict[str, Any]], None]


def draw_one_vs_rest(
    truth: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    classes: Sequence[str],
    areas: npt.ArrayLike,
    draw: DrawCurve,
    title: str,
    notice: str,
    diagonal: bool = False,
) -> "tuple[Figure, Axes]":
    """Draw a curve for each class, with its area in the legend.

    Args:
        truth: integer [n], true classes of the decided films.
        probabilities: float [n, C], their mean probabilities.
        classes: C names.
        areas: float [C], NaN for a class without a curve, which says so.
        draw: draws one curve.
        title: heading.
        notice: second line of the heading.
        diagonal: draw that of a ranking that knows nothing, below the curves.

    Returns:
        The figure and its axes, from -0.01 to 1.01 both ways.
    """
    true, values = np.asarray(truth), np.asarray(probabilities, dtype=np.float64)
    figure = new_figure(5.2, 5.4, title, notice, dpi=120)
    axes = figure.subplots()
    if diagonal:
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle="--")
    for index, (name, area) in enumerate(zip(classes, np.asarray(areas), strict=True)):
        own = true == index
        label = f"{plain_text(name)} (n={np.count_nonzero(own)})"
        colour = COLOURS[index % len(COLOURS)]
        if np.isnan(area):
            axes.plot([], [], color=colour, label=f"{label}: undefined")
            continue
        width = max(1.2, 3.0 - 0.6 * index)  # equal curves all stay visible
        style = {"color": colour, "linewidth": width, "label": f"{label}: {area:.3f}"}
        draw(axes, own, values[:, index], style)
    axes.set(aspect="equal", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    return figure, axes
