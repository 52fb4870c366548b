"""What the node says of itself: lines of JSON and counts, none of which tells whose a film is."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from cxr_tf.runtime.progress import Reporter

#: Seconds of scoring by which films are counted.
BUCKETS = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 60.0)


@dataclass
class Events:
    """Logs what happens and counts it.

    Films are named by their number in the queue. Texts of faults stay in the queue: some quote
    what a film's header says.

    Args:
        reporter: writes the log.

    Attributes:
        received: films taken.
        repeats: films sent again that are one piece of work with one that is there.
        refusals: by cause, what was not taken.
        seconds: of scoring, one number a film.
        retries: by cause, what is tried again later.
        beat: seconds since 1970 when the worker last said that it lives; 0 before it works.
    """

    reporter: Reporter
    received_films: int = 0
    repeats: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)
    seconds: Counter[float] = field(default_factory=Counter)
    total_seconds: float = 0.0
    beat: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def _note(self, text: str, event: str, **fields: object) -> None:
        self.reporter.note(text, event=event, **fields)

    def alive(self) -> None:
        """Take note that the worker lives."""
        self.beat = time.time()

    def said(self, event: str, text: str, **fields: object) -> None:
        """Log something about the node as a whole.

        Args:
            event: its kind.
            text: the sentence.
            **fields: numbers and words.
        """
        with self._lock:
            self._note(text, event, **fields)

    def received(self, number: int, size: int) -> None:
        """Take note of a film that is on the disk.

        Args:
            number: of the film.
            size: in bytes.
        """
        with self._lock:
            self.received_films += 1
            self._note(f"film {number} received", "received", film=number, bytes=size)

    def repeated(self) -> None:
        """Take note of a film that is there already."""
        with self._lock:
            self.repeats += 1
            self._note("a film was sent again", "repeated")

    def refused(self, cause: str) -> None:
        """Take note of what was not taken.

        Args:
            cause: in a word.
        """
        with self._lock:
            self.refusals[cause] += 1
            self.reporter.warn(f"refused: {cause}", event="refused", cause=cause)

    def scored(self, number: int, status: str, seconds: float) -> None:
        """Take note of an answer.

        Args:
            number: of the film.
            status: what became of it.
            seconds: since it was taken.
        """
        with self._lock:
            self.total_seconds += seconds
            self.seconds[next((x for x in BUCKETS if seconds <= x), float("inf"))] += 1
            self._note(
                f"film {number} answered: {status}", "answered", film=number, status=status,
                seconds=round(seconds, 3),
            )  # fmt: skip

    def sent(self, number: int) -> None:
        """Take note of results that the destination has.

        Args:
            number: of the film.
        """
        with self._lock:
            self._note(f"results of film {number} sent", "sent", film=number)

    def failed(self, number: int, cause: str) -> None:
        """Take note of a film that will not be tried again.

        Args:
            number: of the film.
            cause: in a word.
        """
        with self._lock:
            self.reporter.error(
                f"film {number} failed: {cause}", event="failed", film=number, cause=cause
            )

    def waits(self, cause: str, seconds: float, number: int = 0) -> None:
        """Take note of what is tried again later.

        Args:
            cause: in a word.
            seconds: until then.
            number: of the film; 0 where it is no single one.
        """
        with self._lock:
            self.retries[cause] += 1
            about = {"film": number} if number else {}
            self.reporter.warn(
                f"{f'film {number}: ' if number else ''}{cause}; again in {seconds:g} s",
                event="retry", cause=cause, seconds=seconds, **about,
            )  # fmt: skip

    def broke(self, where: str, fault: BaseException) -> None:
        """Take note of a fault of ours, without its words.

        Args:
            where: it happened.
            fault: what was raised.
        """
        with self._lock:
            kind = type(fault).__name__
            self.reporter.error(f"{where} broke: {kind}", event="fault", where=where, kind=kind)
