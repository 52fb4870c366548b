"""ROC curves as a figure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cxr_tf.drawing.style import COLOURS, new_figure, plain_text
from cxr_tf.measures.metrics import roc_auc, roc_curve

if TYPE_CHECKING:
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
    true, values = np.asarray(truth), np.asarray(probabilities, dtype=np.float64)
    areas = roc_auc(true, values)
    figure = new_figure(5.2, 5.4, title, notice, dpi=120)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle="--")
    for index, name in enumerate(classes):
        label = f"{plain_text(name)} (n={np.count_nonzero(true == index)})"
        colour = COLOURS[index % len(COLOURS)]
        if np.isnan(areas[index]):
            axes.plot([], [], color=colour, label=f"{label}: undefined")
            continue
        alarms, hits = roc_curve(true == index, values[:, index])
        width = max(1.2, 3.0 - 0.6 * index)  # equal curves all stay visible
        legend = f"{label}: {areas[index]:.3f}"
        axes.plot(alarms, hits, color=colour, linewidth=width, label=legend)
    axes.set(xlabel="1 - specificity", ylabel="sensitivity", aspect="equal")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.legend(loc="lower right", fontsize=8, title="class: area", title_fontsize=8)
    return figure
