"""Progress and logs on stderr: a live bar, plain lines, or one JSON object a line."""

import datetime
import json
import sys
import time
from types import TracebackType
from typing import Any, Self, TextIO

from cxr_tf.runtime.text import one_line, utf8
from pipelines.status import NOT_CHEST_FILM


def _clock(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))


class Reporter:
    """Tells the user on stderr how a run gets on.

    On a terminal it draws a bar with the time left; elsewhere it writes a line at most every
    `interval` seconds. Films that failed are named at once. `quiet` leaves only warnings and
    errors; `as_json` writes every event as one JSON object a line, for machines.

    Args:
        quiet: no progress, no notes.
        as_json: JSON lines in place of text.
        stream: where to write, by default stderr.
        interval: seconds between two plain progress lines.
        work: what is done with films, the word ahead of the bar.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        as_json: bool = False,
        stream: TextIO | None = None,
        interval: float = 10.0,
        work: str = "scoring",
    ) -> None:
        self._quiet = quiet
        self._as_json = as_json
        self._stream = stream or sys.stderr
        self._interval = interval
        self._work = work
        self._bar: Any = None
        self._total = self._done = 0
        self._began = self._spoke = time.monotonic()

    def __enter__(self) -> Self:
        """Return the reporter; leaving the block takes the bar down."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar down."""
        self.stop()

    def note(self, text: str, **fields: object) -> None:
        """Say something that can be ignored.

        Args:
            text: the sentence.
            **fields: values for the JSON line.
        """
        if not self._quiet:
            self._say("info", text, fields)

    def warn(self, text: str, **fields: object) -> None:
        """Say something that the user ought to know, even when quiet.

        Args:
            text: the sentence.
            **fields: values for the JSON line.
        """
        self._say("warning", text, fields)

    def error(self, text: str, **fields: object) -> None:
        """Say what went wrong, even when quiet.

        Args:
            text: file, cause and remedy.
            **fields: values for the JSON line.
        """
        self._say("error", text, fields)

    def errors(self, fault: Exception) -> None:
        """Say what went wrong where a fault may name several things, each on a line of its own.

        Args:
            fault: what was raised.
        """
        for line in str(fault).splitlines():
            self.error(line)

    def start(self, total: int) -> None:
        """Begin to count films.

        Args:
            total: how many there are.
        """
        self._total, self._done = total, 0
        self._began = self._spoke = time.monotonic()
        if self._quiet or self._as_json or not self._stream.isatty():
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bar = Progress(
            TextColumn(self._work),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(file=self._stream),
        )
        self._bar.add_task(self._work, total=total)
        self._bar.start()

    def film(
        self, path: str, status: str, label: str, seconds: float, error: str, failed: bool
    ) -> None:
        """Count one film; one that failed or was refused as no chest film is named.

        Args:
            path: the film.
            status: what became of it.
            label: its class, or ''.
            seconds: time spent on it after it was read.
            error: a one-line reason, or ''.
            failed: whether it counts as a failed input.
        """
        self._done += 1
        if failed:
            self._say(
                "error",
                f"{path}: {status}: {error}",
                {"event": "film", "path": path, "status": status, "error": error},
            )
        elif status == NOT_CHEST_FILM:
            self._say(
                "warning",
                f"{path}: {status}: {error}",
                {"event": "film", "path": path, "status": status, "error": error},
            )
        elif self._as_json and not self._quiet:
            fields = {"event": "film", "path": path, "status": status, "label": label}
            self._say("info", f"{path}: {label or status}", {**fields, "seconds": seconds})
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0])
        elif not (self._quiet or self._as_json):
            self._plain_progress()

    def stop(self) -> None:
        """Take the bar down, if there is one."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _plain_progress(self) -> None:
        now = time.monotonic()
        if now - self._spoke < self._interval and self._done < self._total:
            return
        self._spoke = now
        each = (now - self._began) / self._done
        left = _clock(each * (self._total - self._done))
        self._say("info", f"{self._done}/{self._total} films, {each:.2f} s each, {left} left", {})

    def _say(self, level: str, text: str, fields: dict[str, object]) -> None:
        text = utf8(one_line(text, 1000))
        if self._as_json:
            at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
            event = {"time": at, "level": level, "message": text, **fields}
            print(utf8(json.dumps(event, ensure_ascii=False)), file=self._stream, flush=True)
            return
        line = text if level == "info" else f"{level}: {text}"
        if self._bar is None:
            print(line, file=self._stream, flush=True)
        else:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
