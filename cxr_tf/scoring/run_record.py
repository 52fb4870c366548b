"""The machine-readable record of a scoring run."""

import datetime
import hashlib
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxr_tf.method.model_card import ModelCard
from cxr_tf.runtime.provenance import NOTICE, PHANTOM_NOTICE, machine, project_version, versions
from cxr_tf.saved.model_folders import model_digest
from cxr_tf.scoring.loop import Outcome

if TYPE_CHECKING:
    from cxr_tf.scoring.options import ScoreOptions


#: Options that neither rows nor tables depend on: what they name has a hash of its own (inputs,
#: model), or they say where, when and how loudly a run does its work. All others are facts.
_NO_FACTS = frozenset(
    {"inputs", "where", "recursive", "model", "out", "restart", "retry_failed", "quiet", "log_json"}
    | {"server", "deadline", "requests", "ray_address", "workers", "read_deadline"}
)


def run_facts(
    options: "ScoreOptions",
    folder: Path,
    inputs_sha256: str,
) -> dict[str, Any]:
    """Gather all that the rows of a run depend on: runs that differ in it never mix.

    Args:
        options: the arguments.
        folder: the SavedModel's folder.
        inputs_sha256: of the films, in order; see `paths_digest`.

    Returns:
        A dictionary that JSON can hold.
    """
    values = {k: v for k, v in asdict(options).items() if k not in _NO_FACTS}
    values["format"] = list(options.formats)
    return {
        "cxr_tf": project_version(),
        "model_sha256": model_digest(folder),
        "inputs_sha256": inputs_sha256,
        **{k: str(v) if isinstance(v, Path) else v for k, v in values.items()},
    }


class PathsDigest:
    """SHA-256 of a list of paths, taken one by one."""

    def __init__(self) -> None:
        self._hash, self._first = hashlib.sha256(), True

    def add(self, path: str) -> None:
        """Take the next path."""
        self._hash.update(b"" if self._first else b"\0")
        self._hash.update(os.fsencode(path))
        self._first = False

    def hex(self) -> str:
        """Give the hash of those so far, in hexadecimal."""
        return self._hash.hexdigest()


def paths_digest(paths: Iterable[str]) -> str:
    """Hash a list of paths.

    Args:
        paths: in order.

    Returns:
        SHA-256 in hexadecimal.
    """
    digest = PathsDigest()
    for path in paths:
        digest.add(path)
    return digest.hex()


@dataclass(frozen=True)
class Listed:
    """What a run was given.

    Attributes:
        films: number of inputs.
        skipped: files in folders that are no films.
        digest: see `paths_digest`.
    """

    films: int
    skipped: int
    digest: str


def run_record(
    options: "ScoreOptions",
    card: ModelCard,
    folder: Path,
    listed: Listed,
    outcome: Outcome,
    started: datetime.datetime,
    status: int,
) -> dict[str, Any]:
    """Gather what a machine, or a reader in a year, needs to know about a run.

    Args:
        options: the arguments.
        card: of the model that answered.
        folder: the SavedModel's folder.
        listed: the inputs.
        outcome: what the run came to.
        started: when it began, with a time zone.
        status: the exit status.

    Returns:
        What `run.json` holds.
    """
    phantom = card.phantom
    finished = datetime.datetime.now(datetime.UTC)
    return {
        "command": "cxr_tf.score",
        "notice": NOTICE,
        "phantom": phantom,
        "phantom_notice": PHANTOM_NOTICE if phantom else "",
        "complete": outcome.complete,
        "exit_status": status,
        "started": started.isoformat(timespec="seconds"),
        "finished": finished.isoformat(timespec="seconds"),
        "arguments": {
            **{
                name: str(value) if isinstance(value, Path) else value
                for name, value in asdict(options).items()
            },
            "inputs": [str(path) for path in options.inputs],
        },
        "model": {
            "path": str(folder),
            "model_version": card.model_version,
            "classes": list(card.classes),
            "sha256": model_digest(folder),
        },
        "inputs": {
            "films": listed.films,
            "scored": outcome.films,
            "skipped_files": listed.skipped,
            "resumed": outcome.resumed,
            "paths_sha256": listed.digest,
        },
        "counts": {
            "status": dict(sorted(outcome.statuses.items())),
            "label": {name: outcome.labels[name] for name in card.classes},
            "failed": outcome.failed,
        },
        "refused_by_header": outcome.refusals.by_header(),
        "seconds": {
            "total": round((finished - started).total_seconds(), 3),
            **{kind: round(value, 3) for kind, value in sorted(outcome.seconds.items())},
        },
        "failed_films": outcome.failures,
        "facts": run_facts(options, folder, listed.digest),
        "outputs": outcome.outputs,
        "versions": versions(),
        "machine": machine(),
    }
