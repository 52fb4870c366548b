"""Files that are there whole or not at all, whatever stops the process that writes them."""

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cxr_tf.runtime.text import utf8

#: Faults of the disk as a whole: what comes next will not be written either.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a place to write a file to; it takes its name when the block is done.

    Where the block fails, what it wrote is removed and an earlier file of that name stays.

    Args:
        path: the file that is to be.

    Yields:
        Where to write it, in the same folder.

    Raises:
        OSError: the file cannot be given its name.
    """
    fresh = path.with_name(f".{path.stem}.new{path.suffix}")
    try:
        yield fresh
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all.

    Args:
        path: the file.
        text: its content.

    Raises:
        OSError: the file cannot be written.
    """
    with whole(path) as fresh:
        fresh.write_text(text, encoding="utf-8")


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write a JSON object so that the file is whole or not there.

    Args:
        path: the file to write.
        record: what JSON can hold.
    """
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, utf8(text) + "\n")
