"""Films at addresses such as s3://bucket/film.png, through fsspec: list them, and read one."""

import importlib.util
import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from cxr_tf.runtime.errors import UsageError
from pipelines.gzipped import suffix_of
from pipelines.sizes import READ_DEADLINE

if TYPE_CHECKING:
    from pipelines.films import Film

#: A table may name any address: no other host is asked because somebody's table says so.
_SCHEMES = frozenset({"s3", "s3a", "gs", "gcs", "memory"})
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_address(text: str) -> bool:
    """Tell an address from a path.

    Args:
        text: what a user named.
    """
    return _ADDRESS.match(text) is not None


def join(folder: str, name: str) -> str:
    """Find what a table names: beside the table, unless it is an address itself.

    Args:
        folder: address of the table's folder.
        name: the path in the table.
    """
    return name if is_address(name) else f"{folder.rstrip('/')}/{posixpath.normpath(name)}"


def suffix(address: str) -> str:
    """Give the suffix of an address' last part, lower case; see `pipelines.gzipped.suffix_of`.

    Args:
        address: such as s3://bucket/film.PNG.
    """
    return suffix_of(address)


def _open_fs(address: str) -> tuple[Any, str]:
    """Find the file system of an address, and the path in it; UsageError names what is missing."""
    if address.partition("://")[0].lower() not in _SCHEMES or "::" in address:
        raise UsageError(f"{address} is not read: give a path, or an address at s3:// or gs://")
    if importlib.util.find_spec("fsspec") is None:
        raise UsageError(f"{address} needs fsspec: pip install 'cxr-tf[cloud]'")
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise UsageError(f"{address} cannot be read: {error}") from error
    return system, str(path)


def walk(address: str, recursive: bool) -> Iterator[str]:
    """List the files below a folder, sorted folder by folder; hidden ones are left out.

    Args:
        address: the folder.
        recursive: look into sub-folders too.

    Yields:
        Addresses.

    Raises:
        UsageError: no file system is known for the address.
        OSError: it cannot be listed.
    """
    system, root = _open_fs(address)
    try:
        for parent, folders, files in system.walk(root, on_error="raise", detail=False):
            folders[:] = sorted(name for name in folders if name[0] != ".") if recursive else []
            for name in sorted(files):
                if name and name[0] != ".":
                    yield str(system.unstrip_protocol(f"{parent.rstrip('/')}/{name}"))
    except OSError:
        raise
    except Exception as error:  # every store has errors of its own
        raise OSError(f"{type(error).__name__}: {error}") from error


@contextmanager
def open_binary(address: str) -> Iterator[BinaryIO]:
    """Open a table at an address.

    Args:
        address: the file.

    Yields:
        Its bytes, from the beginning.

    Raises:
        UsageError: no file system is known for the address.
        OSError: it cannot be opened.
    """
    system, path = _open_fs(address)
    try:
        file = system.open(path, "rb")
    except OSError:
        raise
    except Exception as error:  # every store has errors of its own
        raise OSError(f"{type(error).__name__}: {error}") from error
    with file:
        yield file


def read_address(
    address: str,
    *,
    voi: bool = False,
    deadline: float = READ_DEADLINE,
    header_check: bool = True,
) -> "Film":
    """Read a film at an address.

    Args:
        address: the file.
        voi: see `pipelines.films.read_film`.
        deadline: see `read_film`.
        header_check: see `read_film`.

    Returns:
        The film, or the status and the reason why there is none; what the network or the store
        refused is `transient`, a file that is not there is not.
    """
    from pipelines.films import MAX_BYTES, Film, read_content
    from pipelines.status import TOO_LARGE, UNREADABLE

    try:
        system, path = _open_fs(address)
        size = system.info(path).get("size") or 0
        if size > MAX_BYTES:
            reason = f"the file has {size >> 20} MiB, no film has more than {MAX_BYTES >> 20}"
            return Film(None, -1, TOO_LARGE, reason, "")
        content = system.cat_file(path)
    except (FileNotFoundError, IsADirectoryError, UsageError) as error:
        reason = str(error) if isinstance(error, UsageError) else "there is no such file"
        return Film(None, -1, UNREADABLE, reason, "")
    except Exception as error:  # every store has errors of its own
        reason = f"the file cannot be read: {type(error).__name__}: {error}"
        return Film(None, -1, UNREADABLE, reason, "", True)
    return read_content(
        content, suffix(address), voi=voi, deadline=deadline, header_check=header_check
    )


def read_location(
    location: Path | str,
    *,
    voi: bool = False,
    deadline: float = READ_DEADLINE,
    header_check: bool = True,
) -> "Film":
    """Read a film at a path, in an archive, or at an address.

    Args:
        location: text is an address.
        voi: see `pipelines.films.read_film`.
        deadline: see `read_film`.
        header_check: see `read_film`.

    Returns:
        The film, or the status and the reason why there is none.
    """
    from cxr_tf.films import archives
    from pipelines.films import read_film

    if isinstance(location, Path) and archives.split(location) is not None:
        return archives.read_member(location, voi=voi, deadline=deadline, header_check=header_check)
    if isinstance(location, str):
        return read_address(location, voi=voi, deadline=deadline, header_check=header_check)
    return read_film(location, voi=voi, deadline=deadline, header_check=header_check)
