"""Work that is done in order beside the caller, a little behind it."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

#: Films whose files wait to be written while the model answers for the next one, at most.
BEHIND = 2


class Writing:
    """One thread that does what it is given in that order.

    Nothing is done any more behind a piece of work that raised: a row never stands in a table
    whose forerunner is missing. What it raised, `add` or `finish` raises again. Leaving the block,
    also by Ctrl-C, waits until what was added is done.

    Args:
        behind: pieces that wait, at most; `add` waits for the oldest where there are more.
    """

    def __init__(self, behind: int = BEHIND) -> None:
        self._behind, self._broken = behind, False
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="writing")
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the thread to end."""
        self._pool.shutdown()

    def add(self, work: Callable[[], None]) -> None:
        """Have something done, once all before it is.

        Args:
            work: what to do.

        Raises:
            BaseException: what earlier work raised.
        """
        self._waiting.append(self._pool.submit(self._do, work))
        while self._waiting and (len(self._waiting) > self._behind or self._waiting[0].done()):
            self._waiting.popleft().result()

    def finish(self) -> None:
        """Wait until all is done.

        Raises:
            BaseException: what earlier work raised.
        """
        while self._waiting:
            self._waiting.popleft().result()

    def _do(self, work: Callable[[], None]) -> None:
        if self._broken:
            return
        try:
            work()
        except BaseException:
            self._broken = True
            raise
