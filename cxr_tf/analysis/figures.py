"""Figures of an analysis as PNG: markers by class, sources before and after normalisation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cxr_tf.analysis.class_tables import spread
from cxr_tf.analysis.heterogeneity import PARTS, STAGES, film_means, pixel_histograms
from cxr_tf.analysis.measure import BINS, Measured
from cxr_tf.drawing.style import COLOURS, new_figure, plain_text, write_figure
from cxr_tf.measures.metrics import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def _scatter(axes: "Axes", groups: Mapping[str, Floats], names: Sequence[str]) -> None:
    """Every value as a point, by group."""
    for index, values in enumerate(groups.values()):
        places = index + 0.3 * np.random.default_rng(0).uniform(-1, 1, len(values))
        colour = COLOURS[index % len(COLOURS)]
        axes.scatter(places, values, s=9, alpha=0.5, color=colour, linewidths=0)
    axes.set_xticks(range(len(names)), names, fontsize=7, rotation=30, ha="right")
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)


def marker_figure(
    path: Path,
    markers: Mapping[str, Mapping[str, Floats]],
    names: Mapping[str, str],
    title: str,
    notice: str = "",
) -> None:
    """Draw markers by class: every film at the left, mean ± SD at the right (Figs. 4 and 5).

    Args:
        path: PNG to write.
        markers: values by marker's title and class; at least one class each, none empty.
        names: how classes are written.
        title: heading.
        notice: second line of the heading.
    """
    figure = new_figure(9.5, 0.8 + 3.0 * len(markers), title, notice)
    grid = figure.subplots(len(markers), 2, squeeze=False)
    for (left, right), (marker, groups) in zip(grid, markers.items(), strict=True):
        labels = [f"{plain_text(names[name])}\nn={len(values)}" for name, values in groups.items()]
        _scatter(left, groups, labels)
        left.set_ylabel(plain_text(marker), fontsize=8)
        for index, values in enumerate(groups.values()):
            colour, sd = COLOURS[index % len(COLOURS)], np.nan_to_num(spread(values))
            right.errorbar(index, values.mean(), sd, fmt="o", color=colour, capsize=6, markersize=5)
        right.set_xticks(range(len(labels)), labels, fontsize=7, rotation=30, ha="right")
        right.set_xlim(left.get_xlim())
        right.grid(axis="y", color="0.9")
        right.set_axisbelow(True)
        for axes in (left, right):
            axes.tick_params(axis="y", labelsize=7)
    grid[0, 0].set_title("every value", fontsize=8)
    grid[0, 1].set_title("mean ± SD", fontsize=8)
    write_figure(path, figure)


def heterogeneity_figure(
    path: Path, films: Sequence[Measured], title: str, notice: str = ""
) -> None:
    """Draw intensities by source before and after normalisation (Fig. 11).

    Args:
        path: PNG to write.
        films: the films measured; at least one source has lungs.
        title: heading.
        notice: second line of the heading.
    """
    figure = new_figure(10.0, 8.6, title, notice)
    grid = figure.subplots(3, 2)
    for column, stage in enumerate(STAGES):
        for axes, part in zip(grid[:2, column], PARTS, strict=True):
            groups = film_means(films, part, stage)
            labels = [f"{plain_text(name)}\nn={len(values)}" for name, values in groups.items()]
            _scatter(axes, groups, labels)
            axes.set_ylim(0, 1)
            axes.set_ylabel(f"{part}, mean of a film", fontsize=8)
        axes = grid[2, column]
        for index, (name, shares) in enumerate(pixel_histograms(films, "lung", stage).items()):
            smooth = shares.reshape(-1, 4).sum(axis=1) * BINS / 4  # of 256 levels 8 bits fill few
            centres = (np.arange(len(smooth)) + 0.5) / len(smooth)
            colour = COLOURS[index % len(COLOURS)]
            axes.plot(centres, smooth, color=colour, label=plain_text(name), linewidth=1.2)
        axes.set(xlim=(0, 1))
        axes.set_ylabel("density, lungs' pixels", fontsize=8)
        axes.set_xlabel("intensity", fontsize=8)
        grid[0, column].set_title(f"{stage} normalisation", fontsize=9)
    grid[2, 0].legend(fontsize=7)
    highest = max(axes.get_ylim()[1] for axes in grid[2])
    for axes in grid.flat:
        axes.tick_params(labelsize=7)
    for axes in grid[2]:
        axes.set_ylim(0, highest)
    write_figure(path, figure)
