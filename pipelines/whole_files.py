"""Files that are there whole or not at all, whatever stops the process that writes them."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole(path: Path, shared: bool = False) -> Iterator[Path]:
    """Give a place to write a file to; it takes its name when the block is done.

    Where the block fails, what it wrote is removed and an earlier file of that name stays.

    Args:
        path: the file that is to be.
        shared: several processes may write it at once, each to a place of its own.

    Yields:
        Where to write it, in the same folder; an aborted process may have left a file there.

    Raises:
        OSError: the file cannot be given its name.
    """
    own = f".{os.getpid()}" if shared else ""
    fresh = path.with_name(f".{path.stem}.new{own}{path.suffix}")
    try:
        yield fresh
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
