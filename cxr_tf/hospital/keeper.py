"""What is kept up to date beside the work: the report, the worklist, and what is old."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from cxr_tf.films.identifiers import COLUMNS as IDENTIFIERS
from cxr_tf.films.table import csv_line
from cxr_tf.hospital.events import Events
from cxr_tf.hospital.films_folder import FilmsFolder
from cxr_tf.hospital.queue import Queue, QueuedFilm
from cxr_tf.runtime.whole_files import write_text
from cxr_tf.scoring.report.pages import CASES, About, worklist, write_pages

#: The films in the order of triage, for other programs.
WORKLIST = "worklist.csv"
COLUMNS = ("rank", "film", "received", "state", "group", "suspicion", "status", "label")
#: Seconds between two reports at least, and their share of the time at most.
INTERVAL, SHARE = 2.0, 0.1
_PRUNE_INTERVAL, _DAY = 60.0, 86400.0


class Keeper:
    """Keeps report and worklist, and prunes what is old.

    Args:
        folder: of the node.
        queue: the queue.
        events: told of what is pruned.
        about: what the report tells of the model.
        identifies: whether the worklist has columns for identifiers.
        prune_days: after which finished films are removed, 0 for never.
        sends: whether results go to a destination.
    """

    def __init__(
        self,
        folder: FilmsFolder,
        queue: Queue,
        events: Events,
        about: About,
        identifies: bool,
        prune_days: float,
        sends: bool,
    ) -> None:
        self._folder, self._queue, self._events, self._about = folder, queue, events, about
        self._identifies, self._prune_days, self._sends = identifies, prune_days, sends
        self._written = -1
        self._pruned = 0.0

    def step(self) -> float:
        """Do what is due; return the seconds before the next step."""
        began = time.monotonic()
        if began - self._pruned > _PRUNE_INTERVAL or not self._pruned:
            self._pruned = began
            self._folder.tidy(time.time())
            self._prune()
        changes = self._queue.changes()
        if changes != self._written:
            self.write()
            self._written = changes
        return max(INTERVAL, (time.monotonic() - began) / SHARE)

    def _prune(self) -> None:
        """Remove what has been done with for long."""
        if not self._prune_days:
            return
        films = self._queue.finished_before(time.time() - self._prune_days * _DAY, self._sends)
        for film in films:
            self._queue.prune(film)  # first: what a kill leaves is removed at the next start
            self._folder.remove(film)
        if films:
            self._events.said("pruned", f"{len(films)} films pruned", films=len(films))

    def write(self) -> None:
        """Write report and worklist of all films that have a row.

        Raises:
            OSError: they cannot be written.
        """
        films = [(film, row) for film in self._queue.with_records() if (row := film.row())]
        cases = self._folder.report / CASES
        written = frozenset(path.stem for path in cases.glob("*.js"))
        names = [film.key for film, _ in films]
        ordered = worklist([row for _, row in films], names, written, self._about)
        by_key = {film.key: film for film, _ in films}
        rows = [
            self._row(rank, by_key[found["name"]], found) for rank, found in enumerate(ordered, 1)
        ]
        header = (*COLUMNS, *(IDENTIFIERS[1:] if self._identifies else ()))
        text = "".join(map(csv_line, [header, *rows]))
        write_text(self._folder.root / WORKLIST, text)
        write_pages(self._folder.report, ordered, self._about)

    def _row(self, rank: int, film: QueuedFilm, found: Mapping[str, Any]) -> Sequence[object]:
        named = json.loads(film.identifiers) if film.identifiers else [""] * len(IDENTIFIERS[1:])
        return (
            rank, film.name, film.received, film.state, found["group"], found["suspicion"],
            found["status"], found["label"], *(named if self._identifies else ()),
        )  # fmt: skip
