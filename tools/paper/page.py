"""Fills the tables of docs/paper.md: `python -m tools.paper.page docs/paper.md results`.

`results/paper/figures.md` in its place has the figures for which the paper prints no numbers.

What stands between `<!-- table NAME -->` and `<!-- end of table -->` is made anew from results,
the words around it stay: no figure of a table is written by hand, and new results change the
page by running this again. Rows whose result is not there say `open`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from cxr_tf.runtime.progress import Reporter
from tools.pages.marked_tables import fill_tables
from tools.paper.rows import Results
from tools.paper.sections import FIGURES, TABLES


def filled(page: str, results: Path) -> str:
    """Fill every table of a page.

    Args:
        page: Markdown with marks.
        results: folder of the results.

    Returns:
        The page with tables.

    Raises:
        ValueError: the page lacks a table, names one twice, or names one that there is not.
    """
    reader = Results(results)
    wanted = FIGURES if "<!-- table fig" in page else TABLES
    return fill_tables(page, {name: write(reader) for name, write in wanted.items()})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

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
        Reporter().error(f"{page}: {error}")
        return 2
    page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
