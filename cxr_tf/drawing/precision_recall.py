"""Curves of precision against recall, one a class."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cxr_tf.drawing.one_vs_rest import draw_one_vs_rest
from cxr_tf.measures.precision_recall import average_precision, precision_recall_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
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
    areas = average_precision(np.asarray(truth), np.asarray(probabilities, dtype=np.float64))
    figure, axes = draw_one_vs_rest(truth, probabilities, classes, areas, _curve, title, notice)
    axes.set(xlabel="recall (sensitivity)", ylabel="precision")
    axes.legend(loc="lower left", fontsize=8, title="class: average precision", title_fontsize=8)
    return figure


def _curve(
    axes: "Axes",
    own: npt.NDArray[np.bool_],
    scores: npt.NDArray[np.float64],
    style: dict[str, Any],
) -> None:
    recall, precision = precision_recall_curve(own, scores)
    # From a point to the one before it the precision of the point holds: what the area sums.
    axes.step(recall, precision, where="pre", **style)
    axes.axhline(own.mean(), color=style["color"], linewidth=0.8, linestyle=":")
