"""Text that goes into a line, a file or a terminal without breaking it."""

import os
import sys


def one_line(text: str, limit: int = 300) -> str:
    """Fold a message into one line.

    Args:
        text: any text, such as an exception's.
        limit: longest answer, in characters.

    Returns:
        The text with white space collapsed, cut to the limit with an ellipsis.
    """
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def utf8(text: str) -> str:
    """Make a file name safe to write as UTF-8.

    Args:
        text: a path, which may carry undecodable bytes as lone surrogates.

    Returns:
        The same text, each such byte as a backslash escape.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def print_out(text: str) -> None:
    """Print, also where the reader of a pipe has left, as `head` does after its first lines.

    Args:
        text: what to print, without the last line's end.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        nobody_reads()


def nobody_reads() -> None:
    """Write standard output nowhere from now on, as its reader has left."""
    # What Python still writes when it ends would fail as well.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
