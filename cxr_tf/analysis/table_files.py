"""A table as Markdown, CSV and LaTeX."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cxr_tf.films.table import Table
from cxr_tf.runtime.markdown import markdown_table
from cxr_tf.runtime.whole_files import write_text

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "±": r"$\pm$", "–": "--",
}  # fmt: skip


@dataclass(frozen=True)
class PaperTable:
    """A table of text.

    Attributes:
        name: stem of its files.
        title: heading.
        header: the columns' titles.
        rows: as many cells each.
        note: sentences under the table, '' for none.
    """

    name: str
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        """Lay the table out as Markdown, with title and note."""
        table = markdown_table(self.header, self.rows, escape="|*", aligned=True)
        parts = [f"### {self.title}", "\n".join(table), self.note]
        return "\n\n".join(filter(None, parts)) + "\n"

    def latex(self) -> str:
        """Lay the table out as a LaTeX table; needs no package."""
        lines = [
            r"\begin{table}",
            rf"\caption{{{latex_text(self.title)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(self.header) - 1)}}}",
            r"\hline",
            " & ".join(map(latex_text, self.header)) + r" \\",
            r"\hline",
            *(" & ".join(map(latex_text, row)) + r" \\" for row in self.rows),
            r"\hline",
            r"\end{tabular}",
            *([latex_text(self.note)] if self.note else []),
            r"\end{table}",
        ]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> None:
        """Write the table in all three forms, each file whole or not at all.

        Args:
            folder: where; it exists.

        Raises:
            OSError: a file cannot be written.
        """
        output = Table(folder / f"{self.name}.csv", self.header)
        try:
            output.add(*self.rows)
            output.commit()
        finally:
            output.close()
        for suffix, text in ((".md", self.markdown()), (".tex", self.latex())):
            write_text(folder / f"{self.name}{suffix}", text)


def latex_text(text: str) -> str:
    """Make text safe in LaTeX.

    Args:
        text: any.

    Returns:
        The same with what LaTeX takes for commands escaped.
    """
    return "".join(_LATEX.get(character, character) for character in text)
