"""Fills the tables of hostile input in docs/reliability.md from what `tools.hostile.fuzz` found.

python -m tools.hostile.table docs/reliability.md results/reliability/hostile.json
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.pages.marked_tables import fill_tables

Record = Mapping[str, Any]
_PARTS = {
    "mutants": "damaged files, read and normalised",
    "cuts": "films cut off",
    "bombs": "bombs and lying headers",
    "whole": "damaged files, through the shipped model",
}


def _summary(record: Record) -> list[str]:
    lines = [
        "| part | files | faults | slowest, s | most memory, MiB | read |",
        "|---|---|---|---|---|---|",
    ]
    for part, words in _PARTS.items():
        if part not in record:
            lines.append(f"| {words} | open | | | | |")
            continue
        found = record[part]
        read = sum(found["statuses"].get(name, 0) for name in ("ok", "constant", "no_lung"))
        lines.append(
            f"| {words} | {found['files']:,} | {len(found['faults'])} "
            f"| {found['slowest_seconds'][0]:g} | {found['largest_mib'][0]:,} | {read:,} |"
        )
    return lines


def _bombs(record: Record) -> list[str]:
    found = record.get("bombs", {}).get("by_format", {})
    lines = ["| file | what became of it |", "|---|---|"]
    return lines + [f"| {name} | {', '.join(counts)} |" for name, counts in found.items()]


def _formats(record: Record) -> list[str]:
    found = record.get("mutants", {}).get("by_format", {})
    names = sorted({status for counts in found.values() for status in counts})
    lines = [f"| format | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for name, counts in found.items():
        lines.append(f"| {name} | {' | '.join(str(counts.get(status, 0)) for status in names)} |")
    return lines


BLOCKS: Mapping[str, Callable[[Record], list[str]]] = {
    "hostile_summary": _summary,
    "hostile_bombs": _bombs,
    "hostile_formats": _formats,
}


def filled(page: str, record: Record) -> str:
    """Fills the tables of a page; all else stays.

    Args:
        page: Markdown with marks, such as `<!-- table hostile_summary -->`.
        record: What `tools.hostile.fuzz` wrote.

    Returns:
        The page.

    Raises:
        ValueError: The page lacks a table, or has one twice.
    """
    tables = {name: write(record) for name, write in BLOCKS.items()}
    return fill_tables(page, tables, "hostile_")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: The page and the figures; None: those of the process.

    Returns:
        Exit status: 0 written, 2 wrong usage.
    """
    given = list(map(Path, sys.argv[1:] if arguments is None else arguments))
    if len(given) != 2 or not all(path.is_file() for path in given):
        print(__doc__, file=sys.stderr)
        return 2
    page, figures = given
    try:
        text = filled(page.read_text(encoding="utf-8"), json.loads(figures.read_text()))
    except ValueError as error:
        print(f"{page}: {error}", file=sys.stderr)
        return 2
    page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
