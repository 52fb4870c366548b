"""The figures of all folds as a table (CSV and Markdown) and a chart."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cxr_tf.drawing.style import COLOURS, new_figure, plain_text, write_figure
from cxr_tf.evaluation.results import PHANTOM_DATA_NOTICE
from cxr_tf.evaluation.summary import figure_text, table
from cxr_tf.measures.bootstrap import Estimate
from cxr_tf.runtime.provenance import NOTICE
from cxr_tf.runtime.whole_files import write_text
from tools.leave_one_out.figures import ALL, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Names of the files, without their suffixes.
NAME = "leave_one_out"
COLUMNS = (
    "source", "class", "figure",
    "left_out", "left_out_low", "left_out_high", "left_out_films", "left_out_patients",
    "known", "known_low", "known_high", "known_decisions", "known_patients",
    "remark",
)  # fmt: skip


def write_report(out: Path, rows: Sequence[Row], recipe: Mapping[str, Any]) -> str:
    """Write leave_one_out.csv, .md and .png.

    Args:
        out: folder of the folds.
        rows: the figures.
        recipe: what the folds were made with.

    Returns:
        The Markdown.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = [cell for each in (row.left_out, row.known) for cell in _cells(each)]
        writer.writerow([row.source, row.name, row.figure, *cells, row.remark])
    write_text(out / f"{NAME}.csv", stream.getvalue())
    text = markdown(rows, recipe)
    write_text(out / f"{NAME}.md", text)
    write_figure(out / f"{NAME}.png", draw(rows, recipe))
    return text


def _cells(figure: Estimate) -> list[str]:
    numbers = (figure.value, figure.low, figure.high)
    return [
        *("" if np.isnan(x) else f"{x:.6f}" for x in numbers), str(figure.n), str(figure.patients)
    ]  # fmt: skip


def markdown(rows: Sequence[Row], recipe: Mapping[str, Any]) -> str:
    """Lay out the figures.

    Args:
        rows: the figures.
        recipe: what the folds were made with.
    """
    parts = ["# Sources left out", NOTICE]
    parts += [PHANTOM_DATA_NOTICE] if recipe["phantom"] else []
    training = recipe["training"]
    parts.append(
        f"{len(recipe['folds'])} folds, each trained without the films of its source "
        f"({', '.join(recipe['folds'])}) for at most {training['epochs']} epochs of "
        f"{recipe['steps_per_epoch']} steps of {training['batch_size']} examples; "
        f"{_decided(recipe)}. Classes: {recipe['class_map']}."
    )
    known = _has_known(rows)
    said = (
        "*Known*: test patients of the sources that a fold has learnt from; a film counts once for "
        "each fold that decided it. "
    )
    parts.append(
        f"*Left out*: films whose source was left out, of all their splits. {said if known else ''}"
        "95 % intervals by a bootstrap over patients; from a handful of patients, or at "
        "exactly 0 or 1, they are too narrow. A film without a decision is wrong."
    )
    found = [
        [row.source, row.name, row.figure, *_shown(row.left_out),
         *(_shown(row.known) if known else ()), row.remark]
        for row in rows
    ]  # fmt: skip
    of_known = ["known", "decisions", "patients"] if known else []
    header = ["source", "class", "figure", "left out", "films", "patients", *of_known, "remark"]
    parts.append(table(header, found))
    for name, source in recipe["single_sources"].items():
        parts.append(
            f"Only {source} has films of {name}: how {name} is found at another source cannot be "
            "told from these data."
        )
    for fold, reason in recipe["skipped"].items():
        parts.append(f"Fold {fold} was not trained: {reason}.")
    return "\n\n".join(parts) + "\n"


def _has_known(rows: Sequence[Row]) -> bool:
    """Tell whether a fold decided films of sources that it has learnt from."""
    return any(row.known.n for row in rows)


def _decided(recipe: Mapping[str, Any]) -> str:
    """Say what decides a film, and how the last layer was made where it was not trained."""
    training = recipe["training"]
    whole = training.get("approach") == "global"
    decides = "the whole film decides" if whole else f"{recipe['patches']} patches vote"
    fitted = "the last layer is fitted by logistic regression; " if training.get("fit_head") else ""
    return fitted + decides


def _shown(figure: Estimate) -> list[str]:
    return [figure_text(figure.record()), str(figure.n), str(figure.patients)]


def draw(rows: Sequence[Row], recipe: Mapping[str, Any]) -> "Figure":
    """Draw each figure of films left out, above that of known sources where there are any.

    Args:
        rows: the figures.
        recipe: what the folds were made with.

    Returns:
        The figure, on white, so that it reads on a dark page too.
    """
    notice = NOTICE + (f" {PHANTOM_DATA_NOTICE}" if recipe["phantom"] else "")
    known = _has_known(rows)
    title = "Recall of films whose source was left out"
    title += ", and of test patients of known sources" if known else ""
    figure = new_figure(8.0, 1.7 + 0.3 * len(rows), title, notice, dpi=120)
    axes = figure.subplots()
    places = np.arange(len(rows))
    shift = 0.13 if known else 0.0
    kinds = {"source left out": ([row.left_out for row in rows], -shift, COLOURS[1], "o")}
    if known:
        of_known = [row.known for row in rows], shift, COLOURS[0], "D"
        kinds["source known, test patients"] = of_known
    for label, (figures, shift, colour, marker) in kinds.items():
        values = np.array([each.value for each in figures])
        ends = np.array([(each.low, each.high) for each in figures]).reshape(-1, 2)
        axes.hlines(places + shift, ends[:, 0], ends[:, 1], color=colour, lw=1.6, alpha=0.6)
        axes.plot(values, places + shift, marker, color=colour, ms=5, label=label)
    names = [_name(row) for row in rows]
    axes.set_yticks(places, names, fontsize=8)
    axes.set(xlim=(-0.02, 1.02), ylim=(len(rows) - 0.4, -0.6))
    axes.set_xlabel("recall, or the figure named, with its 95 % interval", fontsize=9)
    axes.grid(axis="x", color="0.9")
    for place, (row, after) in enumerate(zip(rows, rows[1:], strict=False)):
        if row.source != after.source:
            axes.axhline(place + 0.5, color="0.8", lw=0.8)
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def _name(row: Row) -> str:
    what = row.figure if row.name == ALL else row.name
    return plain_text(f"{row.source}  {what} (n={row.left_out.n})")
