"""Films in ZIP archives, read where they lie: `archive.zip/inner/film.png` names one.

Nothing is unpacked to disk, so that no member's path leads anywhere. The list of members is bounded
before it is read, and each member by the size and the ratio that the list states: the reader stops
at that size.
"""

import functools
import io
import os
import stat
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipelines.gzipped import MAX_BYTES, suffix_of
from pipelines.sizes import READ_DEADLINE
from pipelines.status import UNREADABLE

if TYPE_CHECKING:
    from pipelines.films import Film

#: Members of an archive, and bytes of the list of them.
MAX_MEMBERS = 100_000
MAX_DIRECTORY = 16 << 20
#: Bytes of all members together, unpacked: 5,000 large DICOM films.
MAX_TOTAL = 256 << 30
#: How many times a member may grow when it is unpacked, from a size on; films grow 2 to 20 times.
MAX_RATIO = 200
_SMALL = 1 << 20
#: Of the names of archives that are opened.
SUFFIX = ".zip"
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: Ends of the names of archives that may stand in one.
_NESTED = (".zip", ".7z", ".rar", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
#: Bytes that tell a DICOM file.
_MAGIC = 132
_DAMAGED = "the archive is damaged there; fetch or pack it again"


class ArchiveError(ValueError):
    """An archive that is not opened; the message says why, and what to do."""


@dataclass(frozen=True)
class Member:
    """A file in an archive.

    Attributes:
        path: the archive's path with the member's behind it.
        film: whether it is taken for a film, or would be if it could be opened.
        fault: why it is not read, or ''.
    """

    path: Path
    film: bool
    fault: str = ""


@dataclass(frozen=True)
class _Archive:
    """An archive that is open, with its members by their plain paths."""

    zip: zipfile.ZipFile
    members: dict[str, zipfile.ZipInfo]
    doubled: frozenset[str]


class _Bounded(io.FileIO):
    """A file of which the list of members is read at most."""

    bounded = True

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, but no list of members that is too long."""
        wanted = os.fstat(self.fileno()).st_size - self.tell() if size is None or size < 0 else size
        if self.bounded and wanted > MAX_DIRECTORY:
            raise ArchiveError(f"the archive has more than {MAX_MEMBERS} members; cut it in parts")
        return super().read(size)


def is_archive(path: Path) -> bool:
    """Tell whether a file is an archive that is opened, by its name and first bytes.

    Args:
        path: any path.
    """
    if path.suffix.lower() != SUFFIX or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(2) == b"PK"
    except OSError:
        return True  # whose fault is told where it is opened


def split(path: Path) -> tuple[Path, str] | None:
    """Take apart the path of a member.

    Args:
        path: any path.

    Returns:
        The archive and the path in it; None where no archive stands in the path.
    """
    for parent in path.parents:
        if parent.suffix.lower() == SUFFIX and parent.is_file():
            return parent, path.relative_to(parent).as_posix()
    return None


def films_in_archive(
    archive: Path, is_film: Callable[[Path], bool], recursive: bool = True
) -> Iterator[Member]:
    """List what an archive holds, in sorted order; hidden files are left out.

    Args:
        archive: the ZIP file.
        is_film: tells films by their names (`pipelines.films.is_film`); others are looked at for
            the magic bytes of DICOM.
        recursive: list folders within the archive too.

    Yields:
        Its members, films and others.

    Raises:
        ArchiveError: it cannot be opened, or is too large.
    """
    opened = _open(archive)
    for name in sorted(opened.members):
        info, parts = opened.members[name], name.split("/")
        if any(part[0] == "." or part == "__MACOSX" for part in parts):
            continue
        if len(parts) > 1 and not recursive:
            continue
        fault = _fault(opened, name)
        yield Member(archive / name, _is_film(opened, info, name, is_film, fault), fault)


def fault_of(path: Path) -> str:
    """Say why a member that is named cannot be read; '' where nothing is known against it.

    Args:
        path: of the member.
    """
    found = split(path)
    if found is None:
        return "no archive stands in this path"
    try:
        opened = _open(found[0])
    except ArchiveError as error:
        return str(error)
    if found[1] not in opened.members:
        return "the archive holds no such file"
    return _fault(opened, found[1])


def read_member(
    path: Path, *, voi: bool = False, deadline: float = READ_DEADLINE, header_check: bool = True
) -> "Film":
    """Read a film in an archive.

    Args:
        path: of the member.
        voi: see `pipelines.films.read_film`.
        deadline: see `read_film`.
        header_check: see `read_film`.

    Returns:
        The film, or the status and the reason why there is none.
    """
    from pipelines.films import Film, read_content

    if fault := fault_of(path):
        return Film(None, -1, UNREADABLE, fault, "")
    archive, name = split(path) or (path, "")
    try:
        opened = _open(archive)
        content = opened.zip.read(opened.members[name])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return Film(None, -1, UNREADABLE, _DAMAGED, "")
    except OSError as error:
        reason = f"the archive cannot be read: {error.strerror or type(error).__name__}"
        return Film(None, -1, UNREADABLE, reason, "", True)
    suffix = suffix_of(PurePosixPath(name).name)
    return read_content(content, suffix, voi=voi, deadline=deadline, header_check=header_check)


def _open(archive: Path) -> _Archive:
    """Open an archive, or give the one that was opened last; ArchiveError says why not."""
    try:
        about = archive.stat()
        return _opened(archive, about.st_mtime_ns, about.st_size)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ArchiveError(f"the archive cannot be opened: {reason}") from None


@functools.lru_cache(maxsize=1)
def _opened(archive: Path, changed: int, size: int) -> _Archive:
    file = _Bounded(archive)
    try:
        found = zipfile.ZipFile(file)
        _check(found, size)
    except (ArchiveError, OSError, MemoryError):
        file.close()
        raise
    except Exception:  # zipfile raises nearly every type of a list that is damaged
        file.close()
        raise ArchiveError("this is no whole ZIP archive; fetch or pack it again") from None
    weakref.finalize(found, file.close)
    file.bounded = False
    members: dict[str, zipfile.ZipInfo] = {}
    doubled = set()
    for info in found.infolist():
        if not info.filename or info.is_dir():
            continue
        name = _plain(info.filename)
        if name in members:
            doubled.add(name)
        if name:
            members[name] = info
    return _Archive(found, members, frozenset(doubled))


def _check(found: zipfile.ZipFile, size: int) -> None:
    """Raise ArchiveError where an archive holds too much, or more than it can."""
    members = found.infolist()
    if len(members) > MAX_MEMBERS:
        raise ArchiveError(f"the archive has more than {MAX_MEMBERS} members; cut it in parts")
    if sum(info.file_size for info in members) > MAX_TOTAL:
        raise ArchiveError(
            f"the archive has more than {MAX_TOTAL >> 30} GiB unpacked; cut it in parts"
        )
    if sum(info.compress_size for info in members) > size:
        raise ArchiveError("the members of the archive overlap; pack it again")


def _plain(name: str) -> str:
    """Write a member's path so that it stays below the archive; see `_leaves`."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    return "/".join("_" if part == ".." else part for part in parts)


def _leaves(name: str) -> bool:
    """Tell whether a member's path leads out of the folder that it is unpacked in."""
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or not parts[0] or parts[0].endswith(":")


def _fault(opened: _Archive, name: str) -> str:
    """Say why a member is not read, from the list of members alone; '' where it may be."""
    info = opened.members[name]
    grown = info.file_size > MAX_RATIO * max(info.compress_size, 1)
    if _leaves(info.filename):
        return "its path leads out of the archive; pack it again"
    if name in opened.doubled:
        return "the archive holds it twice; pack it again"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "a link in an archive is not followed; pack the file"
    if info.flag_bits & _ENCRYPTED:
        return "it is encrypted; unpack the archive with its password"
    if info.compress_type not in _METHODS:
        return "it is packed by a method that is not read; pack it again (deflate)"
    if name.lower().endswith(_NESTED):
        return "an archive within an archive is not opened; unpack it"
    if info.file_size > MAX_BYTES:
        return f"it has more than {MAX_BYTES >> 20} MiB; unpack the archive"
    if grown and info.file_size > _SMALL:
        return f"it grows more than {MAX_RATIO} times when unpacked, as no film does; unpack it"
    return ""


def _is_film(
    opened: _Archive,
    info: zipfile.ZipInfo,
    name: str,
    is_film: Callable[[Path], bool],
    fault: str,
) -> bool:
    """Tell whether a member counts as a film: by name, as an archive, or by its first bytes."""
    path = PurePosixPath(name)
    if is_film(Path("/nowhere", path.name)) or name.lower().endswith(_NESTED):
        return True
    if fault:
        return not path.suffix  # DICOM exports number their files
    if path.name.upper() == "DICOMDIR":
        return False
    from pipelines.dicom.parsing import is_dicom

    try:
        with opened.zip.open(info) as file:
            return is_dicom(file.read(_MAGIC))
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError):
        return not path.suffix
