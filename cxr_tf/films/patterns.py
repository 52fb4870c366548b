"""Patterns such as `films/**/*.png` that a shell left as they are."""

import fnmatch
import glob
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path


def is_pattern(path: Path) -> bool:
    """Tell whether a path is a pattern: it has `*`, `?` or `[`, and there is nothing of that name.

    Args:
        path: as it was named.
    """
    return glob.has_magic(str(path)) and not path.exists()


def names_a_kind(path: Path) -> bool:
    """Tell whether a pattern says which kind of files it means, as `*.tif` does.

    Args:
        path: the pattern.
    """
    return path.suffix not in ("", ".") and not glob.has_magic(path.suffix)


def matches(path: Path, walk: Callable[[Path], Iterator[Path]]) -> Iterator[Path]:
    """Find what fits a pattern, in sorted order; hidden files only where it names the dot.

    Args:
        path: the pattern; `**` stands for any folders, none among them.
        walk: lists the files below a folder, each folder once, so that no link loops.

    Yields:
        Files and folders; with `**`, files alone.
    """
    if "**" not in path.parts:
        yield from map(Path, sorted(glob.glob(str(path))))
        return
    at = path.parts.index("**")
    ahead, behind = Path(*path.parts[:at]), path.parts[at:]
    for root in map(Path, sorted(glob.glob(str(ahead)))) if at else (Path(),):
        if root.is_dir():
            for file in walk(root):
                if _fits(file.relative_to(root).parts, behind):
                    yield file


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Compare the parts of a path with those of a pattern."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        rest = pattern[1:] or ("*",)
        return any(_fits(parts[skipped:], rest) for skipped in range(len(parts)))
    return (
        bool(parts) and fnmatch.fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])
    )
