"""A node in a process of its own, that can be killed and started again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from cxr_tf.hospital.queue import Queue

ROOT = Path(__file__).parents[2]
#: Seconds that things may take on a machine that does much else.
PATIENCE = 120.0
Found = TypeVar("Found")


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until(
    condition: Callable[[], Found],
    what: str,
    seconds: float = PATIENCE,
    tell: Callable[[], object] = str,
) -> Found:
    """Wait until something holds, and gives it.

    Args:
        condition: asked again and again.
        what: it is, for the message.
        seconds: at most.
        tell: what else to say where it does not.

    Raises:
        TimeoutError: it did not.
    """
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what} not within {seconds} s\n{tell()}")
        time.sleep(0.05)
    return found


class Node:
    """A node: `python -m cxr_tf.node run`.

    Args:
        folder: of the node; its logs lie beside it.
        model: folder of the model.
        **options: others of the command, by their names in Python; several values as a tuple.
    """

    def __init__(self, folder: Path, model: Path, **options: Any) -> None:
        self.folder, self.model = folder, model
        self.options: dict[str, Any] = {"port": free_port(), "min_free_megabytes": 1} | options
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder
        self.starts = 0

    @property
    def port(self) -> int:
        """For DICOM."""
        return int(self.options["port"])

    def start(self, ready: str = "ready") -> Self:
        """Start it.

        Args:
            ready: the event of its log to wait for; '' for none.
        """
        words = [sys.executable, "-m", "cxr_tf.node", "run", "--model", str(self.model)]
        words += ["--folder", str(self.folder)]
        for name, value in self.options.items():
            for each in value if isinstance(value, tuple) else (value,):
                option = f"--{name.replace('_', '-')}"
                words += [option] if each is True else [option, str(each)]
        self.new_log()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(words, cwd=ROOT, env=environment, stderr=log)
        if ready:
            self.until_said(ready)
        return self

    def new_log(self) -> None:
        """Name the file of the log to come."""
        self.starts += 1
        self.log = self.folder.with_name(f"{self.folder.name}.{self.starts}.log")

    @property
    def running(self) -> subprocess.Popen[bytes]:
        """Its process."""
        assert self.process is not None, "it was started"
        return self.process

    def is_alive(self) -> bool:
        """Say whether it runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """Kill it, as a machine does that loses its power."""
        self.running.kill()
        self.running.wait()

    def __enter__(self) -> Self:
        """Start it, unless that was done."""
        return self if self.is_alive() else self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        if self.is_alive():
            self.kill()

    def said(self) -> list[dict[str, Any]]:
        """Give the whole lines of its log."""
        text = self.log.read_text()
        whole = text[: text.rfind("\n") + 1]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def until_said(self, event: str) -> None:
        """Wait for an event.

        Args:
            event: of its log.
        """

        def heard() -> bool:
            if not self.is_alive():
                raise RuntimeError(f"the node ended: {self.log.read_text()}")
            return any(line.get("event") == event for line in self.said())

        until(heard, f"event {event}", tell=self.log.read_text)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; give the exit status."""
        self.running.send_signal(number)
        return self.running.wait(PATIENCE)

    def counts(self) -> dict[str, int]:
        """Count films by state."""
        with Queue(self.folder, create=False) as queue:
            return queue.counts()

    def until_state(self, state: str, count: int, seconds: float = PATIENCE) -> None:
        """Wait for films.

        Args:
            state: theirs.
            count: how many.
            seconds: at most.
        """
        until(
            lambda: self.counts()[state] == count, f"{count} films {state}", seconds,
            lambda: f"{self.counts()}\n{self.log.read_text()[-3000:]}",
        )  # fmt: skip
