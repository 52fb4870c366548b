"""Tries damaged and hostile files on the reader, the normalisation and the model.

    python -m tools.hostile.fuzz OUT.json --part mutants --files 50000
    python -m tools.hostile.fuzz OUT.json --part cuts
    python -m tools.hostile.fuzz OUT.json --part bombs
    python -m tools.hostile.fuzz OUT.json --part whole --files 300 --model saved_models/cxr_triage

A process of its own does the work; one that crashes, outlives the deadline or takes more memory
than it may is a fault, which the file's number reproduces (`--first N --files 1`). Each part
replaces its own entry of OUT.json. Exit status: 0 no fault, 1 faults, 2 wrong usage.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter, defaultdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from cxr_tf.runtime.progress import Reporter
from tools.hostile.cases import PARTS, case, examine, most
from tools.process_memory import kibibytes

#: Seconds in which the process must have started and loaded a model.
_START = 900.0
#: MiB that a file may take at its peak, beside what the process has anyway.
MEMORY = 3072


def _work(pipe: Connection, part: str, seed: int, first: int, end: int, model: str) -> None:
    """Examine one file after another; send (status or fault, seconds, MiB) of each."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    loaded = None
    if model:
        import cxr_tf

        loaded = cxr_tf.load(model)
    examine(case("cuts", 0, 0))  # what the first file costs is not that file's
    pipe.send(None)
    for number in range(first, end):
        found = case(part, number, seed)
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
        before, began = kibibytes("VmRSS") >> 10, time.monotonic()
        pipe.send(None)  # making a bomb takes longer than reading it
        try:
            status = examine(found, loaded)
        except Exception as error:
            status = f"fault: {type(error).__name__}: {str(error)[:300]}"
        pipe.send(
            (status, found.seed, time.monotonic() - began, (kibibytes("VmHWM") >> 10) - before)
        )


def fuzz(
    part: str, seed: int, first: int, end: int, model: str, deadline: float, minutes: float
) -> tuple[dict[str, Any], list[str]]:
    """Try files in a process that is watched, and replaced where it breaks.

    Args:
        part: One of `PARTS`.
        seed: Of the mutants.
        first: Number of the first file.
        end: Number behind the last.
        model: Folder of a model, or ''.
        deadline: Seconds that a file may take.
        minutes: Stop after so many, wherever it is.

    Returns:
        Figures for JSON, and faults, one line each.
    """
    stop = time.monotonic() + 60 * minutes
    context = multiprocessing.get_context("spawn")
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    faults: list[str] = []
    slowest, largest, began = (0.0, ""), (0, ""), time.monotonic()
    number = first
    while number < end and time.monotonic() < stop:
        here, there = context.Pipe()
        arguments = (there, part, seed, number, end, model)
        process = context.Process(target=_work, args=arguments, daemon=False)
        process.start()
        there.close()
        try:
            if not here.poll(_START):
                raise EOFError
            here.recv()
        except EOFError:
            process.kill()
            raise RuntimeError("the process that tries the files does not start") from None
        while number < end and time.monotonic() < stop:
            name = f"{part} {number}"
            try:
                here.recv()
                if not here.poll(deadline):
                    faults.append(f"{name}: no end within {deadline:g} s")
                    break
                status, origin, seconds, memory = here.recv()
            except EOFError:
                process.join()
                faults.append(f"{name}: the process ended with {process.exitcode}")
                break
            number += 1
            if status.startswith("fault"):
                faults.append(f"{name}: {status}")
                status = "fault"
            if memory > MEMORY:
                faults.append(f"{name}: took {memory} MiB")
            counts[origin][status] += 1
            slowest = max(slowest, (round(seconds, 2), f"{origin}, {name}"))
            largest = max(largest, (memory, f"{origin}, {name}"))
        else:
            if number < end:
                process.kill()
            process.join()
            break
        process.kill()
        process.join()
        number += 1  # behind the file that broke it
    figures = {
        "files": number - first,
        "seed": seed,
        "first": first,
        "faults": faults,
        "statuses": dict(sorted(sum(counts.values(), Counter()).items())),
        "by_format": {origin: dict(sorted(found.items())) for origin, found in counts.items()},
        "slowest_seconds": slowest,
        "largest_mib": largest,
        "deadline_seconds": deadline,
        "memory_mib": MEMORY,
        "seconds": round(time.monotonic() - began, 1),
    }
    return figures, faults


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Without the programme's name; None: those of the process.

    Returns:
        Exit status: 0 no fault, 1 faults, 2 wrong usage.
    """
    parser = argparse.ArgumentParser(
        "python -m tools.hostile.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, help="JSON file of the figures")
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--files", type=int, help="files to try (all, or 2000)")
    parser.add_argument("--first", type=int, default=0, help="number of the first (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the mutants (%(default)s)")
    parser.add_argument("--model", default="", help="model of the part whole")
    parser.add_argument("--deadline", type=float, default=120.0, help="s a file (%(default)g)")
    parser.add_argument("--minutes", type=float, default=600.0, help="stop after (%(default)g)")
    options = parser.parse_args(arguments)
    if (options.part == "whole") != bool(options.model):
        parser.error("--model goes with --part whole")
    files = options.files or most(options.part) or 2000
    end = min(options.first + files, most(options.part) or sys.maxsize)
    figures, faults = fuzz(
        options.part,
        options.seed,
        options.first,
        end,
        options.model,
        options.deadline,
        options.minutes,
    )
    record = json.loads(options.out.read_text()) if options.out.is_file() else {}
    record[options.part] = figures
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(dict(sorted(record.items())), indent=1) + "\n")
    print(f"{figures['files']} files in {figures['seconds']} s: {figures['statuses']}")
    for fault in faults:
        Reporter().error(fault)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
