"""Makes faults around running commands: `python -m tools.promises.faults --page PAGE`.

Phantoms are scored by an exported model in a process of its own, each time with another fault
while it runs; then the same command is given again. `faults.json` says how each start ended, what
was left, and whether the table became, byte by byte, that of a run that nothing befell. The page's
table is made of that file, between `<!-- table faults -->` and its end.
"""

import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import tyro

from cxr_tf.runtime.folder_lock import LOCK
from cxr_tf.runtime.progress import Reporter
from cxr_tf.saved.model_folders import version_folder
from tools.pages.marked_tables import fill_tables
from tools.pages.recorded import keep_record, record_and_page
from tools.paper.rows import OPEN, table
from tools.promises.fault_bench import ROWS, Bench, tried

RECORD = "faults.json"


@dataclass(frozen=True)
class Options:
    """Score phantoms under faults, and record what came of it."""

    model: Path = Path("saved_models/cxr_triage")
    """saved_models/NAME or saved_models/NAME/VERSION"""
    out: Path = Path("results/reliability")
    """folder of faults.json"""
    films: int = 8
    """phantoms to draw"""
    page: Path | None = None
    """results/reliability/faults.md, to fill its table"""
    run: bool = True
    """--no-run: fill the page from the faults.json that is there"""


def faults_table(record: Mapping[str, Any]) -> list[str]:
    """Write the table of results/reliability/faults.md.

    Args:
        record: of `faults.json`; an empty one leaves the table open.
    """
    if not record:
        return [OPEN]
    rows = []
    for one in record["found"]:
        status = str(one["status"])
        if one["status"] < 0:
            status = f"ended by {signal.Signals(-one['status']).name}"
        kept = "–" if one["rows"] is None else f"{one['rows']} of {record['films']}"
        again = "–" if one["again"] is None else str(one["again"])
        equal = "–" if one["rows"] is None else "yes" if one["equal"] else "no"
        rows.append([one["fault"], status, kept, again, equal, ", ".join(one["left"]) or "none"])
    header = (
        "fault", "exit status", "rows kept", "exit status of the same command again",
        "rows as without the fault", "files left over",
    )  # fmt: skip
    return table(header, rows)


def filled(page: str, record: Mapping[str, Any]) -> str:
    """Fill the table of a page.

    Args:
        page: Markdown with the marks of the table.
        record: of `faults.json`.

    Returns:
        The page with the table.

    Raises:
        ValueError: the page has no such marks, or several.
    """
    return fill_tables(page, {"faults": faults_table(record)}, "faults")


def measure(options: Options, model: Path) -> dict[str, Any]:
    """Make every fault and write `faults.json`.

    Args:
        options: the arguments.
        model: version folder.

    Returns:
        The record.
    """
    with tempfile.TemporaryDirectory() as place:
        found = tried(Bench(Path(place), model, options.films))
    facts = {
        "films": options.films,
        "rows_before": ROWS,
        "found": [asdict(one) for one in found],
    }
    return keep_record(options.out / RECORD, "tools.promises.faults", model, facts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the programme's name; None: those of the process.

    Returns:
        Exit status: 0 nothing was lost, 1 something was, 2 wrong usage.
    """
    options = tyro.cli(Options, prog="python -m tools.promises.faults", args=arguments)
    if options.films < ROWS + 3:
        Reporter().error(f"--films must be at least {ROWS + 3}")
        return 2
    try:
        measured = partial(measure, options, version_folder(options.model)) if options.run else None
        record = record_and_page(options.out / RECORD, measured, options.page, filled)
    except (OSError, ValueError) as error:
        Reporter().error(str(error))
        return 2
    print("\n".join(faults_table(record)))
    return int(not all(one["equal"] and LOCK not in one["left"] for one in record["found"]))


if __name__ == "__main__":
    sys.exit(main())
