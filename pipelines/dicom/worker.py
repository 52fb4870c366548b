"""The process that decodes DICOM objects for `pipelines.dicom.apart`, which says why.

It is started with the number of a file that both processes hold, and a limit on its memory. Each
line of the input asks for one object, whose bytes lie in that file; pixels go back the same way,
and one line of the output says what became of it. It imports no TensorFlow.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

from pipelines.dicom.reading import DicomFilm, read_dicom, read_identifiers
from pipelines.film_error import FilmError

#: Reads a film; see `pipelines.dicom.reading.read_dicom`.
Reader = Callable[[bytes, bool, bool], DicomFilm]
#: Seconds after the deadline at which the process ends itself, should nobody else do it.
GRACE = 5.0


def read_shared(file: int, size: int) -> bytes:
    """Read the beginning of the shared file.

    Args:
        file: its descriptor.
        size: bytes to read.

    Returns:
        As many bytes.

    Raises:
        EOFError: the file is shorter.
    """
    parts, at = [], 0
    while at < size:
        part = os.pread(file, size - at, at)
        if not part:
            raise EOFError(f"the shared file ends at {at}, not {size}")
        parts.append(part)
        at += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def write_shared(file: int, content: memoryview | bytes) -> None:
    """Make bytes the beginning of the shared file.

    Args:
        file: its descriptor.
        content: the bytes.
    """
    view = memoryview(content)
    at = 0
    while at < len(view):
        at += os.pwrite(file, view[at:], at)


def _film(request: dict[str, Any], file: int, read: Reader | None) -> dict[str, Any]:
    try:
        film = (read or read_dicom)(
            read_shared(file, request["size"]), request["voi"], request["header_check"]
        )
        write_shared(file, film.pixels.data.cast("B"))
    except FilmError as error:
        return {"status": error.status, "error": str(error)}
    except MemoryError:
        return {"memory": True}
    return {"shape": film.pixels.shape, "padding": film.padding, "warning": film.warning}


def _identifiers(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"identifiers": read_identifiers(Path(os.fsdecode(bytes.fromhex(request["path"]))))}
    except MemoryError:
        return {"memory": True}


def serve(requests: Iterable[str], answers: TextIO, file: int, read: Reader | None = None) -> None:
    """Answer requests until there are no more.

    Args:
        requests: JSON objects, one a line.
        answers: takes as many.
        file: descriptor of the shared file.
        read: reads a film, by default `read_dicom`.
    """
    for line in requests:
        request = json.loads(line)
        # The default of SIGALRM ends the process, even in the midst of a codec.
        signal.setitimer(signal.ITIMER_REAL, request["deadline"] + GRACE)
        answer = _film(request, file, read) if "size" in request else _identifiers(request)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main(read: Reader | None = None) -> None:
    """Limit the process, say that it is ready, and serve.

    Args:
        read: see `serve`.
    """
    file, memory = map(int, sys.argv[1:])
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold somebody's film
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what a codec prints is no answer
    answers.write("{}\n")
    answers.flush()
    serve(sys.stdin, answers, file, read)


if __name__ == "__main__":
    main()
