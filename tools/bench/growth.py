"""Time and memory of long runs: `python -m tools.bench.growth --films 1000 --out growth.md`.

Phantoms go through `python -m cxr_tf.score` in a process of its own, whose rows and memory are
looked at meanwhile. A run that slows down, or that keeps something of every film, shows in the
tenths of its films.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import tyro

from cxr_tf.films.table import partial_of
from cxr_tf.method.model_card import ModelCard
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.markdown import markdown_table
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import machine, versions
from cxr_tf.runtime.whole_files import write_text
from cxr_tf.saved.model_folders import read_card, version_folder
from tools.phantoms.chest import LABELS, phantom
from tools.process_memory import kibibytes

#: Different phantoms; their files are linked under as many names as are wanted.
DRAWN = 100
PARTS = 10
#: Most that the second half may be slower than the first, and grow beyond it.
LIMIT = 1.1
#: Seconds between two looks.
INTERVAL = 0.2


@dataclass(frozen=True, kw_only=True)
class Options:
    """Score many phantoms and print what each tenth took.

    Exit status: 0 flat, 1 slower or larger in the second half, or films or the run failed, 2 wrong
    usage.
    """

    films: int = 1000
    """films to score, at least 20"""
    size: int = 512
    """their side in pixels"""
    model: str = "saved_models/cxr_triage"
    """exported model"""
    vote: str = ""
    """patches or dense; by default what the model has"""
    patches: int = 0
    """patches a film; 0 for what the model has"""
    out: Path | None = None
    """Markdown file to write; by default it is only printed"""


@dataclass(frozen=True)
class Look:
    """What was seen of a run at one moment.

    Attributes:
        seconds: since the first look.
        films: rows that were written.
        mebibytes: resident memory of the process.
    """

    seconds: float
    films: int
    mebibytes: float


@dataclass(frozen=True)
class Part:
    """A part of the films, in order.

    Attributes:
        films: the last of them.
        seconds: a film.
        mebibytes: most memory meanwhile.
    """

    films: int
    seconds: float
    mebibytes: float


def draw_films(folder: Path, count: int, size: int) -> None:
    """Write phantoms as 16-bit PNG files.

    Args:
        folder: where they go.
        count: files.
        size: side in pixels.
    """
    for number in range(count):
        path = folder / f"{number:06d}.png"
        if number < DRAWN:
            film = phantom(LABELS[number % len(LABELS)], np.random.default_rng(number), size)
            cv2.imwrite(str(path), film.pixels)
        else:
            os.link(folder / f"{number % DRAWN:06d}.png", path)


def looks(process: "subprocess.Popen[bytes]", table: Path) -> Iterator[Look]:
    """Look at a run until it ends.

    Args:
        process: of the run.
        table: what it writes; rows count while it is partial.
    """
    begun = time.perf_counter()
    partial, rows, read = partial_of(table), -1, 0  # the first line is the header
    while process.poll() is None:
        if partial.is_file():
            with partial.open("rb") as file:
                file.seek(read)
                new = file.read()
            rows, read = rows + new.count(b"\n"), read + len(new)
        with contextlib.suppress(OSError):  # it has just ended
            memory = kibibytes("VmRSS", process.pid) / 1024
            yield Look(time.perf_counter() - begun, max(rows, 0), memory)
        time.sleep(INTERVAL)


def parts_of(seen: Sequence[Look], films: int) -> list[Part]:
    """Split a run into tenths of its films, from the first row on.

    Args:
        seen: the looks, in order.
        films: films of the run.

    Raises:
        UsageError: too few rows were seen, or too many at once, to tell the parts apart.
    """
    marks = [1 + round((films - 1) * part / PARTS) for part in range(PARTS + 1)]
    # The last rows are often written after the last look.
    last = max(look.films for look in seen) if seen else 0
    marks[-1] = min(marks[-1], last)
    if marks[-1] <= marks[-2]:
        raise UsageError(f"only {last} of {films} rows were seen: give more films")
    found = []
    for first, end in pairwise(marks):
        start = next(look for look in seen if look.films >= first)
        stop = next(look for look in seen if look.films >= end)
        if stop.films == start.films:
            raise UsageError("a tenth of the films took less than a look: give more films")
        inside = [x.mebibytes for x in seen if start.seconds <= x.seconds <= stop.seconds]
        taken = (stop.seconds - start.seconds) / (stop.films - start.films)
        found.append(Part(end, taken, max(inside)))
    return found


def growth(parts: Sequence[Part]) -> tuple[float, float]:
    """Compare both halves of a run.

    Args:
        parts: an even number.

    Returns:
        Median seconds a film, and largest memory, of the second half over those of the first.
    """
    half = len(parts) // 2
    slower = [float(np.median([x.seconds for x in y])) for y in (parts[:half], parts[half:])]
    larger = [max(x.mebibytes for x in y) for y in (parts[:half], parts[half:])]
    return slower[1] / slower[0], larger[1] / larger[0]


def report(parts: Sequence[Part], card: ModelCard, options: Options) -> str:
    """Write the page.

    Args:
        parts: of the run.
        card: of the model.
        options: the arguments.

    Returns:
        Markdown.
    """
    slower, larger = growth(parts)
    found, here = versions(), machine()
    rows = [(part.films, f"{part.seconds:.3f}", f"{part.mebibytes:.0f}") for part in parts]
    way = "".join(f" --{name} {value}" for name, value in _chosen(options))
    lines = [
        "# Time and memory of a long run",
        "",
        f"`python -m tools.bench.growth --films {options.films} --size {options.size}{way}` scores "
        f"phantoms with {card.name} {card.version}. {here['processor']}, {here['cpus']} logical "
        f"CPUs; TensorFlow {found['tensorflow']}.",
        "",
        *markdown_table(("films", "seconds a film", "MiB"), rows),
        "",
        f"The second half takes {slower:.2f} times as long a film as the first, and at most "
        f"{larger:.2f} times its memory (limit {LIMIT:g} for both). Loading is not counted.",
    ]
    return "\n".join(lines) + "\n"


def _chosen(options: Options) -> list[tuple[str, object]]:
    return [(x, getattr(options, x)) for x in ("vote", "patches") if getattr(options, x)]


def run(options: Options, reporter: Reporter) -> int:
    """Do what the command does.

    Args:
        options: the arguments.
        reporter: told how it gets on.

    Returns:
        The exit status.

    Raises:
        UsageError: there are too few films, or scoring refused to begin.
    """
    if options.films < 2 * PARTS:
        raise UsageError(f"--films {options.films}: give at least {2 * PARTS}")
    with tempfile.TemporaryDirectory() as place:
        films, out = Path(place, "films"), Path(place, "scores")
        films.mkdir()
        reporter.note(f"drawing {options.films} phantoms")
        draw_films(films, options.films, options.size)
        command = [sys.executable, "-m", "cxr_tf.score", "--model", options.model]
        command += ["--out", str(out), "--quiet", str(films)]
        for name, value in _chosen(options):
            command += [f"--{name}", str(value)]
        reporter.note("scoring them")
        with subprocess.Popen(command) as process:
            seen = list(looks(process, out / "scores.csv"))
    if process.returncode == 2:
        raise UsageError("score refused the command; its message stands above")
    if process.returncode not in (0, 1):
        last = seen[-1] if seen else Look(0.0, 0, 0.0)
        reporter.error(
            f"score ended with {process.returncode} after {last.films} films, "
            f"at {last.mebibytes:.0f} MiB"
        )
        return 1
    parts = parts_of(seen, options.films)
    text = report(parts, read_card(version_folder(Path(options.model))), options)
    print(text, end="")
    if options.out is not None:
        write_text(options.out, text)
    return int(process.returncode != 0 or max(growth(parts)) > LIMIT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: by default those of the process.

    Returns:
        Exit status: 0 flat, 1 not, 2 wrong usage.
    """
    options = tyro.cli(
        Options, prog="python -m tools.bench.growth", description=__doc__, args=arguments
    )
    with Reporter() as reporter:
        try:
            return run(options, reporter)
        except UsageError as error:
            reporter.error(str(error))
            return 2


if __name__ == "__main__":
    sys.exit(main())
