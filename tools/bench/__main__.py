"""`python -m tools.bench`: one run, one table. Needs requirements-bench.txt."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tyro

from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE

WORK = (
    "segmentation",
    "patches",
    "film",
    "maps",
    "dense",
    "training_segmentation",
    "training_classification",
    "reading",
    "cutting",
    "waiting",
)


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Time this project beside what else a user could run; write bench.md and bench.json.

    All contenders do the same work with the same weights and as many threads, in turns. Where their
    answers differ, nothing is timed. Exit status: 0 done, 1 a ratio lies below its limit or answers
    differ, 2 wrong usage.
    """

    out: Path = Path("bench")
    """folder for the table"""
    model: Path = Path("saved_models/cxr_triage")
    """exported model"""
    film: Path | None = None
    """grey PNG or JPEG file; by default a phantom of 1024 x 1024"""
    work: tuple[str, ...] = WORK
    """what is timed"""
    rounds: int = 5
    """timed rounds"""
    threads: int = 0
    """threads of each contender; 0 for all processors"""
    authors: bool = True
    """let the authors' way run too, which takes about a minute a round"""


def run(options: BenchOptions) -> int:
    """Do what the command does.

    Args:
        options: the arguments.

    Returns:
        The exit status.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    threads = options.threads or len(os.sched_getaffinity(0))
    import cv2
    import numpy as np
    import tensorflow as tf
    import torch

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    from pipelines.sizes import PATCHES
    from tools.bench import report, training_input, work
    from tools.bench.contenders import TOLERANCE, Work
    from tools.bench.floor import matrix_rate
    from tools.bench.measured_model import subject
    from tools.bench.timing import alternate
    from tools.phantoms.layouts import write_manifest_layout

    tested = subject(options.model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_manifest_layout(folder, films=16, seed=0, size=1024)
        from pipelines.manifest.table import read_manifest

        rows = read_manifest(folder / "manifest.csv").rows
        film = options.film or rows[0].path
        generator = np.random.default_rng(0)
        noise = generator.uniform(0, 1, (tested.size, tested.size)).astype(np.float32)
        large = generator.uniform(0, 1, (256, 256)).astype(np.float32)
        cut = generator.uniform(0, 255, (PATCHES, 224, 224)).astype(np.float32)
        makers: dict[str, list[Callable[[], Work]]] = {
            "segmentation": [
                partial(work.segmentation, tested, x, threads)
                for x in ([noise, large] if tested.size != 256 else [large])
            ],
            "patches": [lambda: work.patches(tested, cut, threads)],
            "film": [lambda: work.film(tested, film, False, options.authors)],
            "maps": [lambda: work.film(tested, film, True, options.authors)],
            "dense": [partial(work.dense, tested, film, small) for small in (False, True)],
            "training_segmentation": [work.training_segmentation],
            "training_classification": [work.training_classification],
            "reading": [lambda: work.reading(rows, tested.size)],
            "cutting": [
                partial(training_input.cutting, rows, folder / "films", everything)
                for everything in (False, True)
            ],
            "waiting": [
                partial(training_input.waiting, rows, folder / "films", precision)
                for precision in ("float32", "mixed_bfloat16")
            ],
        }

        def measure() -> Iterator[report.Result]:
            for kind in options.work:
                for make in makers[kind]:
                    made = make()
                    Reporter().note(made.name)
                    if made.difference > TOLERANCE:
                        faults.append(f"{made.name}: answers differ by {made.difference:.1e}")
                        continue
                    rates.append(matrix_rate(options.rounds))
                    yield report.Result(made, alternate(made.contenders, options.rounds))

        faults: list[str] = []
        rates = [matrix_rate(options.rounds)]
        results = list(measure())
    found = report.record(results, options.rounds, threads, max(rates))
    report.write(found, options.out)
    print(report.table(found))
    faults += report.below_limits(found)
    for fault in faults:
        Reporter().error(fault)
    return int(bool(faults))


def main() -> int:
    """Run the command; return its exit status."""
    options = tyro.cli(BenchOptions, prog="python -m tools.bench", description=NOTICE)
    if unknown := set(options.work) - set(WORK):
        Reporter().error(f"--work {', '.join(unknown)}: choose of {', '.join(WORK)}")
        return 2
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
