"""`python -m tools.paper.chart results FILE`: the paper beside test patients and other sources."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxr_tf.drawing.style import COLOURS, OTHERS_COLOUR, new_figure, write_figure
from cxr_tf.measures.bootstrap import SAMPLES
from cxr_tf.measures.estimates import classification_estimates
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE
from tools.leave_one_out.decisions import as_decisions, classes_of, read_decisions
from tools.paper.published import METRICS, TABLE_X
from tools.paper.rows import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Accuracy and mean recall of the paper's local approach.
PAPER = {name: TABLE_X["local"][METRICS.index(name)] for name in ("accuracy", "recall")}
#: Evaluations, by their folder in results.
EVALUATIONS = {
    "version_1/test": "version 1, test patients (n={n})",
    "version_1/other_hospitals": "version 1, six sources never seen (n={n})",
    "classification/test": "version 5, the same test patients (n={n})",
    "classification/test_more": "version 5, test patients of more sources (n={n})",
}
#: Decisions about sources left out.
LEFT_OUT = "classification/left_out/decisions.csv"
FIGURES = {"accuracy": "accuracy", "recall": "mean recall of the classes"}

Bars = dict[str, Mapping[str, Mapping[str, Any]]]


def read_bars(results: Path) -> Bars:
    """Read the figures.

    Args:
        results: folder of the results.

    Returns:
        By name of the bar, and by name of the figure: `value`, and where it was measured here
        `low` and `high`.
    """
    reader = Results(results)
    bars: Bars = {"the paper, its own films": {name: {"value": x} for name, x in PAPER.items()}}
    for folder, title in EVALUATIONS.items():
        found = reader.metrics(folder)
        if found is None:
            raise FileNotFoundError(f"{results / folder} holds no metrics.json")
        overall = found["groups"]["all"]["overall"]
        bars[title.format(n=overall["accuracy"]["n"])] = overall
    table = read_decisions(results / LEFT_OUT)
    of_left_out = classification_estimates(as_decisions(table), classes_of(table), SAMPLES, 0)
    title = f"version 5's recipe, sources left out of training (n={len(table)})"
    bars[title] = {name: of_left_out.overall[name].record() for name in FIGURES}
    return bars


def draw(bars: Bars) -> "Figure":
    """Draw a bar for each set of films, in a panel for each figure.

    Args:
        bars: from `read_bars`.

    Returns:
        The figure, on white, so that it reads on a dark page too.
    """
    figure = new_figure(10, 1.2 + 0.36 * len(bars), "Four classes decided rightly", NOTICE, dpi=110)
    panels = figure.subplots(1, len(FIGURES), sharey=True)
    for axes, (name, title) in zip(panels, FIGURES.items(), strict=True):
        for place, each in enumerate(bars.values()):
            value = each[name]["value"]
            low, high = (each[name].get(end, value) for end in ("low", "high"))
            axes.barh(place, value, color=COLOURS[0] if "low" in each[name] else OTHERS_COLOUR)
            axes.plot([low, high], [place, place], color="black", lw=1.2)
            axes.text(0.01, place, f"{value:.3f}", va="center", color="white", fontsize=8)
        axes.set(xlim=(0, 1), ylim=(len(bars) - 0.5, -0.5))
        axes.set_xlabel(f"{title}, with its 95 % interval", fontsize=8)
        axes.tick_params(labelsize=8)
    panels[0].set_yticks(range(len(bars)), list(bars), fontsize=8)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the chart.

    Args:
        arguments: folder of the results, and the picture to write; None for the process' own.

    Returns:
        Exit status: 0 written, 2 wrong usage.
    """
    given = list(map(Path, sys.argv[1:] if arguments is None else arguments))
    if len(given) != 2 or not given[0].is_dir():
        Reporter().error("give the folder of the results and the picture to write")
        return 2
    write_figure(given[1], draw(read_bars(given[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
