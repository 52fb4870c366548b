"""Scoring runs that something befalls: each fault is made while a command runs."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from cxr_tf.runtime.text import one_line
from tools.phantoms.chest import LABELS, phantom

ROOT = Path(__file__).parents[2]
#: Rows that are there when a fault comes.
ROWS = 2
#: Seconds after which a command that does nothing is given up.
PATIENCE = 900


@dataclass(frozen=True)
class Found:
    """What a fault came to.

    Attributes:
        fault: its name.
        status: exit status of the command; the negative number of a signal that ended it.
        message: the last thing it said.
        rows: rows that were left in the unfinished table, or in the finished one.
        again: exit status of the same command once the fault was gone; None where it had ended.
        equal: whether the rows are those of a run that nothing befell.
        left: files in the folder beside those of such a run.
    """

    fault: str
    status: int
    message: str
    rows: int | None
    again: int | None
    equal: bool
    left: list[str] = field(default_factory=list)


def _hear_interrupts() -> None:
    """Take SIGINT as a command at a prompt does: what a shell starts behind it ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Bench:
    """Films, a model, and the table of a run that nothing befell."""

    def __init__(self, place: Path, model: Path, count: int) -> None:
        self.place, self.model = place, model.absolute()
        self.films = place / "films"
        self.films.mkdir()
        for seed in range(count):
            self.draw(seed)
        whole = place / "whole"
        process = self.start(whole)
        status, message = self.wait(process)
        if status:
            raise RuntimeError(f"the run without a fault ended with {status}: {message}")
        self.table = (whole / "scores.csv").read_bytes()

    def draw(self, seed: int) -> Path:
        """Draw one film."""
        from pipelines.films import encode_png16

        film = phantom(LABELS[seed % len(LABELS)], np.random.default_rng(seed), 512)
        path = self.films / f"{seed:02}.png"
        path.write_bytes(encode_png16(film.pixels))
        return path

    def start(self, out: Path, *more: str) -> "subprocess.Popen[str]":
        """Start to score."""
        words = ["--model", str(self.model), "--out", str(out), *more, str(self.films)]
        command = [sys.executable, "-m", "cxr_tf.score", "--quiet", *words]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, preexec_fn=_hear_interrupts,
        )  # fmt: skip

    def wait(self, process: "subprocess.Popen[str]") -> tuple[int, str]:
        """Wait for the end; give the exit status and the last line said."""
        _, said = process.communicate(timeout=PATIENCE)
        lines = [line for line in said.splitlines() if line.startswith("error")]
        return process.returncode, one_line((lines or [""])[-1].replace(str(self.place), ""))

    def until_rows(self, process: "subprocess.Popen[str]", out: Path) -> None:
        """Wait until some rows are there."""
        end = time.monotonic() + PATIENCE
        partial = out / "scores.csv.partial"
        while not (partial.is_file() and partial.read_bytes().count(b"\n") > ROWS):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the command ended too early: {self.wait(process)}")
            time.sleep(0.005)

    def try_fault(
        self,
        name: str,
        act: "Callable[[subprocess.Popen[str], Path], object]",
        undo: Callable[[], object] = lambda: None,
        out: Path | None = None,
        more: Sequence[str] = (),
        but: str = "",
    ) -> Found:
        """Start, act once some rows are there, wait for the end, and start again.

        Args:
            name: of the fault.
            act: makes it.
            undo: ends it.
            out: folder of the run, by default a new one.
            more: further arguments.
            but: name of a film whose row may differ.
        """
        out = out or Path(tempfile.mkdtemp(dir=self.place)) / "out"
        process = self.start(out, *more)
        try:
            self.until_rows(process, out)
            act(process, out)
            status, message = self.wait(process)
        finally:
            process.kill()
        partial, finished = out / "scores.csv.partial", out / "scores.csv"
        left = finished if finished.is_file() else partial
        rows = left.read_bytes().count(b"\n") - 1
        undo()
        again = None if finished.is_file() else self.wait(self.start(out, *more))[0]
        found = finished.read_bytes() if finished.is_file() else b""
        pairs = zip(found.splitlines(), self.table.splitlines(), strict=False)
        equal = found.count(b"\n") == self.table.count(b"\n") and all(
            one == other or (but and f"/{but},".encode() in one) for one, other in pairs
        )
        expected = {"scores.csv", "run.json", "overlays"}
        names = sorted(path.name for path in out.iterdir() if path.name not in expected)
        return Found(name, status, message, rows, again, equal, names)


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[Path | None]:
    """Mount a disk of 4 MB; give None where that is not allowed."""
    folder = place / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def short_of_memory(process: "subprocess.Popen[str]", _: Path) -> None:
    """Leave a process 16 MB above what it has."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + (16 << 20)
    resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, limit))


def _send(number: signal.Signals, process: "subprocess.Popen[str]", _: Path) -> None:
    process.send_signal(number)


def tried(bench: Bench) -> list[Found]:
    """Make every fault.

    Args:
        bench: films and model.
    """
    found = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        found.append(bench.try_fault(number.name, partial(_send, number)))
    refused: list[Found] = []

    def second(process: "subprocess.Popen[str]", out: Path) -> None:
        process.send_signal(signal.SIGSTOP)  # so that it is not done before the other begins
        status, message = bench.wait(bench.start(out))
        process.send_signal(signal.SIGCONT)
        name = "a second process on the folder"
        refused.append(Found(name, status, message, None, None, status == 2))

    first = bench.try_fault("the first process meanwhile", second)
    found += [*refused, first]
    last = bench.films / sorted(os.listdir(bench.films))[-1]
    found.append(
        bench.try_fault(
            "a film is removed", lambda *_: last.unlink(),
            undo=lambda: bench.draw(int(last.stem)), but=last.name,
        )
    )  # fmt: skip
    found.append(bench.try_fault("16 MB of memory left", short_of_memory))
    with small_disk(bench.place) as disk:
        if disk is not None:
            command = ["mount", "-o", "remount,size=64m", str(disk)]
            found.append(
                bench.try_fault(
                    "the disk is full", lambda _, out: fill(out),
                    undo=lambda: subprocess.run(command, check=True), out=disk / "out",
                    more=["--overlays"],
                )
            )  # fmt: skip
    return found


def fill(out: Path) -> None:
    """Take all the room that is left beside a run."""
    with contextlib.suppress(OSError), (out.parent / "filling").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
