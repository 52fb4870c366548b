"""Curves of precision against recall, one a class."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cxr_tf.drawing.style import COLOURS, new_figure, plain_text
from cxr_tf.measures.precision_recall import average_precision, precision_recall_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_precision_recall(
    truth: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    classes: Sequence[str],
    title: str,
    notice: str = "",
) -> "Figure":
    """Draw precision against recall of each class, with the average precision.

    A dotted line of its colour marks what a ranking that knows nothing would have: the class's
    share of the films.

    Args:
        truth: integer [n], true classes of the decided films.
        probabilities: float [n, C], their mean probabilities.
        classes: C names; one without films, or with all of them, has no curve and says so.
        title: heading.
        notice: second line of the heading.

    Returns:
        The figure.
    """
    true, values = np.asarray(truth), np.asarray(probabilities, dtype=np.float64)
    areas = average_precision(true, values)
    figure = new_figure(5.2, 5.4, title, notice, dpi=120)
    axes = figure.subplots()
    for index, name in enumerate(classes):
        own = true == index
        label, colour = f"{plain_text(name)} (n={own.sum()})", COLOURS[index % len(COLOURS)]
        if np.isnan(areas[index]):
            axes.plot([], [], color=colour, label=f"{label}: undefined")
            continue
        recall, precision = precision_recall_curve(own, values[:, index])
        legend = f"{label}: {areas[index]:.3f}"
        width = max(1.2, 3.0 - 0.6 * index)  # equal curves all stay visible
        # From a point to the one before it the precision of the point holds: what the area sums.
        axes.step(recall, precision, where="pre", color=colour, linewidth=width, label=legend)
        axes.axhline(own.mean(), color=colour, linewidth=0.8, linestyle=":")
    axes.set(xlabel="recall (sensitivity)", ylabel="precision", aspect="equal")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.legend(loc="lower left", fontsize=8, title="class: average precision", title_fontsize=8)
    return figure
