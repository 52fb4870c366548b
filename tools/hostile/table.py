"""Fills the table of docs/reliability/hostile_input.md from what `tools.hostile.fuzz` found.

The tables by format and by bomb go to `hostile.md` beside the figures.

python -m tools.hostile.table docs/reliability/hostile_input.md results/reliability/hostile.json
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cxr_tf.runtime.markdown import markdown_table
from cxr_tf.runtime.progress import Reporter
from tools.pages.marked_tables import fill_tables

Record = Mapping[str, Any]
_PARTS = {
    "mutants": "damaged files, read and normalised",
    "cuts": "films cut off",
    "bombs": "bombs and lying headers",
    "whole": "damaged files, through a whole model",
}


def _summary(record: Record) -> list[str]:
    rows = []
    for part, words in _PARTS.items():
        if part not in record:
            rows.append((words, "open", "", "", "", ""))
            continue
        found = record[part]
        read = sum(found["statuses"].get(name, 0) for name in ("ok", "constant", "no_lung"))
        slowest, largest = found["slowest_seconds"][0], found["largest_mib"][0]
        rows.append(
            (words, f"{found['files']:,}", str(len(found["faults"])), f"{slowest:g}",
             f"{largest:,}", f"{read:,}")
        )  # fmt: skip
    header = ("part", "files", "faults", "slowest, s", "most memory, MiB", "read")
    return markdown_table(header, rows)


def _bombs(record: Record) -> list[str]:
    found = record.get("bombs", {}).get("by_format", {})
    rows = [(name, ", ".join(counts)) for name, counts in found.items()]
    return markdown_table(("file", "what became of it"), rows)


def _formats(record: Record) -> list[str]:
    found = record.get("mutants", {}).get("by_format", {})
    names = sorted({status for counts in found.values() for status in counts})
    rows = [(name, *(counts.get(each, 0) for each in names)) for name, counts in found.items()]
    return markdown_table(("format", *names), rows)


BLOCKS: Mapping[str, Callable[[Record], list[str]]] = {"hostile_summary": _summary}


def details(record: Record) -> str:
    """Write the page of every format and every bomb.

    Args:
        record: What `tools.hostile.fuzz` wrote.
    """
    lines = [
        "# Hostile input, by format and by bomb", "",
        "Made by `python -m tools.hostile.table`.", "",
        "## Damaged files by format", "", *_formats(record), "",
        "## Bombs and lying headers", "",
        "`contained`: the decoding process was ended by its deadline or memory limit.", "",
        *_bombs(record), "",
    ]  # fmt: skip
    return "\n".join(lines)


def filled(page: str, record: Record) -> str:
    """Fill the tables of a page; all else stays.

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
    """Run the command line.

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
        record = json.loads(figures.read_text())
        text = filled(page.read_text(encoding="utf-8"), record)
    except ValueError as error:
        Reporter().error(f"{page}: {error}")
        return 2
    page.write_text(text, encoding="utf-8")
    figures.with_suffix(".md").write_text(details(record), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
