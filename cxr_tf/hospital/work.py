"""The work: films of the queue are scored one by one, each by the code of `score`."""

import errno
import json
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cxr_tf.films.addresses import read_location
from cxr_tf.films.columns import parse_row
from cxr_tf.films.identifiers import Identify
from cxr_tf.films.inputs import Input
from cxr_tf.films.reading import FAILED as BROKEN
from cxr_tf.films.rows import Record, failure_record, is_failure, score_columns
from cxr_tf.films.table import read_rows
from cxr_tf.hospital.events import Events
from cxr_tf.hospital.films_folder import FilmsFolder
from cxr_tf.hospital.options import NodeOptions
from cxr_tf.hospital.queue import Queue, QueuedFilm
from cxr_tf.runtime.errors import ServerError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.scoring.loop import score_films
from cxr_tf.scoring.server.transport import Unavailable
from pipelines.dicom import frontal
from pipelines.dicom.reading import read_header
from pipelines.status import NOT_CHEST_FILM, OK

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel
    from cxr_tf.films.prediction import Prediction
    from cxr_tf.method.model_card import ModelCard
    from cxr_tf.scoring.server.remote_model import RemoteModel
    from pipelines.films import Film

#: How often a film is tried where that may help.
TRIES = 5
#: Seconds before it is tried again.
WAITS = (2.0, 10.0, 60.0, 300.0)
#: Likewise after the process ended on a film; the first time was hardly the film's fault.
RESTART_WAITS = (0.0, 30.0, 120.0, 600.0)
_AWAY, _DISK = "the server is away", "the disk is full"


class _Watched:
    """A model that remembers what went wrong, and a reader of films that does."""

    def __init__(self, model: "TriageModel | RemoteModel", options: NodeOptions) -> None:
        self._model, self._options = model, options
        self.fault: Exception | None = None
        self.transient = False

    @property
    def card(self) -> "ModelCard":
        """The card of the model."""
        return self._model.card

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in order."""
        return self._model.classes

    def predict(self, *args: Any, **options: Any) -> "Prediction":
        """Ask the model."""
        self.fault = None
        try:
            return self._model.predict(*args, **options)
        except Exception as fault:
            self.fault = fault
            raise

    def read(self, location: Path | str) -> "Film":
        """Read a film."""
        options = self._options
        film = read_location(
            location,
            voi=options.voi,
            deadline=options.read_deadline,
            header_check=options.header_check,
        )
        self.transient = film.transient
        return film


def no_film(path: Path, header_check: bool) -> str:
    """Say why a DICOM object is no film to be scored, by its header; '' for any other file.

    What was sent out comes back where an archive sends on all that it gets: our own results are
    known by their maker.

    Args:
        path: any file.
        header_check: believe what the header says of modality, view and part of the body.
    """
    from cxr_tf.scoring.dicom.result import MANUFACTURER

    header = read_header(path, (*frontal.ATTRIBUTES, "Manufacturer"))
    if header is None:
        return ""
    if header.get("Manufacturer") == MANUFACTURER:
        return "this is a result of this software, no film"
    return frontal.reason_against(header) if header_check else ""


class Worker:
    """Scores the films of a queue.

    Args:
        options: the node's.
        folder: where films and results lie.
        queue: the queue.
        events: told of every film.
        model: answers `predict`.
        identify: what is kept of a film's identifiers; None for nothing.
    """

    def __init__(
        self,
        options: NodeOptions,
        folder: FilmsFolder,
        queue: Queue,
        events: Events,
        model: "TriageModel | RemoteModel",
        identify: Identify | None = None,
    ) -> None:
        self._options, self._folder, self._queue = options, folder, queue
        self._events, self._identify = events, identify
        self._watched = _Watched(model, options)
        self._least_free = options.min_free_megabytes << 20
        # What it would say names films; the row says the same.
        self._silent = Reporter(quiet=True, stream=open(os.devnull, "w"))  # noqa: SIM115

    def step(self) -> float:
        """Score the film that has waited longest.

        Returns:
            Seconds before there is sense in the next step: 0 where a film was scored.
        """
        self._events.alive()
        if self._folder.free() < self._least_free and self._queue.counts()["received"]:
            self._events.waits(_DISK, WAITS[1])
            return WAITS[1]
        film = self._queue.take()
        if film is None:
            return 0.2
        began = time.perf_counter()
        try:
            return self._score(film, began)
        except OSError as fault:
            full = fault.errno in (errno.ENOSPC, errno.EDQUOT)
            return self._later(film, _DISK if full else "reading or writing", counted=not full)
        except Exception as fault:  # one film must never end the node
            self._events.broke("scoring", fault)
            return self._later(film, f"a fault of ours ({type(fault).__name__})", counted=True)

    def _later(
        self, film: QueuedFilm, cause: str, counted: bool, failed: Record | None = None
    ) -> float:
        """Try a film again later, or give it up."""
        if counted and film.tries >= TRIES:
            error = str(failed["error"]) if failed else cause
            self._queue.fail(film, f"given up after {film.tries} tries: {error}", failed)
            self._events.failed(film.number, cause)
            return 0.0
        seconds = WAITS[min(film.tries, len(WAITS)) - 1]
        self._queue.wait_again(film, seconds, cause, counted)
        self._events.waits(cause, seconds, film.number)
        # Where it is not the film's fault, the next one would fare no better.
        return 0.0 if counted else seconds

    def _score(self, film: QueuedFilm, began: float) -> float:
        path, out = self._folder.films / film.file, self._folder.results / film.key
        if not path.is_file():
            self._queue.fail(film, "its file is gone from the folder of films")
            self._events.failed(film.number, "its file is gone")
            return 0.0
        shutil.rmtree(out, ignore_errors=True)  # what a killed node left
        identifiers = self._identifiers(path)
        if reason := no_film(path, self._options.header_check):
            card = self._watched.card
            record = failure_record(
                film.name, NOT_CHEST_FILM, card.classes, self._options.seed or 0,
                card.model_version, reason,
            )  # fmt: skip
            return self._answered(film, record, 0, identifiers, began)
        out.mkdir(mode=0o700)
        options = self._options.scoring(path, out)
        self._watched.fault, self._watched.transient = None, False
        model = cast("TriageModel", self._watched)  # it has what is asked of one
        outcome = score_films(model, [Input(path)], self._watched.read, options, self._silent)
        if not outcome.complete:
            raise KeyboardInterrupt
        columns = score_columns(self._watched.classes)
        [row] = read_rows(out / "scores.csv", columns)
        record = parse_row(columns, row)
        record["path"] = film.name
        if (cause := self._passing(record)) is not None:
            return self._later(film, cause, counted=cause != _AWAY, failed=record)
        if is_failure(str(record["status"])):
            self._queue.fail(film, str(record["error"]), record, identifiers)
            self._events.failed(film.number, str(record["status"]))
            return 0.0
        self._folder.take_cases(film.key)
        self._folder.flush(film.key)
        objects = len(self._folder.objects(film))
        return self._answered(film, record, objects, identifiers, began)

    def _passing(self, record: Record) -> str | None:
        """Name the cause where another try may help; None where it will not, or all is well."""
        fault, status = self._watched.fault, record["status"]
        if isinstance(fault, Unavailable):
            return _AWAY
        if isinstance(fault, ServerError):
            return "the server refused"
        if status == BROKEN:
            return "reading or the model broke"
        if self._watched.transient and status != OK:
            return "disk or memory were short"
        if status == OK and str(record["error"]).startswith("the DICOM objects were not written"):
            return "writing DICOM objects"
        return None

    def _answered(
        self, film: QueuedFilm, record: Record, objects: int, identifiers: str | None, began: float
    ) -> float:
        self._queue.answer(film, record, objects, identifiers)
        self._events.scored(film.number, str(record["status"]), time.perf_counter() - began)
        return 0.0

    def _identifiers(self, path: Path) -> str | None:
        found = self._identify(path) if self._identify is not None else None
        return None if found is None else json.dumps(found)

    def close(self) -> None:
        """Close what is open."""
        self._silent._stream.close()


def taken_back(queue: Queue) -> int:
    """Take back what a process that ended was scoring; see `Queue.recover`.

    Args:
        queue: the queue.
    """
    return queue.recover(TRIES, RESTART_WAITS)
