"""Read DICOM objects in a process of their own, with a deadline and a limit on its memory.

The codecs behind pydicom are C and C++ that read whatever a file holds. One that crashes, never
ends or asks for all memory costs the object it was given, and not the run: the process is
replaced. It is started with the first object and kept. It contains accidents and bombs; it runs
with the user's rights, so it is no sandbox for code that has taken it over.
"""

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipelines import status as statuses
from pipelines.dicom.reading import IDENTIFIERS, DicomFilm
from pipelines.dicom.worker import read_shared, write_shared
from pipelines.film_error import FilmError
from pipelines.sizes import MAX_PIXELS, READ_DEADLINE

#: Bytes of address space of the process. A film of 64 megapixels needs 1.3 GB at up to 16 bits,
#: 4 GiB are enough for 45 megapixels of 32 bits. Not enforced by macOS.
MEMORY_LIMIT = 4 << 30
#: Bytes that the shared file keeps between objects: new memory costs more than a copy.
_KEPT_BYTES = 32 << 20
#: Seconds in which the process must have started.
_START_DEADLINE = 120.0
#: No honest answer is longer.
_LONGEST_ANSWER = 1 << 16
_WORKER = "pipelines.dicom.worker"


class _Late(Exception):
    """There was no answer before the deadline."""


class DicomProcess:
    """A process that decodes one DICOM object after another; not for several threads at once.

    Args:
        memory: bytes of address space that it may have.
        worker: module of another decoder that answers as `pipelines.dicom.worker` does.
        what: it decodes, for messages.
    """

    def __init__(self, memory: int = MEMORY_LIMIT, worker: str = "", what: str = "DICOM") -> None:
        self._what = what
        self._file = _shared_file()
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
            "OPENBLAS_NUM_THREADS": "1",
        }
        try:
            self._process = subprocess.Popen(
                # -P: a file in the working directory must not stand in for a module.
                [sys.executable, "-P", "-m", worker or _WORKER, str(self._file), str(memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                pass_fds=(self._file,),
                env=environment,
                start_new_session=True,  # Ctrl-C is the caller's
            )
        except BaseException:
            os.close(self._file)
            raise
        self._memory = memory
        try:
            if self._line(_START_DEADLINE) != {}:
                raise ValueError
        except BaseException as error:
            self.close()
            if isinstance(error, _Late | EOFError | ValueError):
                raise OSError(0, f"the process that decodes {what} does not start") from None
            raise

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def read(
        self,
        content: bytes,
        voi: bool = False,
        deadline: float = READ_DEADLINE,
        header_check: bool = True,
    ) -> DicomFilm:
        """Read the one grey image of a DICOM object; see `pipelines.dicom.reading.read_dicom`.

        Args:
            content: the whole file.
            voi: see `read_dicom`.
            deadline: seconds after which it is given up.
            header_check: see `read_dicom`.

        Returns:
            See `read_dicom`.

        Raises:
            FilmError: see `read_dicom`; also where the deadline or the memory did not suffice, or
                the decoder crashed. The process has ended where it cannot be asked again.
        """
        write_shared(self._file, content)
        request = {"size": len(content), "voi": voi, "header_check": header_check}
        answer = self._ask(request, deadline)
        try:
            if answer.get("status") in statuses.STATUSES:
                # A decoder that was taken over may answer anything.
                raise FilmError(str(answer["status"]), _one_line(answer["error"]))
            rows, columns = (int(side) for side in answer["shape"])
            padding, warning = int(answer["padding"]), _one_line(answer["warning"])
            if min(rows, columns) < 1 or rows * columns > MAX_PIXELS:
                raise ValueError
            pixels = np.frombuffer(read_shared(self._file, 2 * rows * columns), np.uint16)
        except (KeyError, TypeError, ValueError, EOFError, OverflowError) as error:
            if isinstance(error, FilmError):
                raise
            self.close()
            raise _failed(
                f"the {self._what} decoder gave no sensible answer; export the film"
            ) from None
        if max(len(content), pixels.nbytes) > _KEPT_BYTES:
            os.ftruncate(self._file, 0)
        return DicomFilm(pixels.reshape(rows, columns), padding, warning)

    def identifiers(self, path: Path, deadline: float = READ_DEADLINE) -> dict[str, str] | None:
        """Read what identifies a film; see `pipelines.dicom.reading.read_identifiers`.

        Args:
            path: any file.
            deadline: seconds after which it is given up.

        Returns:
            See `read_identifiers`; None too where that went wrong in any way.
        """
        try:
            found = self._ask({"path": os.fsencode(path.absolute()).hex()}, deadline)["identifiers"]
            return None if found is None else {name: str(found[name]) for name in IDENTIFIERS}
        except (FilmError, KeyError, TypeError):
            return None

    def _ask(self, request: dict[str, Any], deadline: float) -> dict[str, Any]:
        try:
            line = json.dumps({**request, "deadline": deadline}) + "\n"
            assert self._process.stdin is not None, "it is a pipe"
            self._process.stdin.write(line.encode("ascii"))
            answer = self._line(deadline)
        except _Late:
            self.close()
            raise _failed(
                f"decoding the {self._what} file took longer than {deadline:g} s; allow more time "
                "(--read-deadline), or export the film again"
            ) from None
        except (EOFError, BrokenPipeError):
            raise _failed(
                f"the {self._what} decoder {self._end()}; export the film again"
            ) from None
        except ValueError:
            self.close()
            raise _failed(
                f"the {self._what} decoder gave no sensible answer; export the film"
            ) from None
        except BaseException:  # Ctrl-C: the answer to come would be taken for the next one's
            self.close()
            raise
        if answer.get("memory"):
            self.close()
            raise _failed(
                f"decoding the {self._what} file takes more than {self._memory >> 20} MiB of "
                "memory; export the film uncompressed, or reduce it"
            )
        return answer

    def _line(self, deadline: float) -> dict[str, Any]:
        """Wait for one line; _Late, EOFError or ValueError where there comes none."""
        assert self._process.stdout is not None, "it is a pipe"
        end, found = time.monotonic() + deadline, b""
        poll = select.poll()
        poll.register(self._process.stdout, select.POLLIN)
        while not found.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not poll.poll(1000 * left):
                raise _Late
            part = os.read(self._process.stdout.fileno(), _LONGEST_ANSWER)
            if not part:
                raise EOFError
            found += part
            if len(found) > _LONGEST_ANSWER:
                raise ValueError("no honest answer is so long")
        answer = json.loads(found)
        if not isinstance(answer, dict):
            raise ValueError("an answer is an object")
        return answer

    def _failed(self, message: str) -> FilmError:
        return _failed(f"the {self._what} decoder {message}")

    def _end(self) -> str:
        """Reap a process that ended by itself, and say how it did."""
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            status = 0
        self.close()
        if status < 0:
            return f"crashed on it ({signal.Signals(-status).name})"
        return f"ended on it (exit status {status})"

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._file >= 0:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                assert stream is not None, "both are pipes"
                stream.close()
            os.close(self._file)
            self._file = -1


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:300]


def _failed(message: str) -> FilmError:
    return FilmError(statuses.UNREADABLE, message)


def _shared_file() -> int:
    """Open a file without a name, in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("dicom")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class KeptProcess:
    """A process that is started with the first film and kept, for all threads.

    Args:
        start: starts it.
    """

    def __init__(self, start: Callable[[], DicomProcess]) -> None:
        self._start = start
        self._lock = threading.Lock()
        self.process: DicomProcess | None = None
        #: Of the parent of a forked process; not to be collected, as it is not this one's to end.
        self._parents: list[DicomProcess] = []
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self._forget)

    @contextlib.contextmanager
    def held(self) -> Iterator[DicomProcess]:
        """Give the process to one thread at a time; one that ended is replaced.

        Yields:
            The process.

        Raises:
            OSError: it cannot be started.
        """
        with self._lock:
            if self.process is None or not self.process.alive:
                if self.process is not None:
                    self.process.close()
                self.process = None
                self.process = self._start()
            yield self.process

    def close(self) -> None:
        """End the process; the next film starts another."""
        with self._lock:
            if self.process is not None:
                self.process.close()
            self.process = None

    def _forget(self) -> None:
        """In a forked process the pipes are the parent's."""
        if self.process is not None:
            self._parents.append(self.process)
        self.process, self._lock = None, threading.Lock()


_kept = KeptProcess(DicomProcess)


def read_dicom_apart(
    content: bytes,
    voi: bool = False,
    deadline: float = READ_DEADLINE,
    header_check: bool = True,
) -> DicomFilm:
    """Read the one grey image of a DICOM object in the process that is kept for that.

    Args:
        content: the whole file.
        voi: see `pipelines.dicom.reading.read_dicom`.
        deadline: seconds after which it is given up.
        header_check: see `read_dicom`.

    Returns:
        See `read_dicom`.

    Raises:
        FilmError: see `DicomProcess.read`.
        OSError: the process cannot be started.
    """
    with _kept.held() as process:
        return process.read(content, voi, deadline, header_check)


def read_identifiers_apart(path: str | Path) -> dict[str, str] | None:
    """Read what identifies patient, examination and film, in the process that is kept.

    Args:
        path: any file.

    Returns:
        See `pipelines.dicom.reading.read_identifiers`.

    Raises:
        OSError: the process cannot be started.
    """
    with _kept.held() as process:
        return process.identifiers(Path(path))


def close() -> None:
    """End the process that is kept; the next object starts another."""
    _kept.close()
