"""Jaccard similarities as a figure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cxr_tf.drawing.style import COLOURS, new_figure, plain_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_jaccard(values: Mapping[str, Sequence[float]], title: str, notice: str = "") -> "Figure":
    """Draw each film's Jaccard similarity as a point, with median and quartiles.

    Args:
        values: similarities in [0, 1] by group; at least one group, none empty.
        title: heading.
        notice: second line of the heading.

    Returns:
        The figure.
    """
    figure = new_figure(3.0 + 1.1 * len(values), 4.6, title, notice, dpi=120)
    axes = figure.subplots()
    for index, group in enumerate(values.values()):
        spread = 0.3 * np.random.default_rng(0).uniform(-1, 1, len(group))
        colour = COLOURS[index % len(COLOURS)]
        axes.scatter(index + spread, group, s=9, alpha=0.5, color=colour, linewidths=0)
        low, middle, high = np.quantile(group, [0.25, 0.5, 0.75])
        axes.hlines([low, middle, high], index - 0.38, index + 0.38, "black", lw=[0.8, 1.8, 0.8])
    names = [f"{plain_text(name)}\nn={len(group)}" for name, group in values.items()]
    axes.set_xticks(range(len(names)), names, fontsize=8, rotation=30, ha="right")
    lowest = min(min(group) for group in values.values())
    axes.set(ylabel="Jaccard similarity", ylim=(max(0.0, lowest - 0.05), 1.005))
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)
    return figure
