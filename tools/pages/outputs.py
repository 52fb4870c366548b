"""Fills the tables of columns and outputs: `python -m tools.pages.outputs`.

docs/reference/scores.md has a row for each column of `scores.csv`, saved_models/README.md one for
each output of the signatures; both are made of `cxr_tf.method.outputs`.
"""

import sys
from pathlib import Path

import tyro

from cxr_tf.films.rows import column_meanings
from cxr_tf.method import outputs
from cxr_tf.method.outputs import Output
from cxr_tf.runtime.markdown import markdown_table
from tools.pages.marked_tables import fill_tables

ROOT = Path(__file__).parents[2]


def _columns() -> list[str]:
    rows = [(f"`{name}`", meaning) for name, meaning in column_meanings().items()]
    return markdown_table(("column", "meaning"), rows, escape="")


def _signatures(output: Output) -> str:
    if "decide" in output.givers:
        return "all" if "segment" in output.givers else "all but `segment`"
    return ", ".join(f"`{giver}`" for giver in output.givers)


def _outputs() -> list[str]:
    rows, columns = [], column_meanings()
    for output in outputs.OUTPUTS:
        shape = ", ".join(map(str, ("B", *output.shape)))
        kind = f"{output.dtype} [{shape}]"
        meaning = "" if output.name in columns else output.meaning
        rows.append((f"`{output.name}`", kind, meaning, _signatures(output)))
    return markdown_table(("output", "type", "meaning", "signatures"), rows, escape="")


def pages() -> dict[Path, str]:
    """Make the pages with their tables.

    Returns:
        Content by path.

    Raises:
        ValueError: a page lacks its table.
    """
    tables = {
        ROOT / "docs" / "reference" / "scores.md": {"columns": _columns()},
        ROOT / "saved_models" / "README.md": {"outputs": _outputs()},
    }
    return {
        path: fill_tables(path.read_text(encoding="utf-8"), found) for path, found in tables.items()
    }


def main() -> int:
    """Write the pages.

    Returns:
        The exit status.
    """
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main, prog="python -m tools.pages.outputs", description=__doc__))
