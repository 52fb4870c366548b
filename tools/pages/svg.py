"""Parts of drawings: texts, boxes, lanes, badges, and the sheet that holds them."""

import html
import textwrap
from collections.abc import Sequence

#: Side margin of text in a box, and height of a line of small text.
MARGIN, LINE = 10, 13
#: Width of a letter of small text, and of small text of a fixed width.
LETTER, FIXED_LETTER = 5.9, 6.4

# The sheet is white in light and in dark surroundings, so that one set of colours reads in both.
STYLE = """
    .sheet { fill: #ffffff; } .lane { fill: #f5f7f8; stroke: #cfd8dc; }
    .box { fill: #ffffff; stroke: #546e7a; stroke-width: 1.2; }
    .name { font-weight: 600; fill: #102027; } .note { font-size: 11px; fill: #455a64; }
    .file { font-size: 10.5px; fill: #78909c; font-family: monospace; }
    .head { font-size: 13px; font-weight: 600; fill: #37474f; }
    .film { fill: #1565c0; } .training { fill: #e65100; }
    .count { fill: #ffffff; font-size: 11px; font-weight: 600; text-anchor: middle; }
    .down { stroke: #37474f; stroke-width: 1.6; fill: none; marker-end: url(#head); }
"""
_MARKER = (
    '<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0 0 10 5 0 10z" fill="#37474f"/></marker>'
)


def text(x: float, y: float, kind: str, words: str) -> str:
    """Write one line of text.

    Args:
        x: where it begins.
        y: its base line.
        kind: a class of the style.
        words: what it says.
    """
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{html.escape(words)}</text>'


def rectangle(x: float, y: float, width: float, height: float, kind: str, radius: int) -> str:
    """Draw a rectangle.

    Args:
        x: its left side.
        y: its upper side.
        width: in pixels.
        height: in pixels.
        kind: a class of the style.
        radius: of its corners.
    """
    return (
        f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
        f'rx="{radius}"/>'
    )


def badge(x: float, y: float, kind: str, mark: str) -> list[str]:
    """Draw a disc with a number or a letter.

    Args:
        x: its centre.
        y: its centre.
        kind: a class of the style.
        mark: what stands in it.
    """
    return [
        f'<circle class="{kind}" cx="{x:g}" cy="{y:g}" r="9"/>',
        text(x, y + 4, "count", mark),
    ]


def arrow(path: str) -> str:
    """Draw an arrow.

    Args:
        path: the line, in the language of SVG's paths.
    """
    return f'<path class="down" d="{path}"/>'


def wrapped(words: str, width: float, letter: float = LETTER) -> list[str]:
    """Break small text into the lines that fit into a box.

    Args:
        words: the text.
        width: of the box.
        letter: width of a letter.
    """
    return textwrap.wrap(words, int((width - 16) / letter))


def sheet(width: float, height: float, title: str, body: Sequence[str], style: str = "") -> str:
    """Put a drawing together.

    Args:
        width: in pixels.
        height: in pixels.
        title: what it shows, for those who cannot see it.
        body: its parts.
        style: further classes.

    Returns:
        The drawing as SVG.
    """
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        'font-family="sans-serif" font-size="13" role="img" aria-labelledby="title">',
        f'<title id="title">{title}</title>',
        f"<defs>{_MARKER}<style>{STYLE}{style}</style></defs>",
        f'<rect class="sheet" width="{width:g}" height="{height:g}"/>',
        *body,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"
