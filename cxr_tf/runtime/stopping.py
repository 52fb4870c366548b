"""Signals that ask a command to end: what is done is kept, and the exit status names the signal."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, ClassVar, Self

#: Exit statuses of shells: 128 and the number of the signal.
INTERRUPTED, TERMINATED = 130, 143


class Stopped(KeyboardInterrupt):
    """SIGTERM came; it ends a command as Ctrl-C does."""


def stop_status(stop: BaseException) -> int:
    """Give the exit status of a command that was asked to end.

    Args:
        stop: what the signal raised.

    Returns:
        143 after SIGTERM, 130 after Ctrl-C.
    """
    return TERMINATED if isinstance(stop, Stopped) else INTERRUPTED


class Stops:
    """SIGINT and SIGTERM while a block runs: they raise, or wait until what is in work is done.

    SIGTERM raises `Stopped` once: schedulers may send it to a process and to its group. Between
    `deferred` and its end a signal is only noted in `came`, until a second Ctrl-C. A signal that
    the process was started to ignore stays ignored; in another thread than the main one, where
    Python takes no signals, nothing is changed.

    Args:
        listen: False leaves the signals as they are.

    Attributes:
        came: the first signal that came, 0 for none.
    """

    _active: "ClassVar[Stops | None]" = None

    def __init__(self, listen: bool = True) -> None:
        self.came = 0
        self._listen, self._waits = listen, False
        self._before: dict[int, Any] = {}
        self._outer: Stops | None = None

    def __enter__(self) -> Self:
        """Take the signals."""
        self._outer, Stops._active = Stops._active, self
        if self._listen and threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) != signal.SIG_IGN:  # such as by nohup
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        Stops._active = self._outer
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _handle(self, number: int, _: FrameType | None) -> None:
        again, self.came = bool(self.came), self.came or number
        if (again and number == signal.SIGTERM) or (self._waits and not again):
            return
        self._raise()

    def _raise(self) -> None:
        raise Stopped if self.came == signal.SIGTERM else KeyboardInterrupt

    @property
    def status(self) -> int:
        """The exit status that names the signal; 0 where none came."""
        return 128 + self.came if self.came else 0

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Only note a signal while the block runs; where nothing is listened to, do nothing."""
        before, self._waits = self._waits, True
        try:
            yield
        finally:
            self._waits = before

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Let a signal raise within `deferred` while the block runs, also one that came before.

        Raises:
            KeyboardInterrupt: a signal came; `Stopped` where it was SIGTERM.
        """
        before, self._waits = self._waits, False
        try:
            if self.came:
                self._raise()
            yield
        finally:
            self._waits = before


def raise_if_stopped() -> None:
    """Raise again where a signal came whose exception was lost.

    One that arrives while TensorFlow makes an exception of its own leaves it as a RuntimeError.
    Whoever goes on after any exception asks here first.

    Raises:
        KeyboardInterrupt: a signal came, and none waits; `Stopped` where it was SIGTERM.
    """
    stops = Stops._active
    if stops is not None and stops.came and not stops._waits:
        stops._raise()
