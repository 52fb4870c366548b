"""`python -m tools.bench.waiting LOGDIR`: how much of each step of a profile waits for its input.

It reads what `python -m cxr_tf.train --profile` recorded, by xprof. What the bench itself takes
steps for stands in `training_input.py`.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.markdown import markdown_table
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE

#: Share of a step below which a faster input brings nothing.
NOTHING_TO_GAIN = 0.05
#: Parts of a step, in milliseconds, by xprof's name.
PARTS = {
    "infeedTimeMs": "input",
    "hostComputeTimeMs": "host compute",
    "deviceComputeTimeMs": "device compute",
}
_STEP, _INPUT = "stepTimeMs", "infeedTimeMs"


@dataclass(frozen=True)
class WaitingOptions:
    """Print how much of each recorded step waits for its input, and what to do.

    Exit status: 0 done, 2 wrong usage or no profile.
    """

    logdir: Annotated[Path, tyro.conf.Positional]
    """folder given to TensorBoard, such as runs/profiled/tensorboard; of several profiles in it
    the newest is read"""


def newest_profile(logdir: Path) -> list[Path]:
    """Find the profile that was recorded last.

    Args:
        logdir: a folder that holds profiles at any depth.

    Returns:
        Its files, one of each host.

    Raises:
        FileNotFoundError: there is none.
    """
    found = sorted(logdir.rglob("*.xplane.pb"))
    if not found:
        raise FileNotFoundError(
            f"{logdir} holds no profile (*.xplane.pb): record one with python -m cxr_tf.train "
            "--profile 20:25"
        )
    folder = max({path.parent for path in found}, key=lambda each: each.stat().st_mtime_ns)
    return [path for path in found if path.parent == folder]


def analysed(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Let xprof analyse a profile.

    Args:
        files: of one profile, one of each host.

    Returns:
        The tables of its page *Input pipeline analyzer*.

    Raises:
        UsageError: xprof is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        from xprof.convert.raw_to_tool_data import xspace_to_tool_data
    except ImportError as error:
        raise UsageError("reading a profile needs xprof: pip install 'cxr-tf[profile]'") from error
    with tempfile.TemporaryDirectory() as name:  # xprof writes beside what it reads
        copies = [str(shutil.copy(path, name)) for path in files]
        text, _ = xspace_to_tool_data(copies, "input_pipeline_analyzer", {})
    tables: list[dict[str, Any]] = json.loads(text or "[]")
    return tables


def rows_with(tables: Sequence[dict[str, Any]], column: str) -> list[dict[str, Any]]:
    """Take the rows of the table that has a column.

    Args:
        tables: from `analysed`.
        column: its name.

    Returns:
        Values by the name of their column; none where there is no such table.
    """
    for table in tables:
        names = [each["id"] for each in table["cols"]]
        if column in names:
            rows = [[cell["v"] for cell in row["c"]] for row in table["rows"]]
            return [dict(zip(names, row, strict=True)) for row in rows]
    return []


def report(folder: Path, tables: Sequence[dict[str, Any]]) -> str:
    """Write the report.

    Args:
        folder: of the profile.
        tables: from `analysed`.

    Returns:
        Steps, share of waiting, what to do, and the stages of the input.

    Raises:
        ValueError: the profile marks no step, or is damaged.
    """
    steps = rows_with(tables, _INPUT)
    length = sum(step[_STEP] for step in steps)
    if not length:
        raise ValueError(
            f"{folder}: the profile marks no step, or is damaged: record one with python -m "
            "cxr_tf.train --profile 20:25"
        )
    cells = [
        [step["stepnum"], _ms(step[_STEP]), *(_ms(step[part]) for part in PARTS)]
        + [f"{step[_INPUT] / step[_STEP]:.1%}"]
        for step in steps
    ]
    header = ["step", "ms", *PARTS.values(), "waiting"]
    share = sum(step[_INPUT] for step in steps) / length
    stages = sorted(rows_with(tables, "opName"), key=lambda each: -each["selfTimeInMs"])
    lines = [str(folder), "", *markdown_table(header, cells, aligned=True)]
    mean = _ms(length / len(steps))
    lines += ["", f"Of {len(steps)} steps of {mean} ms on average, {share:.2%} is waiting."]
    lines.append(_advice(share, stages))
    if stages:
        rows = [[e["opName"], f"{e['count']:.0f}", _ms(e["selfTimeInMs"])] for e in stages]
        header = ["stage of the input", "calls", "own ms"]
        lines += ["", *markdown_table(header, rows, aligned=True)]
    return "\n".join(lines)


def _ms(value: float) -> str:
    """Write milliseconds."""
    return f"{value:,.1f}"


def _advice(share: float, stages: Sequence[dict[str, Any]]) -> str:
    """Say what to do."""
    if share < NOTHING_TO_GAIN:
        return f"Below {NOTHING_TO_GAIN:.0%} a faster input brings nothing."
    # A prefetch hands over what others made: its time is the consumer's waiting.
    costly = next((e for e in stages if "Prefetch" not in e["opName"].split("::")[-1]), None)
    advice = "The input holds the training back: give it more processors or less to do."
    return advice + (f" Begin with {costly['opName']}, below." if costly else "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the command line without the program's name; None for this process's own.

    Returns:
        The exit status.
    """
    options = tyro.cli(
        WaitingOptions, prog="python -m tools.bench.waiting", args=arguments, description=NOTICE
    )
    try:
        files = newest_profile(options.logdir)
        text = report(files[0].parent, analysed(files))
    except (OSError, ValueError) as error:
        Reporter().error(str(error))
        return 2
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
