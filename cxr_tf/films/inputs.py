"""What a user names on the command line, as a list of films to read."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from cxr_tf.films import addresses, archives, patterns
from cxr_tf.films.lists import films_in, names_films
from cxr_tf.runtime.errors import UsageError
from pipelines.spreadsheet_text import plain_path

#: Suffixes of lists of films.
_TABLES = (".csv", ".tsv", ".tab")


@dataclass(frozen=True)
class Input:
    """One thing to score.

    Attributes:
        path: the film, as the user would find it from the working directory; text where it is an
            address, such as s3://bucket/film.png.
        fault: why there is nothing to read, or ''.
        source: what the user named that it belongs to, such as its folder; '' if not known.
    """

    path: Path | str
    fault: str = ""
    source: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """Key of its row: the path, written so that no spreadsheet takes it for a formula."""
        return plain_path(os.fspath(self.path))


@dataclass(frozen=True)
class _Ways:
    """How names are expanded; see `films_named`."""

    is_film: Callable[[Path], bool]
    where: Mapping[str, str]
    leave_out: Sequence[Path]
    recursive: bool
    skip: Callable[[Path | str], object]

    def leaves_out(self, path: Path) -> bool:
        """Tell whether a file lies where results are written."""
        return bool(self.leave_out) and any(map(path.resolve().is_relative_to, self.leave_out))


def _walk(folder: Path, recursive: bool, report: Callable[[OSError], None]) -> Iterator[Path]:
    """Yield the visible files below a folder in sorted order; links cannot loop."""
    seen = set()
    for parent, folders, names in os.walk(folder, onerror=report, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if name[0] != ".") if recursive else []
        for name in sorted(names):
            if name[0] != ".":
                yield Path(parent, name)


def _unlisted(error: OSError, folder: Path) -> Input:
    where = Path(os.fsdecode(error.filename or folder))
    return Input(where, f"the folder cannot be listed: {error.strerror}")


def _from_folder(folder: Path, ways: _Ways) -> Iterator[Input]:
    faults: list[Input] = []
    found = False
    for path in _walk(
        folder, ways.recursive, lambda error: faults.append(_unlisted(error, folder))
    ):
        if ways.leaves_out(path):
            continue
        irregular = os.path.exists(path) and not os.path.isfile(path)  # reading a pipe never ends
        if not irregular and ways.is_film(path):
            found = True
            yield _from_file(path)
        else:
            ways.skip(path)
    yield from faults
    if not (found or faults):
        yield Input(folder, "the folder holds no film: looked for PNG, JPEG, DICOM and raw JSRT")


def _from_address(folder: str, ways: _Ways) -> Iterator[Input]:
    found = False
    try:
        for address in addresses.walk(folder, ways.recursive):
            # By its name alone: fetching every file for its magic bytes is slow.
            if ways.is_film(Path("/nowhere", "film" + addresses.suffix(address))):
                found = True
                yield Input(address)
            else:
                ways.skip(address)
    except OSError as error:
        yield Input(folder, f"the folder cannot be listed: {error}")
    else:
        if not found:
            yield Input(folder, "the folder holds no film: looked for PNG, JPEG, DICOM, raw JSRT")


def _open_table(table: Path | str) -> AbstractContextManager[BinaryIO]:
    return addresses.open_binary(table) if isinstance(table, str) else table.open("rb")


def _in_table(table: Path | str, text: str) -> Input:
    """Give the path that a table names; it counts from the table's own folder."""
    if isinstance(table, str):
        return Input(addresses.join(table.rpartition("/")[0], text))
    if addresses.is_address(text):
        return Input(text)
    item = _from_file(table.parent / text)
    if item.fault and "\\" in text:  # a list that was written on Windows
        other = _from_file(table.parent / text.replace("\\", "/"))
        return item if other.fault else other
    return item


def _from_table(table: Path | str, where: Mapping[str, str]) -> Iterator[Input]:
    try:
        with _open_table(table) as file:
            for text, fault in films_in(file, str(table), where):
                item = _in_table(table, text) if text else None
                # In a row that is not quite right, a path counts where there is such a file.
                doubtful = bool(fault) and (
                    item is None or item.fault or isinstance(item.path, str)
                )
                yield Input(table, fault) if doubtful or item is None else item
    except OSError as error:
        raise UsageError(f"{table} cannot be read: {error}") from error


def _is_table(path: Path) -> bool:
    """Tell whether a file that is named is a list of films; one named .txt by its header."""
    suffix = path.suffix.lower()
    if suffix == ".txt" and path.is_file():
        with path.open("rb") as file:
            return names_films(file)
    return suffix in _TABLES


def _from_archive(archive: Path, ways: _Ways) -> Iterator[Input]:
    found = False
    try:
        for member in archives.films_in_archive(archive, ways.is_film, ways.recursive):
            if member.film:
                found = True
                yield Input(member.path, member.fault)
            else:
                ways.skip(member.path)
    except archives.ArchiveError as error:
        yield Input(archive, str(error))
    else:
        if not found:
            yield Input(archive, "the archive holds no film: looked for PNG, JPEG, DICOM, raw JSRT")


def _from_pattern(pattern: Path, ways: _Ways) -> Iterator[Input]:
    """Take what fits a pattern as if it were named; where it names no kind, films alone."""
    faults: list[Input] = []
    found, all_of_them = False, patterns.names_a_kind(pattern)

    def walk(root: Path) -> Iterator[Path]:
        return _walk(root, True, lambda error: faults.append(_unlisted(error, root)))

    for path in patterns.matches(pattern, walk):
        if ways.leaves_out(path):
            continue
        if all_of_them or path.is_dir() or (path.is_file() and ways.is_film(path)):
            found = True
            yield from _films_of(path, ways)
        else:
            ways.skip(path)
    yield from faults
    if not (found or faults):
        yield Input(pattern, "no film fits the pattern")


def _from_file(path: Path) -> Input:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        if archives.split(path) is not None:
            return Input(path, archives.fault_of(path))
        return Input(path, f"the file cannot be opened: {getattr(error, 'strerror', error)}")
    return Input(path) if stat.S_ISREG(mode) else Input(path, "this is not a regular file")


def film_named(path: str | os.PathLike[str]) -> Input:
    """Take one film by its path or address, as if it were named alone.

    Args:
        path: the film; text may be an address.

    Returns:
        The input, with a fault where there is no such file.
    """
    if isinstance(path, str) and addresses.is_address(path):
        return Input(path)
    return _from_file(Path(path))


def films_named(
    named: Iterable[Path | str],
    is_film: Callable[[Path], bool],
    *,
    where: Mapping[str, str] | None = None,
    leave_out: Sequence[Path] = (),
    recursive: bool = True,
    skip: Callable[[Path | str], object] = lambda _: None,
) -> Iterator[Input]:
    """Expand what a user names to the films it stands for, one by one; nothing is lost.

    A file named explicitly is an input whatever it is called. In folders, hidden files and files
    that `is_film` does not take for films are passed over. A path in a table counts from the
    table's own folder. What cannot be read becomes an input with a fault, so that it gets a row.

    Args:
        named: films, folders, ZIP archives, patterns such as `films/**/*.png`, or tables (.csv,
            .tsv) with a `path` column; texts may be addresses, where a name without a suffix, or
            with / at its end, is a folder.
        is_film: says which files of a folder are films (`pipelines.films.is_film`).
        where: the rows of tables to take, as the value each named column must have.
        leave_out: folders never looked into (where results are written).
        recursive: look into sub-folders too.
        skip: told of every file that is passed over.

    Yields:
        The inputs in the order named, folders sorted by path.

    Raises:
        UsageError: a table is unreadable, or has not the one column `path` or one of `where`.
    """
    left_out = [folder.resolve() for folder in leave_out]
    ways = _Ways(is_film, where or {}, left_out, recursive, skip)
    for each in named:
        for item in _films_of(each, ways):
            yield replace(item, source=os.fspath(each))


def _films_of(each: Path | str, ways: _Ways) -> Iterator[Input]:
    """Expand one thing that is named; see `films_named`."""
    if isinstance(each, str) and addresses.is_address(each):
        kind = addresses.suffix(each)
        if kind in _TABLES:
            yield from _from_table(each, ways.where)
        elif kind == archives.SUFFIX or "*" in each:
            yield Input(each, "at an address no archive and no pattern is opened; name its folder")
        elif kind and not each.endswith("/"):
            yield Input(each)
        else:
            yield from _from_address(each, ways)
        return
    path = Path(each)
    if path.is_dir():
        yield from _from_folder(path, ways)
    elif archives.is_archive(path):
        yield from _from_archive(path, ways)
    elif patterns.is_pattern(path):
        yield from _from_pattern(path, ways)
    elif _is_table(path):
        yield from _from_table(path, ways.where)
    else:
        yield _from_file(path)
