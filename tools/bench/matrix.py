"""What runs, what is right and how fast: `python -m tools.bench.matrix --out FILE.md`.

Every combination of precision, XLA, distribution strategy and number of devices takes the same few
training steps of ResNet-18, each in processes of its own. Losses are held against those of float32
on one device. On a machine without GPUs, logical CPUs stand for devices: they tell what runs and
whether it is right, not how much faster several devices are.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from cxr_tf.evaluation.summary import table
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import machine, versions
from cxr_tf.runtime.whole_files import write_text
from tools.bench.processor import features
from tools.launch_workers import configurations, free_ports

#: Largest difference of a loss from that of float32 on one device, in shares of it.
TOLERANCE = {"float32": 1e-3, "mixed_bfloat16": 0.05, "mixed_float16": 0.05}
SECONDS = 600
#: Steps that build graphs and caches, and are not timed.
WARM_UP = 2


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measure the matrix. Exit status: 0 all that ran is right, 1 something is not."""

    out: Path | None = None
    """Markdown file to write; by default it is only printed"""
    kind: str = "CPU"
    """CPU or GPU"""
    devices: int = 2
    """devices of the mirrored strategy, and workers of the other"""
    network: str = "resnet18"
    """network to train"""
    patch_size: int = 112
    """side of its patches in pixels"""
    batch_size: int = 16
    """patches of a step"""
    steps: int = 6
    """steps of each training; the first two are not timed"""


@dataclass(frozen=True)
class Cell:
    """One combination.

    Attributes:
        strategy: `one`, `mirrored` or `multiworker`.
        devices: devices, or workers of one device each.
        precision: of the training.
        xla: whether the step is compiled.
    """

    strategy: str
    devices: int
    precision: str
    xla: bool


def cells(devices: int) -> list[Cell]:
    """List the combinations, the reference first.

    Args:
        devices: the larger number of devices.
    """
    places = [("one", 1), ("mirrored", 1), ("mirrored", devices), ("multiworker", devices)]
    return [
        Cell(strategy, count, precision, xla)
        for strategy, count in places
        for xla in (False, True)
        for precision in TOLERANCE
    ]


def run(cell: Cell, options: Options) -> dict[str, Any]:
    """Take the steps of one combination.

    Args:
        cell: the combination.
        options: of the matrix.

    Returns:
        `losses` and `seconds` a step; or `refused`, or `failed`, with the reason.
    """
    several = cell.strategy == "multiworker"
    asked = {
        "kind": options.kind,
        "steps": options.steps,
        "devices": cell.devices if cell.strategy == "mirrored" else 0,
        "options": {
            "strategy": cell.strategy, "precision": cell.precision, "xla": cell.xla,
            "network": options.network, "patch_size": options.patch_size,
            "batch_size": options.batch_size, "learning_rate": 1e-5, "seed": 0,
        },
    }  # fmt: skip
    variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if options.kind == "CPU":
        variables["CUDA_VISIBLE_DEVICES"] = ""
    command = [sys.executable, "-m", "tools.bench.few_steps", json.dumps(asked)]
    clusters = configurations(free_ports(cell.devices)) if several else [""]
    processes = [
        subprocess.Popen(
            command, env={**variables, "TF_CONFIG": cluster} if cluster else variables,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for cluster in clusters
    ]  # fmt: skip
    try:
        told = [process.communicate(timeout=SECONDS) for process in processes]
    except subprocess.TimeoutExpired:
        return {"failed": f"no end after {SECONDS} s"}
    finally:
        for process in processes:
            process.kill()
            process.wait()
    for process, (_, said) in zip(processes, told, strict=True):
        if process.returncode:
            lines = [line for line in said.splitlines() if line.strip()]
            return {"failed": lines[-1][:120] if lines else f"status {process.returncode}"}
    found: dict[str, Any] = json.loads(told[0][0].splitlines()[-1])
    return found


def judged(cell: Cell, found: dict[str, Any], first: dict[str, Any]) -> list[str]:
    """Give a row of the table.

    Args:
        cell: the combination.
        found: from `run`.
        first: the same of the reference.

    Returns:
        Strategy, devices, precision, XLA, what came of it, its largest difference, milliseconds
        a step, and its speed as a multiple of the reference's.
    """
    row = [cell.strategy, str(cell.devices), cell.precision, "yes" if cell.xla else "no"]
    if "losses" not in found:
        kind = "refused" if "refused" in found else "fails"
        return [*row, f"{kind}: {next(iter(found.values()))}", "", "", ""]
    off = largest_difference(found, first)
    said = "right" if off <= TOLERANCE[cell.precision] else "wrong"
    speed = first["seconds"] / found["seconds"]
    return [*row, said, f"{off:.1e}", f"{1000 * found['seconds']:.0f}", f"{speed:.2f}"]


def largest_difference(found: dict[str, Any], first: dict[str, Any]) -> float:
    """Compare losses step by step.

    Args:
        found: from `run`.
        first: the same of the reference.

    Returns:
        The largest difference as a share of the reference's loss; infinite where one is no number.
    """
    pairs = zip(found["losses"], first["losses"], strict=True)
    off = [abs(one - other) / abs(other) for one, other in pairs]
    return max(x if x == x else float("inf") for x in off)


def markdown(rows: Sequence[Sequence[str]], options: Options) -> str:
    """Lay out the table.

    Args:
        rows: from `judged`.
        options: of the matrix.
    """
    header = ["strategy", "devices", "precision", "XLA", "outcome", "loss differs by",
              "ms a step", "speed"]  # fmt: skip
    found, here = versions(), machine()
    said = (
        f"{options.steps} training steps of {options.network}, {options.batch_size} patches of "
        f"{options.patch_size} x {options.patch_size}, on {options.kind}; the first {WARM_UP} are "
        f"not timed. {here['processor']} with {', '.join(features())}; {here['cpus']} processors; "
        f"TensorFlow {found['tensorflow']}, Keras {found['keras']}."
    )
    meant = (
        "*right*: no loss differs from that of float32 on one device by more than "
        f"{TOLERANCE['float32']} of it, or {TOLERANCE['mixed_bfloat16']} where it was computed "
        "with 16 bits. *speed*: of a step, as a multiple of the first row's."
    )
    title = "# What runs, what is right and how fast"
    return "\n\n".join([title, said, meant, table(header, rows)]) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: by default those of the process.

    Returns:
        Exit status: 0 all that ran is right, 1 a combination fails or is wrong, 2 wrong usage.
    """
    options = tyro.cli(
        Options, prog="python -m tools.bench.matrix", description=__doc__, args=arguments
    )
    rows: list[list[str]] = []
    with Reporter() as reporter:
        if options.kind not in ("CPU", "GPU") or options.steps <= WARM_UP or options.devices < 2:
            reporter.error(
                f"--kind is CPU or GPU, --steps more than {WARM_UP}, --devices 2 or more"
            )
            return 2
        first: dict[str, Any] = {}
        for cell in cells(options.devices):
            found = run(cell, options)
            if not first:
                if "losses" not in found:
                    reporter.error(f"the reference does not run: {next(iter(found.values()))}")
                    return 1
                first = found
            rows.append(judged(cell, found, first))
            reporter.note("  ".join(rows[-1]))
    text = markdown(rows, options)
    if options.out is not None:
        write_text(options.out, text)
    print(text)
    return int(any(row[4] == "wrong" or row[4].startswith("fails") for row in rows))


if __name__ == "__main__":
    sys.exit(main())
