"""Files of the repository that pages link to: they become part of the site.

A page links as GitHub needs it, such as `../results/README.md`. In the site such a file stands
under `repository/`: Markdown as a page, with the files it links to in turn, anything else as it is.
"""

import os
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

#: Where the repository's files stand in the site.
PREFIX = "repository/"
#: The target of a Markdown link or picture.
_TARGET = re.compile(r"(?<=\]\()(?P<path>[^)\s#]+)(?P<anchor>#[^)\s]*)?(?=\))")
_ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:|/", re.IGNORECASE)


def links(text: str) -> Iterator[tuple[str, str]]:
    """Relative links of a Markdown text.

    Args:
        text: Markdown.

    Yields:
        Path and anchor of each, the anchor with its `#` or ''; the path is never ''.
    """
    for found in _TARGET.finditer(text):
        if not _ELSEWHERE.match(found["path"]):
            yield found["path"], found["anchor"] or ""


def resolve(path: str, page: Path) -> Path:
    """Find the file that a page links to.

    Args:
        path: the link.
        page: the page's own file.

    Returns:
        An absolute path, which need not exist.
    """
    return Path(os.path.normpath(page.parent / path))


def site_address(file: Path, root: Path, docs: Path) -> str:
    """Name a file of the repository in the site.

    Args:
        file: absolute path.
        root: the repository.
        docs: its folder of pages.

    Returns:
        Path in the site's sources, such as `scale.md` or `repository/README.md`.
    """
    if file.is_relative_to(docs):
        return file.relative_to(docs).as_posix()
    return PREFIX + file.relative_to(root).as_posix()


def linked_files(pages: Iterable[Path], root: Path, docs: Path) -> dict[str, Path]:
    """List the files outside the folder of pages that some pages link to, and on from these.

    Args:
        pages: Markdown files.
        root: the repository.
        docs: its folder of pages.

    Returns:
        Each file by its path in the site's sources.
    """
    found: dict[str, Path] = {}
    waiting = list(pages)
    seen = set(waiting)
    while waiting:
        page = waiting.pop()
        if not page.is_relative_to(docs):
            found[site_address(page, root, docs)] = page
        if page.suffix != ".md":
            continue
        for path, _ in links(page.read_text(encoding="utf-8")):
            target = resolve(path, page)
            if target.is_file() and target.is_relative_to(root) and target not in seen:
                seen.add(target)
                waiting.append(target)
    return found


def with_site_links(text: str, page: Path, address: str, name: Callable[[Path], str | None]) -> str:
    """Turn links to files of the repository into links of the site.

    Args:
        text: Markdown of the page.
        page: the page's own file.
        address: its path in the site's sources.
        name: gives a file's path in the site's sources; None leaves the link as it is.

    Returns:
        The Markdown.
    """

    def moved(found: re.Match[str]) -> str:
        if _ELSEWHERE.match(found["path"]):
            return found[0]
        target = name(resolve(found["path"], page))
        if target is None:
            return found[0]
        return posixpath.relpath(target, posixpath.dirname(address)) + (found["anchor"] or "")

    return _TARGET.sub(moved, text)
