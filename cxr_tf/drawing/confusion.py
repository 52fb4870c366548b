"""A confusion matrix as a figure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cxr_tf.drawing.style import new_figure, plain_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_confusion(
    confusion: npt.ArrayLike, classes: Sequence[str], title: str, notice: str = ""
) -> "Figure":
    """Draw a confusion matrix, counts in cells coloured by the share of the row (Fig. 6).

    Args:
        confusion: counts [C, C + 1]; the last column (films without a decision) is only drawn
            where it counts any.
        classes: C names.
        title: heading.
        notice: second line of the heading.

    Returns:
        The figure.
    """
    counts = np.asarray(confusion, dtype=np.int64)
    columns = [plain_text(name) for name in classes]
    if counts[:, len(classes) :].any():
        columns.append("no decision")
    counts_shown = counts[:, : len(columns)]
    films = counts.sum(axis=1, keepdims=True)
    shares = counts_shown / np.maximum(films, 1)
    figure = new_figure(2.6 + 0.95 * len(columns), 2.2 + 0.8 * len(classes), title, notice, dpi=120)
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    rows = [f"{plain_text(n)} (n={c})" for n, c in zip(classes, films[:, 0], strict=True)]
    axes.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
    axes.set_yticks(range(len(classes)), rows)
    axes.set_xlabel("decided")
    axes.set_ylabel("true")
    for (row, column), count in np.ndenumerate(counts_shown):
        share = shares[row, column]
        text = f"{count}\n{100 * share:.0f} %" if films[row, 0] else "-"
        colour = "white" if share > 0.5 else "black"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    return figure
