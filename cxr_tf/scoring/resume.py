"""Go on with a scoring run: rows that are fine stay, what failed or is missing is scored.

A run that was killed goes on from its partial tables, a complete one from its finished ones. While
a run is under way, `scoring.json` holds what it began with: the partial tables are what counts
then. It is written once they are there, so that a kill at any moment leaves one or the other.
"""

import json
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cxr_tf.films.columns import Value, cell, parse_row
from cxr_tf.films.inputs import Input
from cxr_tf.films.rows import Record, score_columns
from cxr_tf.films.table import partial_of, read_rows
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.whole_files import write_json
from cxr_tf.scoring.failures import Failures, stamp_of
from cxr_tf.scoring.finished_run import FinishedRun

#: What a run began with; it is there while the run is not complete.
STATE = "scoring.json"


@dataclass(frozen=True)
class Done:
    """The films that an earlier start of the run has finished.

    Attributes:
        rows: their records.
        positions: their places among the inputs, rising unless the run was killed while it tried
            films again.
        failures: what is known of those that failed, and will be of those to come.
        source: where a table lies that has their rows, by the path of the finished one.
        facts: what the run begins with; None where nothing is to be remembered.
    """

    rows: Sequence[Record] = field(default=())
    positions: Sequence[int] = field(default=())
    failures: Failures = field(default_factory=Failures)
    source: Callable[[Path], Path] = partial_of
    facts: "tuple[Path, dict[str, Any]] | None" = None

    def __len__(self) -> int:
        return len(self.rows)

    def pending(self, films: int) -> list[int]:
        """Give the places of the inputs that are to be scored.

        Args:
            films: number of inputs.
        """
        done = set(self.positions)
        return [position for position in range(films) if position not in done]

    def remember(self) -> None:
        """Write down what the run begins with, once its tables are there."""
        self.failures.begin()
        if self.facts is not None:
            out, facts = self.facts
            write_json(out / STATE, facts)

    def scores(self) -> list[list[Value]]:
        """Give the values of their rows."""
        return [list(row.values()) for row in self.rows]

    def failed(self) -> int:
        """Count those that are failed inputs: no answer, or an overlay that was not written."""
        return sum(map(self.failures.has, self.rows))

    def of_table(self, path: Path, columns: Sequence[str]) -> list[list[str]]:
        """Give the rows of another table that belong to them; those of films without a score go.

        Args:
            path: where that finished table lies; its first column is the film.
            columns: its header.
        """
        left: Counter[str] = Counter()
        for row in self.rows:
            left[cell(row["path"])] += max(int(row["patches_used"]), 1)
        kept = []
        for each in read_rows(self.source(path), columns) if self.rows else ():
            left[each[0]] -= 1
            if left[each[0]] >= 0:
                kept.append(each)
        return kept


def goes_on(out: Path, facts: dict[str, Any], restart: bool) -> bool:
    """Find out whether there is an unfinished run to go on with.

    Args:
        out: folder of the run.
        facts: see `begin`.
        restart: say no.

    Raises:
        UsageError: the folder holds an unfinished run that began with other facts.
    """
    state = out / STATE
    if restart or not state.is_file():
        return False
    try:
        before = json.loads(state.read_text(encoding="utf-8"))
    except ValueError:
        before = {}
    changed = sorted(
        name for name in before.keys() | facts.keys() if before.get(name) != facts.get(name)
    )
    if changed:
        raise UsageError(
            f"--out {out} holds an unfinished run that differs in {', '.join(changed)}: finish "
            "it by its own command, choose another --out, or drop what it did by --restart"
        )
    return True


def begin(
    out: Path,
    facts: dict[str, Any],
    inputs: Sequence[Input],
    classes: Sequence[str],
    *,
    restart: bool = False,
    retry_failed: bool = False,
    finished: FinishedRun | None = None,
    names: Callable[[Sequence[str]], Sequence[str]] | None = None,
) -> Done:
    """Find out what is done.

    Args:
        out: folder of the run.
        facts: all that rows depend on: model, seed, patches, inputs; JSON can hold it.
        inputs: the films, in order.
        classes: the model's classes.
        restart: forget what is done.
        retry_failed: try all films again that failed, not those alone whose files have changed.
        finished: the complete run in the folder, where its rows hold for this one.
        names: names the pictures of films by their paths; a film whose name is another one now is
            scored again. None where there are none.

    Returns:
        What is done; nothing where the run is new.

    Raises:
        UsageError: the folder holds an unfinished run that began with other facts.
    """
    columns = score_columns(classes)
    if goes_on(out, facts, restart):
        rows = read_rows(partial_of(out / "scores.csv"), columns)
        known = Counter(row[0] for row in rows)
        known.subtract(cell(item.name) for item in inputs)
        if any(count > 0 for count in known.values()):
            raise UsageError(
                f"{partial_of(out / 'scores.csv')} has been changed: its films are not those of "
                "the run; restore it, or drop what was done by --restart"
            )
        failures, source = Failures.of_unfinished(out), partial_of
        names = None  # the inputs are the same
    elif finished is not None and not restart:
        rows = read_rows(finished.table(out / "scores.csv"), columns)
        failures, source = Failures(out, finished.failures), finished.table
    else:
        (out / STATE).unlink(missing_ok=True)
        return Done(failures=Failures(out), facts=(out, facts))
    records = [parse_row(columns, row) for row in rows]
    kept, positions = _kept(records, inputs, failures, retry_failed, names)
    left = Failures(out, {x: failures.stamps[x] for x in map(_path, kept) if x in failures.stamps})
    return Done(kept, positions, left, source, (out, facts))


def _path(record: Record) -> str:
    return str(record["path"])


def _kept(
    records: Sequence[Record],
    inputs: Sequence[Input],
    failures: Failures,
    retry_failed: bool,
    names: Callable[[Sequence[str]], Sequence[str]] | None,
) -> tuple[list[Record], list[int]]:
    """Choose the rows that stay, in the order in which they were written, with their places."""
    places: Mapping[str, deque[int]] = defaultdict(deque)
    for position, item in enumerate(inputs):
        places[cell(item.name)].append(position)
    now: Sequence[str] = ()
    before: Sequence[str] = ()
    if names is not None:
        now, before = names([item.name for item in inputs]), names([*map(_path, records)])
    kept, positions = [], []
    for number, record in enumerate(records):
        waiting = places[cell(_path(record))]
        if not waiting:
            continue  # no longer an input
        position = waiting.popleft()
        if names is not None and now[position] != before[number]:
            continue
        if failures.has(record):
            changed = stamp_of(inputs[position]) != failures.stamps.get(_path(record), "")
            if retry_failed or changed:
                continue
        kept.append(record)
        positions.append(position)
    return kept, positions


def end(out: Path) -> None:
    """Forget what a complete run began with.

    Args:
        out: folder of the run.
    """
    (out / STATE).unlink(missing_ok=True)
    Failures(out).drop()
