"""Draws the house: `python -m tools.pages.house` writes docs/pictures/architecture.svg.

Rooms and layers are those of the contract in pyproject.toml, and what is said of a room is the
first sentence of its `__init__`: the picture changes when they do, and a test holds it to them.
The way of a film and of a training are the tables below.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import tyro

from tools.pages.svg import FIXED_LETTER, LINE, arrow, badge, rectangle, sheet, text, wrapped

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "pictures" / "architecture.svg"

#: What happens to a film that is scored, and in which room.
FILM = (
    ("films", "named and read ahead (inputs, reading)"),
    ("pipelines", "decoded and normalised (dicom, decode, normalise)"),
    ("method", "prepared at both sizes (preparation)"),
    ("models", "segmented by FC-DenseNet103 (method/segmenter)"),
    ("method", "gated, and its patches vote (trust, vote, maps)"),
    ("films", "a record of typed values (prediction, rows)"),
    ("scoring", "written: tables, report, DICOM (loop)"),
)
#: What happens in a training step, and in which room.
TRAINING = (
    ("pipelines", "films and masks of the manifest become examples (datasets)"),
    ("training", "a task cuts and varies a batch (segmentation, classification)"),
    ("models", "the network answers (registry)"),
    ("training", "loss, gradient, step (objectives, trainer)"),
    ("training", "evaluation, checkpoint (loop, monitor, state)"),
    ("saved", "the run on disk (run_folder, run_options)"),
    ("export", "one SavedModel of two runs (saved/write)"),
)

_WIDTH, _LEFT, _GAP = 1080, 118, 12


def layers() -> list[list[str]]:
    """Give the rooms of `cxr_tf` from top to bottom, as the contract names them.

    Returns:
        The names of each layer.

    Raises:
        KeyError: pyproject.toml has no such contract.
    """
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    rooms = next(each for each in contracts if each.get("containers") == ["cxr_tf"])
    return [[name.strip() for name in layer.split("|")] for layer in rooms["layers"]]


def sentence(place: Path) -> str:
    """Read the first sentence of what a package says of itself.

    Args:
        place: its folder.
    """
    words = ast.get_docstring(ast.parse((place / "__init__.py").read_text(encoding="utf-8"))) or ""
    return words.split("\n\n")[0].replace("\n", " ").rstrip(".").replace("`", "")


def modules(place: Path) -> str:
    """List what lies in a room: its modules, and the rooms within it with a stroke behind.

    Args:
        place: its folder.
    """
    found = [path.stem for path in sorted(place.glob("*.py")) if not path.stem.startswith("_")]
    found += [f"{path.parent.name}/" for path in sorted(place.glob("*/__init__.py"))]
    return "  ".join(found)


def _lanes() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Title of each lane, and its rooms: name, sentence and modules."""

    def room(place: Path) -> tuple[str, str, str]:
        return place.name, sentence(place), modules(place)

    yield "tools", [room(ROOT / "tools")]
    commands, *rest = layers()
    named = [name for name in commands if not name.startswith("_")]  # without the list of them
    yield "commands", [(name, f"python -m cxr_tf.{name}", "") for name in named]
    for number, layer in enumerate(rest):
        yield "" if number else "cxr_tf", [room(ROOT / "cxr_tf" / name) for name in layer]
    yield "pipelines", [room(ROOT / "pipelines")]


def _lines(room: tuple[str, str, str], width: float) -> list[tuple[str, str]]:
    """Give what a room says below its name, wrapped to its width."""
    _, note, inside = room
    found = [("note", line) for line in wrapped(note, width)]
    return found + [("file", line) for line in wrapped(inside, width, FIXED_LETTER)]


def _room(x: float, y: float, width: float, height: float, room: tuple[str, str, str]) -> list[str]:
    """One room: its name, sentence and modules, and the steps that happen in it."""
    name = room[0]
    found = [
        rectangle(x, y, width, height, "box", 5),
        text(x + 10, y + 20, "name", name),
    ]
    for row, (kind, line) in enumerate(_lines(room, width)):
        found.append(text(x + 10, y + 35 + row * LINE, kind, line))
    marks = [("film", str(n)) for n, (place, _) in enumerate(FILM, 1) if place == name]
    marks += [("training", "abcdefg"[n]) for n, (place, _) in enumerate(TRAINING) if place == name]
    for place, (kind, mark) in enumerate(reversed(marks)):
        found += badge(x + width - 14 - 21 * place, y + 14, kind, mark)
    return found


def _steps(
    x: float, y: float, kind: str, title: str, steps: Sequence[tuple[str, str]]
) -> list[str]:
    found = [text(x, y, "head", title)]
    for row, (room, words) in enumerate(steps):
        mark = str(row + 1) if kind == "film" else "abcdefg"[row]
        found += badge(x + 9, y + 18 + 22 * row, kind, mark)
        found.append(text(x + 26, y + 22 + 22 * row, "note", f"{room}: {words}"))
    return found


def drawing() -> str:
    """Draw the house.

    Returns:
        The picture as SVG.
    """
    body: list[str] = []
    bottom = 12.0
    for title, rooms in _lanes():
        width = (_WIDTH - 22 - _LEFT - _GAP * (len(rooms) - 1)) / len(rooms)
        height = 32 + LINE * max(len(_lines(room, width)) for room in rooms)
        body.append(rectangle(10, bottom, _WIDTH - 20, height + 8, "lane", 6))
        body.append(text(22, bottom + 24, "head", title))
        for place, room in enumerate(rooms):
            x = _LEFT + place * (width + _GAP)
            body += _room(x, bottom + 4, width, height, room)
        bottom += height + 16
    body.append(arrow(f"M 102 24 V {bottom - 18:g}"))
    for row, words in enumerate(("imports", "go down")):
        body.append(text(22, 50 + 12 * row, "note", words))
    body += _steps(22, bottom + 20, "film", "The way of a film", FILM)
    body += _steps(_WIDTH / 2 + 10, bottom + 20, "training", "The way of a training", TRAINING)
    total = bottom + 50 + 22 * max(len(FILM), len(TRAINING))
    title = "The rooms of cxr-tf: imports go downward, with the way of a film and of a training"
    return sheet(_WIDTH, total, title, body)


def main() -> int:
    """Write the picture.

    Returns:
        The exit status.
    """
    PICTURE.write_text(drawing(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main, prog="python -m tools.pages.house", description=__doc__))
