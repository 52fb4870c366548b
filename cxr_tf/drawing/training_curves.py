"""Curves of training runs as a figure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cxr_tf.drawing.style import COLOURS, new_figure, plain_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import Series


def draw_curves(
    histories: Mapping[str, Mapping[str, "Series"]], title: str, notice: str = ""
) -> "Figure":
    """Draw the curves of training runs, one panel each on the same scales (Fig. 10).

    Args:
        histories: by run, series over the epoch: `loss`, and of `validation_loss`, `_accuracy`,
            `_f1` and `_jaccard` those that there are.
        title: heading.
        notice: second line of the heading.

    Returns:
        The figure.
    """
    figure = new_figure(3.6 * max(2, len(histories)), 3.6, title, notice)
    grid = figure.subplots(1, len(histories), squeeze=False, sharex=True, sharey=True)[0]
    names = ("loss", *(f"validation_{name}" for name in ("loss", "accuracy", "f1", "jaccard")))
    for axes, (run, history) in zip(grid, histories.items(), strict=True):
        for name, colour in zip(names, COLOURS, strict=False):
            if name in history:
                label = "training loss" if name == "loss" else name.replace("_", " ")
                marker = None if name == "loss" else "."
                curve = history[name]
                axes.plot(curve.index, curve.to_numpy(), color=colour, marker=marker, label=label)
        axes.set_title(plain_text(run), fontsize=8)
        axes.set_xlabel("epoch", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
    grid[0].set_ylim(bottom=0.0)  # of all panels, once every curve is drawn: it ends the scaling
    grid[0].legend(fontsize=7)
    return figure
