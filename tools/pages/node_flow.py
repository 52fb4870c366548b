"""Draws Fig. 9 with the node: `python -m tools.pages.node_flow` writes docs/pictures/node_flow.svg.

States, groups of the worklist and numbers of tries are those of the code, so the picture changes
when they do, and a test holds it to them.
"""

import sys
from pathlib import Path

import tyro

from cxr_tf.hospital import sender, work
from cxr_tf.hospital.queue import ANSWERED, FAILED, RECEIVED, SCORING, SENT
from cxr_tf.runtime.provenance import NOTICE
from cxr_tf.scoring.report.worklist import GROUPS, REST, SUSPECT, UNCERTAIN, UNDECIDED, UNSURE
from pipelines.status import NOT_CHEST_FILM
from tools.pages.svg import LINE, MARGIN, arrow, badge, rectangle, sheet, text, wrapped

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "node_flow.svg"

#: Boxes of the node from left to right: name, module, what happens, and the states it leads to.
NODE = (
    ("way in", "receiver, watcher",
     "A storage SCP writes the film to the disk and flushes it before it says success. "
     "A watched folder may give films too.", (RECEIVED,)),
    ("queue", "queue",
     "SQLite has a row for each film. Every change is on the disk before the next step.", ()),
    ("worker", "work, scoring",
     "One film at a time, the oldest first: decoded, checked, segmented, voted, mapped. "
     "Results are flushed before the film counts as answered.", (SCORING, ANSWERED)),
    ("sender", "sender",
     "C-STORE or STOW-RS, in the study of the film: segmentation, saliency, report.", (SENT,)),
)  # fmt: skip
#: What goes wrong in each of them, and what is done.
FAULTS = (
    ("The disk is nearly full, or the node is down: the film is not taken. The archive "
     "keeps it, and route.lua sends it again.",
     "The same film comes twice: it is one film."),
    ("The process is killed: the same command goes on. No film is lost.",
     f"The process ends {work.TRIES} times on one film: {FAILED}."),
    ("The disk is full, or the model's server is away: the film waits, without end.",
     f"Reading or the model breaks: {work.TRIES} tries, then {FAILED}.",
     f"It is no frontal chest film: answered as {NOT_CHEST_FILM}, and nothing is sent."),
    ("The archive is away: the results wait, without end.",
     f"The archive refuses an object: {sender.TRIES} tries, then {FAILED}."),
)  # fmt: skip
#: Groups of the worklist: what they hold, and what the paper's Fig. 9 does with such a film.
WORKLIST = {
    SUSPECT: "Viral pneumonia, with COVID-19. Paper: RT-PCR or CT decides.",
    UNSURE: f"Another class, by less than {100 * UNCERTAIN:.0f}\u00a0% of the patches.",
    REST: "Normal, bacterial, tuberculosis. Paper: neither RT-PCR nor CT.",
    UNDECIDED: "Refused or failed. Nobody has looked at these films.",
}

_WIDTH, _LEFT, _RIGHT = 1080, 222, 1056
_BOX, _GAP = 174, 46
_STYLE = """    .fault { fill: #b71c1c; } .state { fill: #e3f2fd; stroke: #1565c0; }
    .failing { fill: #fff8f8; stroke: #b71c1c; stroke-dasharray: 4 3; }
    .pill { font-size: 11px; fill: #0d47a1; text-anchor: middle; }
"""


def _lane(top: float, height: float, title: str, words: str) -> list[str]:
    """Draw a lane, with what it is at its left."""
    found = [rectangle(10, top, _WIDTH - 20, height, "lane", 6), text(22, top + 24, "head", title)]
    for row, line in enumerate(wrapped(words, _LEFT - 36)):
        found.append(text(22, top + 42 + row * LINE, "note", line))
    return found


def _box(
    x: float, y: float, width: float, height: float, name: str, file: str, words: str
) -> list[str]:
    """Draw a box with a name, a module and what happens there."""
    found = [rectangle(x, y, width, height, "box", 5), text(x + MARGIN, y + 20, "name", name)]
    if file:
        found.append(text(x + MARGIN, y + 35, "file", file))
    start = y + (51 if file else 37)
    lines = wrapped(words, width)
    return found + [
        text(x + MARGIN, start + row * LINE, "note", line) for row, line in enumerate(lines)
    ]


def _pill(x: float, y: float, width: float, words: str) -> list[str]:
    """Draw a state."""
    return [rectangle(x, y, width, 20, "state", 10), text(x + width / 2, y + 14, "pill", words)]


def _columns() -> list[float]:
    return [_LEFT + place * (_BOX + _GAP) for place in range(len(NODE))]


def _hospital(top: float) -> list[str]:
    """Draw the machine that takes the film, and the archive."""
    archive = (
        "PACS, for instance Orthanc. It sends each CR and DX film on to the node, and keeps what "
        "comes back in the study of the film."
    )
    return [
        *_lane(top, 100, "hospital", ""),
        *_box(24, top + 34, 150, 56, "modality", "", "X-ray machine"),
        *_box(_LEFT, top + 10, _RIGHT - _LEFT, 66, "archive", "", archive),
        arrow(f"M 174 {top + 58} H {_LEFT - 2}"),
        *badge(198, top + 58, "film", "1"),
    ]


def _node(top: float) -> list[str]:
    """Draw the boxes of the node, and the ways between them and the archive."""
    found = _lane(top, 188, "node", "python -m cxr_tf.node: its threads speak through the queue.")
    for place, (x, (name, file, words, states)) in enumerate(zip(_columns(), NODE, strict=True)):
        found += _box(x, top + 14, _BOX, 160, name, file, words)
        found += badge(x + _BOX - 14, top + 28, "fault", "ABCD"[place])
        width = (_BOX - 2 * MARGIN - 6 * (len(states) - 1)) / max(len(states), 1)
        for row, state in enumerate(states):
            found += _pill(x + MARGIN + row * (width + 6), top + 146, width, state)
        if place:
            found.append(arrow(f"M {x - _GAP:g} {top + 90:g} H {x - 2:g}"))
            found += badge(x - _GAP / 2, top + 90, "film", str(place + 2))
    first, last = _columns()[0] + _BOX / 2, _columns()[-1] + _BOX / 2
    found += [arrow(f"M {first:g} {top - 46:g} V {top + 12:g}")]
    found += badge(first, top - 17, "film", "2")
    found += [arrow(f"M {last:g} {top + 14:g} V {top - 44:g}")]
    return found + badge(last, top - 17, "film", "6")


def _worklist(top: float) -> list[str]:
    """Draw the groups of the worklist beside what the paper does with them."""
    found = _lane(top, 86, "worklist", "report/index.html and worklist.csv, for people")
    for x, group in zip(_columns(), GROUPS, strict=True):
        found += _pill(x, top + 12, _BOX, group)
        for row, line in enumerate(wrapped(WORKLIST[group], _BOX)):
            found += [text(x, top + 49 + row * LINE, "note", line)]
    x = _columns()[1] + _BOX / 2
    return [*found, arrow(f"M {x:g} {top - 32:g} V {top + 8:g}"), *badge(x, top - 14, "film", "7")]


def _faults(top: float, height: float) -> list[str]:
    """Draw what is done when something fails."""
    found = _lane(top, height, "when something fails", "A to D happen in the boxes of the node.")
    for place, (x, lines) in enumerate(zip(_columns(), FAULTS, strict=True)):
        found.append(rectangle(x, top + 14, _BOX, height - 28, "failing", 5))
        found += badge(x + _BOX - 14, top + 14, "fault", "ABCD"[place])
        y = top + 36
        for words in lines:
            for line in wrapped(words, _BOX):
                found.append(text(x + MARGIN, y, "note", line))
                y += LINE
            y += 5
    return found


def drawing() -> str:
    """Draw the way of a film from the modality to the worklist.

    Returns:
        The picture as SVG.
    """
    longest = max(sum(LINE * len(wrapped(words, _BOX)) + 5 for words in lines) for lines in FAULTS)
    body = [*_hospital(12), *_node(134), *_worklist(342), *_faults(440, longest + 50)]
    bottom = 440 + longest + 50 + 24
    body.append(
        text(
            22,
            bottom,
            "note",
            f"{NOTICE} The paper proposes this triage in its Fig. 9, and did not try it.",
        )
    )
    title = (
        "The way of a film: from the modality over the archive into the node, its queue, the "
        "worker and the sender, back to the archive and to the worklist; and what happens when "
        "something fails"
    )
    return sheet(_WIDTH, bottom + 14, title, body, _STYLE)


def main() -> int:
    """Write the picture.

    Returns:
        The exit status.
    """
    PICTURE.write_text(drawing(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main, prog="python -m tools.pages.node_flow", description=__doc__))
