"""Figures of an evaluation as PNG: confusion matrix, ROC curves, Jaccard by source, contours."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cxr_tf.measures.metrics import Bools, Labels, enlarge_labels, roc_auc, roc_curve
from cxr_tf.runtime.whole_files import whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import Series

#: Colour-blind safe (Okabe and Ito).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_HEART, _LUNGS, _TRUTH = "#ff4040", "#48a0ff", "#40ff40"


@dataclass(frozen=True)
class ContourFilm:
    """A film to draw with its masks.

    Attributes:
        title: text above it.
        grey: uint8 [h, w].
        labels: integer label map of the whole frame, any size.
        masks: true masks of the whole frame by name, bool, any size.
    """

    title: str
    grey: npt.NDArray[np.uint8]
    labels: Labels
    masks: Mapping[str, Bools]


@dataclass(frozen=True)
class SaliencyFilm:
    """A film to draw with its map.

    Attributes:
        title: text above it.
        grey: uint8 [h, w].
        labels: uint8 label map of the whole frame, any size.
        saliency: float32 map of the whole frame in 0..1, any size.
    """

    title: str
    grey: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    saliency: npt.NDArray[np.float32]


def new_figure(width: float, height: float, title: str, notice: str) -> "Figure":
    """Open a figure that needs no display and no global state.

    Args:
        width: in inches.
        height: in inches.
        title: heading.
        notice: second line of the heading, '' for none.

    Returns:
        The figure; its text is wrapped to the width.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    lines = [line for text in (title, notice) for line in textwrap.wrap(text, int(11 * width))]
    figure.suptitle(plain_text("\n".join(lines)), fontsize=9)
    return figure


def plain_text(text: str) -> str:
    """Make text safe to draw.

    Args:
        text: such as a file's name.

    Returns:
        The text without matplotlib's mathematics, and without bytes that are no characters.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("$", r"\$")


def figure_pixels(figure: "Figure", dpi: int = 100) -> npt.NDArray[np.uint8]:
    """Draw a figure into an array.

    Args:
        figure: from `new_figure`.
        dpi: pixels an inch.

    Returns:
        RGB uint8 [h, w, 3].
    """
    figure.set_dpi(dpi)
    figure.canvas.draw()
    # Every figure here has the canvas of Agg, which alone has this method.
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()  # type: ignore[attr-defined]


def confusion_figure(
    path: Path, confusion: npt.ArrayLike, classes: Sequence[str], title: str, notice: str = ""
) -> None:
    """Writes a confusion matrix (see `draw_confusion`).

    Args:
        path: PNG to write.
        confusion: counts [C, C + 1].
        classes: C names.
        title: heading.
        notice: second line of the heading.
    """
    with whole(path) as fresh:
        draw_confusion(confusion, classes, title, notice).savefig(fresh, dpi=120)


def draw_confusion(
    confusion: npt.ArrayLike, classes: Sequence[str], title: str, notice: str = ""
) -> "Figure":
    """Draws a confusion matrix, counts in cells coloured by the share of the row (Fig. 6).

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
    figure = new_figure(2.6 + 0.95 * len(columns), 2.2 + 0.8 * len(classes), title, notice)
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


def roc_figure(
    path: Path,
    truth: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    classes: Sequence[str],
    title: str,
    notice: str = "",
) -> None:
    """Writes each class's ROC curve (see `draw_roc`).

    Args:
        path: PNG to write.
        truth: integer [n].
        probabilities: float [n, C].
        classes: C names.
        title: heading.
        notice: second line of the heading.
    """
    with whole(path) as fresh:
        draw_roc(truth, probabilities, classes, title, notice).savefig(fresh, dpi=120)


def draw_roc(
    truth: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    classes: Sequence[str],
    title: str,
    notice: str = "",
) -> "Figure":
    """Draws each class's ROC curve against the rest, with its area.

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
    figure = new_figure(5.2, 5.4, title, notice)
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


def jaccard_figure(
    path: Path, values: Mapping[str, Sequence[float]], title: str, notice: str = ""
) -> None:
    """Draws each film's Jaccard similarity as a point, with median and quartiles.

    Args:
        path: PNG to write.
        values: similarities in [0, 1] by group; at least one group, none empty.
        title: heading.
        notice: second line of the heading.
    """
    figure = new_figure(3.0 + 1.1 * len(values), 4.6, title, notice)
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
    with whole(path) as fresh:
        figure.savefig(fresh, dpi=120)


def contour_figure(path: Path, films: Sequence[ContourFilm], title: str, notice: str = "") -> None:
    """Draws films with the outlines found (heart red, lungs blue) and the true ones (green).

    Args:
        path: PNG to write.
        films: at least one (Fig. 2a).
        title: heading.
        notice: second line of the heading.
    """
    figure = new_figure(3.4 * max(2, len(films)), 4.6, title, notice)
    figure.supxlabel("found: heart red, lungs blue; true: green", fontsize=8)
    for axes, film in zip(figure.subplots(1, len(films), squeeze=False)[0], films, strict=True):
        height, width = film.grey.shape
        axes.imshow(film.grey, cmap="gray", vmin=0, vmax=255)
        labels = enlarge_labels(film.labels, height, width)
        masks = [enlarge_labels(m.astype(np.uint8), height, width) for m in film.masks.values()]
        outlines = [(mask, _TRUTH) for mask in masks]
        outlines += [((labels == i), c) for i, c in ((1, _HEART), (2, _LUNGS), (3, _LUNGS))]
        for part, colour in outlines:
            if part.any() and not part.all():  # else there is no outline to draw
                axes.contour(part, levels=[0.5], colors=[colour], linewidths=1.0)
        axes.set_title(plain_text(film.title), fontsize=8)
        axes.set_axis_off()
    with whole(path) as fresh:
        figure.savefig(fresh, dpi=110)


def saliency_figure(
    path: Path, rows: Sequence[Sequence[SaliencyFilm]], title: str, notice: str = ""
) -> None:
    """Draws films under their saliency maps, on one scale from 0 to 1 (Figs. 7 and 8).

    Args:
        path: PNG to write.
        rows: at least one row, such as the films of one class, of at least one film.
        title: heading.
        notice: second line of the heading.
    """
    from cxr_tf.drawing.overlays import cover_with_saliency, draw_outlines

    columns = max(map(len, rows))
    figure = new_figure(2.3 * max(2, columns), 2.6 * len(rows) + 0.6, title, notice)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for line, films in zip(grid, rows, strict=True):
        for axes, film in zip(line, films, strict=False):
            grey = np.repeat(film.grey[..., None], 3, axis=2)
            picture = cover_with_saliency(grey, film.saliency)
            draw_outlines(picture, film.labels)
            axes.imshow(picture)
            axes.set_title(plain_text(film.title), fontsize=7)
    with whole(path) as fresh:
        figure.savefig(fresh, dpi=110)


def curves_figure(
    path: Path, histories: Mapping[str, Mapping[str, "Series"]], title: str, notice: str = ""
) -> None:
    """Draws the curves of training runs, one panel each on the same scales (Fig. 10).

    Args:
        path: PNG to write.
        histories: by run, series over the epoch: `loss`, and of `validation_loss`, `_accuracy`,
            `_f1` and `_jaccard` those that there are.
        title: heading.
        notice: second line of the heading.
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
        axes.set_ylim(bottom=0.0)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
    grid[0].legend(fontsize=7)
    with whole(path) as fresh:
        figure.savefig(fresh, dpi=110)
