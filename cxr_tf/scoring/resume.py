"""Go on with a scoring run that was killed: rows that are there stay, the rest is scored."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cxr_tf.films.columns import Value, parse_row
from cxr_tf.films.rows import Record, is_failure, score_columns
from cxr_tf.films.table import partial_of, read_rows
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.text import utf8
from cxr_tf.runtime.whole_files import write_json
from pipelines.status import OK

#: What a run began with; it is there while the run is not complete.
STATE = "scoring.json"


@dataclass(frozen=True)
class Done:
    """The films that an earlier start of the run has finished.

    Attributes:
        rows: their records.
    """

    rows: Sequence[Record] = field(default=())

    def __len__(self) -> int:
        return len(self.rows)

    def scores(self) -> list[list[Value]]:
        """Give the values of their rows."""
        return [list(row.values()) for row in self.rows]

    def failed(self) -> int:
        """Count those that are failed inputs: no answer, or an overlay that was not written."""
        return sum(
            is_failure(str(row["status"])) or bool(row["status"] == OK and row["error"])
            for row in self.rows
        )

    def of_table(self, path: Path, columns: Sequence[str]) -> list[list[str]]:
        """Rows of another table that belong to them; what a film left before its score is dropped.

        Args:
            path: where that finished table lies; its first column is the film.
            columns: its header.
        """
        left: Counter[str] = Counter()
        for row in self.rows:
            left[str(row["path"])] += max(int(row["patches_used"]), 1)
        kept = []
        for each in read_rows(partial_of(path), columns) if self.rows else ():
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
    out: Path, facts: dict[str, Any], paths: Sequence[str], classes: Sequence[str], restart: bool
) -> Done:
    """Find out what is done, and write down what the run begins with.

    Args:
        out: folder of the run.
        facts: all that rows depend on: model, seed, patches, inputs; JSON can hold it.
        paths: the films, in order.
        classes: the model's classes.
        restart: forget what is done.

    Returns:
        What is done; nothing where the run is new.

    Raises:
        UsageError: the folder holds an unfinished run that began with other facts.
    """
    columns = score_columns(classes)
    rows: list[list[str]] = []
    if goes_on(out, facts, restart):
        rows = read_rows(partial_of(out / "scores.csv"), columns)
        expected = [utf8(path) for path in paths[: len(rows)]]
        if [row[0] for row in rows] != expected:
            raise UsageError(
                f"{partial_of(out / 'scores.csv')} has been changed: its films are not those of "
                "the run; restore it, or drop what was done by --restart"
            )
    write_json(out / STATE, facts)
    return Done([parse_row(columns, row) for row in rows])


def end(out: Path) -> None:
    """Forget what a complete run began with.

    Args:
        out: folder of the run.
    """
    (out / STATE).unlink(missing_ok=True)
