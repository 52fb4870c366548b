"""The queue of the node: one table of SQLite, a row for each film, which any tool can read."""

import datetime
import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

#: The file, in the node's folder.
FILE = "queue.sqlite"
RECEIVED, SCORING, ANSWERED, SENT, FAILED = STATES = (
    "received", "scoring", "answered", "sent", "failed",
)  # fmt: skip

_TABLE = """
CREATE TABLE IF NOT EXISTS films (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- order of arrival
    key TEXT NOT NULL UNIQUE,     -- hash of the SOP instance UID, else of the content
    file TEXT NOT NULL,           -- name in the folder of films
    name TEXT NOT NULL,           -- what the film is called in the report
    state TEXT NOT NULL CHECK (state IN ('received', 'scoring', 'answered', 'sent', 'failed')),
    received TEXT NOT NULL,       -- times are UTC, ISO 8601; the last time a state was entered
    scoring TEXT, answered TEXT, sent TEXT, failed TEXT, pruned TEXT,
    tries INTEGER NOT NULL DEFAULT 0, -- to score it, once it is answered to send its objects
    due REAL NOT NULL DEFAULT 0,  -- seconds since 1970 before which it is not tried
    objects INTEGER NOT NULL DEFAULT 0, -- DICOM objects to be sent
    status TEXT NOT NULL DEFAULT '', label TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    record TEXT,                  -- JSON: its row of scores.csv
    identifiers TEXT              -- JSON, where they are asked for
)
"""
_INDEX = "CREATE INDEX IF NOT EXISTS films_state ON films (state, due, number)"


def timestamp(seconds: float | None = None) -> str:
    """Write a time as the queue does.

    Args:
        seconds: since 1970, by default now.
    """
    at = datetime.datetime.fromtimestamp(time.time() if seconds is None else seconds, datetime.UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def seconds_of(text: str) -> float:
    """Read a time of the queue, as seconds since 1970.

    Args:
        text: see `timestamp`.
    """
    return datetime.datetime.fromisoformat(text).timestamp()


@dataclass(frozen=True)
class QueuedFilm:
    """A film of the queue; see the table for what the columns mean."""

    number: int
    key: str
    file: str
    name: str
    state: str
    received: str
    answered: str | None
    tries: int
    objects: int
    status: str
    label: str
    error: str
    record: str | None
    identifiers: str | None

    def row(self) -> dict[str, Any] | None:
        """Give its record of `scores.csv`; None where it has none."""
        found: dict[str, Any] | None = json.loads(self.record) if self.record else None
        return found


_COLUMNS = ", ".join(field.name for field in fields(QueuedFilm))


class Queue:
    """The films of a node and their states; for several threads.

    Every change is on the disk when its method returns (write-ahead log, synchronous=FULL).

    Args:
        folder: of the node, which exists.
        create: False asks for a queue that is there.

    Raises:
        FileNotFoundError: there is none.
    """

    def __init__(self, folder: Path, create: bool = True) -> None:
        path = folder / FILE
        if not (create or path.is_file()):
            raise FileNotFoundError(f"{folder} holds no queue of a node")
        self._lock = threading.RLock()
        self._base = sqlite3.connect(
            path, timeout=30, isolation_level=None, check_same_thread=False
        )
        self._base.row_factory = sqlite3.Row
        self._base.execute("PRAGMA synchronous=FULL")
        if create:
            path.chmod(0o600)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute(_TABLE)
            self._base.execute(_INDEX)

    def __enter__(self) -> Self:
        """Return the queue; leaving the block closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        with self._lock:
            self._base.close()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone."""
        with self._lock:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield self._base
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")

    def _films(self, condition: str, *values: object) -> list[QueuedFilm]:
        with self._lock:
            rows = self._base.execute(f"SELECT {_COLUMNS} FROM films {condition}", values)
            return [QueuedFilm(**row) for row in rows.fetchall()]

    def _set(self, number: int, **values: object) -> None:
        with self._change() as base:
            names = ", ".join(f"{name} = ?" for name in values)
            base.execute(f"UPDATE films SET {names} WHERE number = ?", (*values.values(), number))

    def add(self, key: str, file: str, name: str, again: bool = False) -> int:
        """Enter a film whose file is on the disk.

        Args:
            key: tells films apart.
            file: its name in the folder of films.
            name: what the report calls it.
            again: take a film once more that failed, or whose file was pruned.

        Returns:
            Its number; 0 where it is in the queue already.
        """
        with self._change() as base:
            found = base.execute(
                "SELECT number, state, pruned FROM films WHERE key = ?", (key,)
            ).fetchone()
            if found is None:
                return int(
                    base.execute(
                        "INSERT INTO films (key, file, name, state, received) VALUES (?,?,?,?,?)",
                        (key, file, name, RECEIVED, timestamp()),
                    ).lastrowid
                    or 0
                )
            if not (again and (found["state"] == FAILED or found["pruned"])):
                return 0
            base.execute(
                "UPDATE films SET file = ?, name = ?, state = ?, received = ?, scoring = NULL, "
                "answered = NULL, sent = NULL, failed = NULL, pruned = NULL, tries = 0, due = 0, "
                "objects = 0, status = '', label = '', error = '', record = NULL, "
                "identifiers = NULL WHERE number = ?",
                (file, name, RECEIVED, timestamp(), found["number"]),
            )
            return int(found["number"])

    def waits_for(self, key: str) -> bool:
        """Say whether a film need not be taken again: it is in the queue, whole and not failed.

        Args:
            key: of the film.
        """
        with self._lock:
            found = self._base.execute(
                "SELECT 1 FROM films WHERE key = ? AND pruned IS NULL AND state != ?", (key, FAILED)
            )
            return found.fetchone() is not None

    def pruned(self, key: str) -> bool | None:
        """Say whether the file of a film was pruned; None for a film that is not in the queue.

        Args:
            key: of the film.
        """
        with self._lock:
            found = self._base.execute("SELECT pruned FROM films WHERE key = ?", (key,)).fetchone()
        return None if found is None else found["pruned"] is not None

    def recover(self, most_tries: int, waits: Sequence[float]) -> int:
        """Take back what a process that ended was scoring.

        A film on which the process ended several times waits behind the others, and then fails.

        Args:
            most_tries: how often a film is tried.
            waits: seconds before each further try.

        Returns:
            How many films there were.
        """
        films = self._films("WHERE state = ?", SCORING)
        for film in films:
            if film.tries >= most_tries:
                error = f"the node ended {film.tries} times while it scored this film"
                self._set(film.number, state=FAILED, failed=timestamp(), error=error)
            else:
                self._set(
                    film.number, state=RECEIVED,
                    due=time.time() + waits[min(film.tries, len(waits)) - 1],
                )  # fmt: skip
        return len(films)

    def take(self) -> QueuedFilm | None:
        """Give the film that has waited longest, and say that it is being scored."""
        found = self._films(
            "WHERE state = ? AND due <= ? ORDER BY number LIMIT 1", RECEIVED, time.time()
        )
        if not found:
            return None
        film = found[0]
        self._set(film.number, state=SCORING, scoring=timestamp(), tries=film.tries + 1)
        return self.film(film.number)

    def film(self, number: int) -> QueuedFilm:
        """Look at one film.

        Args:
            number: of the film.
        """
        [found] = self._films("WHERE number = ?", number)
        return found

    def wait_again(self, film: QueuedFilm, seconds: float, error: str, counted: bool) -> None:
        """Put a film back because of a passing cause: it is scored or sent later.

        Args:
            film: as it was taken.
            seconds: before it is tried again.
            error: why.
            counted: whether this was one of the tries that a film has.
        """
        state = RECEIVED if film.state == SCORING else film.state
        tries = film.tries - (film.state == SCORING) + counted
        self._set(film.number, state=state, due=time.time() + seconds, error=error, tries=tries)

    def answer(
        self, film: QueuedFilm, record: Mapping[str, Any], objects: int, identifiers: str | None
    ) -> None:
        """Say that a film has its answer, and that all that was written of it is on the disk.

        Args:
            film: the film.
            record: its row of `scores.csv`.
            objects: how many DICOM objects are to be sent.
            identifiers: as JSON, None where they are not asked for.
        """
        self._set(
            film.number, state=ANSWERED, answered=timestamp(), tries=0, due=0, objects=objects,
            status=record["status"], label=record["label"], error=record["error"],
            record=json.dumps(record), identifiers=identifiers,
        )  # fmt: skip

    def fail(
        self,
        film: QueuedFilm,
        error: str,
        record: Mapping[str, Any] | None = None,
        identifiers: str | None = None,
    ) -> None:
        """Say that a film will not be tried again.

        Args:
            film: the film.
            error: why.
            record: its row of `scores.csv`, where it got one.
            identifiers: see `answer`.
        """
        values: dict[str, object] = {"state": FAILED, "failed": timestamp(), "error": error}
        if record is not None:
            values |= {"status": record["status"], "record": json.dumps(record)}
            values["identifiers"] = identifiers
        self._set(film.number, **values)

    def to_send(self, most: int) -> list[QueuedFilm]:
        """Give the films whose objects are to be sent now, in the order of their answers.

        Args:
            most: how many at most.
        """
        return self._films(
            "WHERE state = ? AND objects > 0 AND due <= ? ORDER BY answered LIMIT ?",
            ANSWERED, time.time(), most,
        )  # fmt: skip

    def sent(self, film: QueuedFilm) -> None:
        """Say that the destination has all objects of a film.

        Args:
            film: the film.
        """
        self._set(film.number, state=SENT, sent=timestamp(), error="")

    def with_records(self) -> list[QueuedFilm]:
        """Give all films that have a row, in order of arrival."""
        return self._films("WHERE record IS NOT NULL AND pruned IS NULL ORDER BY number")

    def finished_before(self, seconds: float, sends: bool) -> list[QueuedFilm]:
        """Give the films with which nothing is left to do.

        Args:
            seconds: since 1970; what finished later is left out.
            sends: whether objects of answered films are still to be sent.
        """
        waiting = "objects = 0 AND" if sends else ""
        return self._films(
            f"WHERE pruned IS NULL AND ((state = 'sent' AND sent < ?1) OR "
            f"(state = 'failed' AND failed < ?1) OR "
            f"({waiting} state = 'answered' AND answered < ?1)) ORDER BY number",
            timestamp(seconds),
        )

    def prune(self, film: QueuedFilm) -> None:
        """Forget all that is known of a film, except that it was there.

        Args:
            film: the film.
        """
        self._set(film.number, pruned=timestamp(), record=None, identifiers=None, label="", name="")

    def changes(self) -> int:
        """Give a number that grows with every change."""
        with self._lock:
            return self._base.total_changes

    def counts(self) -> dict[str, int]:
        """Count films by state; those that were pruned count too."""
        with self._lock:
            rows = self._base.execute("SELECT state, COUNT(*) FROM films GROUP BY state").fetchall()
        return dict.fromkeys(STATES, 0) | {state: int(count) for state, count in rows}

    def oldest_waiting(self) -> str | None:
        """Give the time at which the oldest film came that has no answer yet; None without one."""
        with self._lock:
            found = self._base.execute(
                "SELECT MIN(received) FROM films WHERE state IN ('received', 'scoring')"
            ).fetchone()
        return None if found[0] is None else str(found[0])

    def answered_since(self, seconds: float) -> int:
        """Count films that were answered since a time.

        Args:
            seconds: since 1970.
        """
        with self._lock:
            found = self._base.execute(
                "SELECT COUNT(*) FROM films WHERE answered >= ?", (timestamp(seconds),)
            ).fetchone()
        return int(found[0])
