"""`python -m tools.bench.chart`: the bench's times as bars, one panel for each piece of work."""

import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro
from PIL import Image

from cxr_tf.drawing.style import COLOURS, OTHERS_COLOUR, figure_pixels, new_figure
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE
from cxr_tf.runtime.whole_files import whole
from tools.bench.contenders import OURS
from tools.bench.report import shown_seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 2
#: Behind the numbers, so that no line crosses them.
_PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 1}


def draw(found: dict[str, Any]) -> "Figure":
    """Draw the record of a bench; what nobody else was timed at is left out.

    Args:
        found: from `tools.bench.report.record`.

    Returns:
        The figure: medians as bars, the fastest and slowest round as a line across the end of each,
        and the floor of the arithmetic, where it was counted, as a dashed line.
    """
    rows = [row for row in found["rows"] if len(row["contenders"]) > 1]
    lines = [rows[start : start + _COLUMNS] for start in range(0, len(rows), _COLUMNS)]
    bars = [max(len(row["contenders"]) for row in line) for line in lines]
    machine = found["machine"]
    figure = new_figure(
        9,
        0.6 + sum(0.8 + 0.25 * count for count in bars),
        f"Seconds, medians of {found['rounds']} rounds, {found['threads']} threads of "
        f"{machine['processor']}: less is better.",
        "Line at the end of a bar: fastest and slowest round. Dashed: floor of the arithmetic.",
    )
    grid = figure.add_gridspec(len(lines), _COLUMNS, height_ratios=[1.2 + each for each in bars])
    for index, row in enumerate(rows):
        _draw_row(figure.add_subplot(grid[divmod(index, _COLUMNS)]), row)
    return figure


def _draw_row(axes: "Axes", row: dict[str, Any]) -> None:
    """Draw the bars of one piece of work, ours on top."""
    names = sorted(row["contenders"], key=lambda name: name != OURS)
    times = [row["contenders"][name] for name in names]
    medians = [each["median_seconds"] for each in times]
    away = [
        [median - min(each["seconds"]) for median, each in zip(medians, times, strict=True)],
        [max(each["seconds"]) - median for median, each in zip(medians, times, strict=True)],
    ]
    colours = [COLOURS[0] if name.startswith(OURS) else OTHERS_COLOUR for name in names]
    axes.barh(names, medians, xerr=away, color=colours, error_kw={"elinewidth": 1})
    farthest = max(max(each["seconds"]) for each in times)
    for place, each in enumerate(times):
        text = shown_seconds(each["median_seconds"])
        behind = max(each["seconds"]) + 0.02 * farthest
        axes.text(behind, place, text, va="center", fontsize=8, bbox=_PAPER)
    if row["floor_seconds"]:
        axes.axvline(row["floor_seconds"], color=COLOURS[1], linestyle="--", linewidth=1)
    axes.set_title("\n".join(textwrap.wrap(row["name"], 38)), fontsize=9)
    axes.set_xlim(0, 1.2 * farthest)
    axes.invert_yaxis()
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: by default those of the process.

    Returns:
        The exit status: 0 written, 2 there is no record, or the picture cannot be written.
    """

    def run(
        record: Path = Path("results/bench/bench.json"), out: Path = Path("docs/pictures/speed.png")
    ) -> int:
        """Draw the times of a bench.

        Args:
            record: bench.json of `python -m tools.bench`
            out: PNG to write
        """
        try:
            figure = draw(json.loads(record.read_text(encoding="utf-8")))
            picture = Image.fromarray(figure_pixels(figure, 110)).quantize(256)
            with whole(out) as fresh:
                picture.save(fresh, "png")
        except (KeyError, OSError, ValueError) as error:
            Reporter().error(
                f"{record}: no chart of it can be drawn into {out} ({error!r}); give a bench.json "
                "of `python -m tools.bench`"
            )
            return 2
        return 0

    return tyro.cli(run, args=arguments, prog="python -m tools.bench.chart", description=NOTICE)


if __name__ == "__main__":
    sys.exit(main())
