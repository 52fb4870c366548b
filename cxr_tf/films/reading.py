"""The stages of a film on its way to its row: it is read, then the model answers, in order."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxr_tf.films.inputs import Input
from cxr_tf.runtime.errors import ServerError
from cxr_tf.runtime.stopping import raise_if_stopped
from pipelines.status import OK, UNREADABLE

if TYPE_CHECKING:
    from cxr_tf.films.prediction import Prediction
    from pipelines.films import Film

#: Films decoded ahead of the model: one of 64 megapixels takes 128 MB.
READ_AHEAD = 2
#: Seconds before a film is read again where disk, network or memory failed, not the file.
RETRY_AFTER = (0.2, 1.0)


@dataclass(frozen=True)
class Reading:
    """A film as it came from the reading thread.

    Attributes:
        pixels: uint16 [H, W], None when the status is not ok.
        padding: grey level to leave out, -1 for none.
        status: ok, or why there are no pixels.
        error: a one-line reason, or ''.
        seconds: time spent reading.
        warning: what to know of a film that was read, or ''.
    """

    pixels: Any
    padding: int
    status: str
    error: str
    seconds: float
    warning: str = ""


@dataclass(frozen=True)
class Answer:
    """What the model said of a film.

    Attributes:
        prediction: None where the film could not be read, or the model broke.
        error: why the model broke, or ''.
        seconds: time that the model took.
    """

    prediction: "Prediction | None" = None
    error: str = ""
    seconds: float = 0.0


def _read(item: Input, read: "Callable[[Path | str], Film]") -> Reading:
    if item.fault:
        return Reading(None, -1, UNREADABLE, item.fault, 0.0)
    began = time.perf_counter()
    try:
        film = read(item.path)
        for seconds in RETRY_AFTER:
            if not film.transient:
                break
            time.sleep(seconds)
            film = read(item.path)
    except Exception as error:  # one film must never end the run
        reason = f"reading broke: {type(error).__name__}: {error}"
        return Reading(None, -1, FAILED, reason, time.perf_counter() - began)
    seconds = time.perf_counter() - began
    return Reading(film.pixels, film.padding, film.status, film.error, seconds, film.warning)


def read_ahead(
    inputs: Iterable[Input], read: "Callable[[Path | str], Film]", depth: int = READ_AHEAD
) -> Generator[tuple[Input, Reading], None, None]:
    """Read films in one thread while the caller works on those before them.

    Args:
        inputs: what to read, in order.
        read: reads one film.
        depth: films read but not yet handed out, at most.

    Yields:
        Each input with its film, in the order given.
    """
    waiting: deque[tuple[Input, Future[Reading]]] = deque()
    pool = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
    try:
        for item in inputs:
            waiting.append((item, pool.submit(_read, item, read)))
            if len(waiting) > depth:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def model_fault(fault: Exception) -> str:
    """Say why the model did not answer for a film.

    Args:
        fault: what it raised.

    Returns:
        A server's own words, or that the model broke and how.
    """
    if isinstance(fault, ServerError):
        return str(fault)
    return f"the model broke: {type(fault).__name__}: {fault}"


def answers(
    readings: Iterable[tuple[Input, Reading]],
    predict: "Callable[[Reading], Prediction]",
    requests: int = 1,
) -> Generator[tuple[Input, Reading, Answer], None, None]:
    """Let the model answer for films, several at a time where it is elsewhere.

    Args:
        readings: films in order.
        predict: asks the model; where `requests` is above 1 it is called in other threads.
        requests: questions under way at most; with 1 they are asked in the caller's thread.

    Yields:
        Each film with its answer, in the order given.
    """

    def ask(reading: Reading) -> Answer:
        if reading.status != OK:
            return Answer()
        began = time.perf_counter()
        try:
            return Answer(predict(reading), "", time.perf_counter() - began)
        except Exception as fault:  # one film must never end the run
            raise_if_stopped()
            return Answer(None, model_fault(fault), time.perf_counter() - began)

    if requests == 1:
        for item, reading in readings:
            yield item, reading, ask(reading)
        return
    waiting: deque[tuple[Input, Reading, Future[Answer]]] = deque()
    pool = ThreadPoolExecutor(requests, thread_name_prefix="request")
    try:
        for item, reading in readings:
            waiting.append((item, reading, pool.submit(ask, reading)))
            if len(waiting) >= requests:
                first, read, future = waiting.popleft()
                yield first, read, future.result()
        while waiting:
            first, read, future = waiting.popleft()
            yield first, read, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


#: Reading or the model broke by a fault of its own: a status of scoring, never of the model.
FAILED = "failed"
