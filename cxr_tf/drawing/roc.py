"""ROC curves as a figure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cxr_tf.drawing.one_vs_rest import draw_one_vs_rest
from cxr_tf.measures.metrics import roc_auc, roc_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_roc(
    truth: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    classes: Sequence[str],
    title: str,
    notice: str = "",
) -> "Figure":
    """Draw each class's ROC curve against the rest, with its area.

    Args:
        truth: integer [n], true classes of the decided films.
        probabilities: float [n, C], their mean probabilities.
        classes: C names; one without films, or with all of them, has no curve and says so.
        title: heading.
        notice: second line of the heading.

    Returns:
        The figure.
    """
    areas = roc_auc(np.asarray(truth), np.asarray(probabilities, dtype=np.float64))
    figure, axes = draw_one_vs_rest(
        truth, probabilities, classes, areas, _curve, title, notice, diagonal=True
    )
    axes.set(xlabel="1 - specificity", ylabel="sensitivity")
    axes.legend(loc="lower right", fontsize=8, title="class: area", title_fontsize=8)
    return figure


def _curve(
    axes: "Axes",
    own: npt.NDArray[np.bool_],
    scores: npt.NDArray[np.float64],
    style: dict[str, Any],
) -> None:
    alarms, hits = roc_curve(own, scores)
    axes.plot(alarms, hits, **style)
