"""How a result about one film is shown: plain text, HTML for notebooks, and through rich.

Names of films are whatever a disk or a server holds: no markup in them is ever obeyed.
"""

import base64
import html
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cxr_tf.runtime.text import utf8

if TYPE_CHECKING:
    from rich.console import Group

_NOTICE = "margin:0;font-weight:bold"
_TEXT = "text-align:left;padding:1px 12px 1px 0"
_NUMBER = "text-align:right;padding:1px 12px 1px 0"
_BAR = "display:inline-block;height:0.7em;background:#0072B2;width:"


@dataclass(frozen=True)
class Facts:
    """What is shown of a result.

    Attributes:
        notices: what must be said first.
        path: which film, or ''.
        answer: the decided class, or the status.
        error: why there is no answer, or ''.
        classes: votes and mean probability by class; empty without a decision.
        rest: further values by name.
        picture: content of a PNG file, or b''.
    """

    notices: tuple[str, ...]
    path: str
    answer: str
    error: str
    classes: dict[str, tuple[int, float]]
    rest: dict[str, int | float | str]
    picture: bytes = b""

    def with_picture(
        self,
        pixels: npt.NDArray[np.uint16],
        padding: int,
        mask: npt.NDArray[np.uint8],
        saliency: npt.NDArray[np.float32] | None,
    ) -> "Facts":
        """Add the film with mask outlines, and its saliency beside it.

        Args:
            pixels: uint16 [H, W].
            padding: grey level to leave out, -1 for none.
            mask: uint8 label map of the whole frame.
            saliency: map of the decided class, None without one.

        Returns:
            The facts with a picture.
        """
        from cxr_tf.drawing.overlays import encode_png, render_overlay

        named = {"title": printable(self.path), "caption": printable(self.answer)}
        picture = render_overlay(
            pixels, mask, saliency, padding=padding, warning="  ".join(self.notices[1:]), **named
        )
        return replace(self, picture=encode_png(picture))


def printable(text: str) -> str:
    """Make text fit for a line of a terminal or page: control characters are spelt out.

    Args:
        text: such as a file's name.

    Returns:
        The text; what cannot be printed stands as a backslash escape.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in utf8(text)
    )


def _head(facts: Facts) -> str:
    parts = (facts.path, facts.answer, facts.error)
    return ": ".join(printable(part) for part in parts if part)


def _value(value: float | str) -> str:
    return printable(f"{value:.6g}" if isinstance(value, float) else str(value))


def _rows(facts: Facts) -> Iterator[tuple[str, str, str]]:
    for name, (votes, probability) in facts.classes.items():
        yield printable(name), str(votes), f"{probability:.3f}"


def _rest(facts: Facts) -> Iterator[tuple[str, str]]:
    for name, value in facts.rest.items():
        yield printable(name), _value(value)


def as_text(facts: Facts) -> str:
    """Write a result as plain text.

    Args:
        facts: what is shown.

    Returns:
        Lines without a control character.
    """
    lines = [*facts.notices, _head(facts)]
    table = list(_rows(facts))
    if table:
        width = max(len(row[0]) for row in table)
        lines.append(f"  {'':<{width}}  votes  mean p")
        lines += [f"  {name:<{width}}  {votes:>5}  {p:>6}" for name, votes, p in table]
    lines += [f"  {name} {value}" for name, value in _rest(facts)]
    return "\n".join(lines)


def as_rich(facts: Facts) -> "Group":
    """Write a result for a console of rich.

    Args:
        facts: what is shown.

    Returns:
        What rich prints; markup in names is not obeyed.
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[Text | Table] = [Text(notice, style="bold yellow") for notice in facts.notices]
    parts.append(Text(_head(facts), style="bold"))
    if facts.classes:
        table = Table("class", box=None, pad_edge=False)
        for title in ("votes", "mean p"):
            table.add_column(title, justify="right")
        for row in _rows(facts):
            table.add_row(*(Text(cell) for cell in row))
        parts.append(table)
    if facts.rest:
        parts.append(Text("   ".join(f"{name} {value}" for name, value in _rest(facts))))
    return Group(*parts)


def _tr(tag: str, cells: Iterable[tuple[str, str]]) -> str:
    return "<tr>" + "".join(f'<{tag} style="{s}">{text}</{tag}>' for text, s in cells) + "</tr>"


def as_html(facts: Facts) -> str:
    """Write a result as HTML that a notebook shows, in light and dark themes.

    Args:
        facts: what is shown.

    Returns:
        One element without script; every name is escaped.
    """
    escape = html.escape
    parts = [f'<p style="{_NOTICE}">{escape(notice)}</p>' for notice in facts.notices]
    parts.append(f'<p style="margin:0.3em 0">{escape(_head(facts))}</p>')
    if facts.classes:
        votes_in_all = max(1, sum(votes for votes, _ in facts.classes.values()))
        head = (("class", _TEXT), ("votes", _NUMBER), ("mean p", _NUMBER), ("", _TEXT))
        rows = [_tr("th", head)]
        for name, votes, probability in _rows(facts):
            bar = f'<span style="{_BAR}{6 * int(votes) / votes_in_all:.2f}em"></span>'
            texts = ((escape(name), _TEXT), (votes, _NUMBER), (probability, _NUMBER), (bar, _TEXT))
            rows.append(_tr("td", texts))
        parts.append("<table>" + "".join(rows) + "</table>")
    if facts.rest:
        rest = "; ".join(f"{escape(name)} {escape(value)}" for name, value in _rest(facts))
        parts.append(f'<p style="margin:0.3em 0"><small>{rest}</small></p>')
    if facts.picture:
        data = base64.b64encode(facts.picture).decode("ascii")
        alternative = escape(f"outlines of heart and lungs, and saliency: {_head(facts)}")
        parts.append(
            f'<img style="max-width:100%" alt="{alternative}" src="data:image/png;base64,{data}">'
        )
    return "<div>" + "".join(parts) + "</div>"
