"""Plots of numbers: reliability diagram, risk and coverage, estimated and true quality of masks."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cxr_tf.drawing.style import COLOURS, new_figure, write_figure
from cxr_tf.runtime.provenance import NOTICE
from tools.reliability.fit import GOOD
from tools.reliability.measures import BINS, risk_coverage
from tools.reliability.table import Table


def reliability_diagram(path: Path, decisions: Mapping[str, Table]) -> None:
    """Draw share right over confidence, before and after calibration.

    Args:
        path: PNG to write.
        decisions: of `decision_record`, by the split.
    """
    figure = new_figure(
        9, 4.6, "Share of right decisions over the probability of the label", NOTICE
    )
    axes = figure.subplots(1, len(decisions), sharey=True, squeeze=False)[0]
    for axis, (split, table) in zip(axes, decisions.items(), strict=True):
        axis.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
        for colour, name in zip(COLOURS, ("confidence", "calibrated"), strict=False):
            values, right = table[name].to_numpy(), table["right"].to_numpy()
            which = np.minimum((values * BINS).astype(int), BINS - 1)
            points = [(values[which == b].mean(), right[which == b].mean(), (which == b).sum())
                      for b in np.unique(which)]  # fmt: skip
            label = {"confidence": "mean softmax", "calibrated": "calibrated"}[name]
            axis.plot(*zip(*((x, y) for x, y, _ in points), strict=True), "o-", color=colour,
                      label=label)  # fmt: skip
            for x, y, count in points:
                axis.annotate(str(count), (x, y), textcoords="offset points", xytext=(4, -10),
                              fontsize=7, color=colour)  # fmt: skip
        title = f"{split} (n={len(table)}; numbers are films)"
        axis.set(title=title, xlim=(0, 1), ylim=(-0.1, 1.05),
                 xlabel="probability", ylabel="share right")  # fmt: skip
        axis.legend(loc="upper left")
    write_figure(path, figure)


def risk_plot(path: Path, table: Table) -> None:
    """Draw the share of wrong decisions over the share of films that are answered.

    Args:
        path: PNG to write.
        table: of `decision_record`.
    """
    figure = new_figure(
        6, 4.4, f"Wrong decisions among films answered, test (n={len(table)})", NOTICE
    )
    axis = figure.subplots()
    right = table["right"].to_numpy(bool)
    names = {"calibrated": "calibrated probability", "agreement": "agreement of the patches"}
    for colour, (name, label) in zip(COLOURS, names.items(), strict=False):
        coverage, risk = risk_coverage(table[name].to_numpy(), right)
        axis.plot(coverage, risk, color=colour, label=f"by {label}")
    answered = table["abstain"].to_numpy() == 0
    if answered.any():
        wrong = float((~right[answered]).mean())
        axis.plot(answered.mean(), wrong, "k*", markersize=12, label="abstain as exported")
    axis.set(xlabel="share of films answered", ylabel="share wrong", xlim=(0, 1.01), ylim=(0, 0.5))
    axis.legend()
    write_figure(path, figure)


def mask_plot(path: Path, sets: Mapping[str, Table]) -> None:
    """Draw the true Jaccard similarity over the estimated one.

    Args:
        path: PNG to write.
        sets: of `mask_record`.
    """
    figure = new_figure(5.5, 4.6, "Quality of the lungs' mask, true over estimated", NOTICE)
    axis = figure.subplots()
    axis.plot([0.3, 1], [0.3, 1], color="grey", linewidth=0.8)
    for colour, (name, rows) in zip(COLOURS, sets.items(), strict=False):
        axis.scatter(
            rows["estimate"], rows["jaccard"], s=12, color=colour, label=f"{name} ({len(rows)})"
        )
    axis.axvline(GOOD, color="black", linewidth=0.8, linestyle=":")
    axis.set(xlabel="estimate (warning left of the dotted line)", ylabel="Jaccard similarity")
    axis.legend(loc="lower right")
    write_figure(path, figure)
