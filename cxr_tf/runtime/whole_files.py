"""Text and JSON that are there whole or not at all, and what says that a disk takes no more."""

import errno
import json
from pathlib import Path
from typing import Any

from cxr_tf.runtime.text import utf8
from pipelines.whole_files import whole

__all__ = ["NO_ROOM", "whole", "write_json", "write_text"]

#: Faults of the disk as a whole: what comes next will not be written either.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all.

    Args:
        path: the file.
        text: its content; line ends stay, and bytes of file names that are no UTF-8 are escaped.

    Raises:
        OSError: the file cannot be written.
    """
    with whole(path) as fresh:
        fresh.write_text(utf8(text), encoding="utf-8", newline="\n")


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write a JSON object so that the file is whole or not there.

    Args:
        path: the file to write.
        record: what JSON can hold.
    """
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")
