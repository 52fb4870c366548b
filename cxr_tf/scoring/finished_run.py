"""A complete scoring run in the folder of the results: may its rows stay for another one?"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.manifest.checks import file_sha256

#: Tables that can be read back, the first one that is there.
_FORMATS = (".csv", ".parquet")


@dataclass(frozen=True)
class FinishedRun:
    """A complete run.

    Attributes:
        out: its folder.
        record: what `run.json` holds.
    """

    out: Path
    record: Mapping[str, Any]

    @property
    def failures(self) -> dict[str, str]:
        """Stamps of the films that failed, by path."""
        return dict(self.record["failed_films"])

    @property
    def exit_status(self) -> int:
        """The exit status that it had."""
        return int(self.record["exit_status"])

    def table(self, path: Path) -> Path:
        """Find a finished table in the format that it was written in.

        Args:
            path: of its CSV file.
        """
        there = {self.out / name for name in self.record["outputs"]}
        formats = (path.with_suffix(suffix) for suffix in _FORMATS)
        return next((each for each in formats if each in there), path)

    def same_inputs(self, facts: Mapping[str, Any]) -> bool:
        """Say whether another run has the same films in the same order.

        Args:
            facts: what that run begins with.
        """
        return bool(self.record["facts"]["inputs_sha256"] == facts["inputs_sha256"])

    def whole(self) -> bool:
        """Say whether every file that it wrote down is as it was."""
        return all(self._is_as_it_was(name) for name in self.record["outputs"])

    def _is_as_it_was(self, name: str) -> bool:
        path = self.out / name
        return path.is_file() and file_sha256(path) == self.record["outputs"][name]["sha256"]

    def usable(self, facts: Mapping[str, Any]) -> bool:
        """Say whether its rows hold for another run, and its tables are as it left them.

        Args:
            facts: what that run begins with; its films may be others.
        """
        own = {**self.record.get("facts", {}), "inputs_sha256": facts["inputs_sha256"]}
        if not self.record.get("complete") or own != json.loads(json.dumps(facts)):
            return False
        tables = [name for name in self.record["outputs"] if Path(name).suffix in _FORMATS]
        scores = {f"scores{suffix}" for suffix in _FORMATS}
        return bool(scores & set(tables)) and all(map(self._is_as_it_was, tables))


def finished_run(out: Path, facts: Mapping[str, Any]) -> FinishedRun | None:
    """Find a complete run whose rows hold for another one.

    Args:
        out: folder of the run.
        facts: what the other run begins with.

    Returns:
        The run; None where there is none, it began with other facts, or its tables were changed.
    """
    try:
        record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    found = FinishedRun(out, record if isinstance(record, dict) else {})
    return found if found.usable(facts) else None
