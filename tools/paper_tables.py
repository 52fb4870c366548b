"""Fills the tables of docs/paper.md: `python -m tools.paper_tables docs/paper.md results`.

What stands between `<!-- table NAME -->` and `<!-- end of table -->` is made anew from results,
the words around it stay: no figure of a table is written by hand, and new results change the
page by running this again. Rows whose result is not there say `open`.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.paper_rows import Results
from tools.paper_sections import SECTIONS

END = "<!-- end of table -->"
_BLOCK = re.compile(rf"<!-- table (\S+) -->\n.*?{END}", re.DOTALL)


def filled(page: str, results: Path) -> str:
    """Fills every table of a page.

    Args:
        page: Markdown with marks.
        results: folder of the results.

    Returns:
        The page with tables.

    Raises:
        ValueError: the page lacks a table, names one twice, or names one that there is not.
    """
    names = re.findall(r"<!-- table (\S+) -->", page)
    if sorted(names) != sorted(SECTIONS) or len(_BLOCK.findall(page)) != len(names):
        odd = sorted(set(names) ^ set(SECTIONS)) or "a table twice, or one without its end"
        raise ValueError(f"the marks of the page are not one for each table: {odd}")
    reader = Results(results)

    def fill(match: re.Match[str]) -> str:
        lines = SECTIONS[match[1]](reader)
        return "\n".join([f"<!-- table {match[1]} -->", "", *lines, "", END])

    return _BLOCK.sub(fill, page)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: the page and the folder of results; None: those of the process.

    Returns:
        Exit status: 0 written, 2 wrong usage.
    """
    given = list(map(Path, sys.argv[1:] if arguments is None else arguments))
    if len(given) != 2 or not given[0].is_file() or not given[1].is_dir():
        print(__doc__, file=sys.stderr)
        return 2
    page, results = given
    try:
        text = filled(page.read_text(encoding="utf-8"), results)
    except ValueError as error:
        print(f"{page}: {error}", file=sys.stderr)
        return 2
    page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
