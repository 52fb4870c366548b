"""One process at a time writes to a folder: a lock that ends with the process that holds it."""

import contextlib
import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from cxr_tf.runtime.errors import UsageError

#: Name of the lock; hidden, so that no folder of films shows it.
LOCK = ".cxr_tf.lock"
#: What a file system says that knows no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)


@contextlib.contextmanager
def held(folder: Path, option: str = "--out") -> Iterator[None]:
    """Keep other processes from writing to a folder while the block runs.

    The system drops the lock (`flock`) when its process ends, however it ends, so that none is
    left behind by a dead process: only its file may be, and is taken over. Machines that share a
    folder by NFS (Linux 2.6.12 or later, with its lock service) see each other's locks. Where the
    file system knows no locks the file decides by host and process: one of a dead process of this
    machine is taken over, one of another machine must be removed by hand.

    Args:
        folder: made where it is missing, and then removed again where it is left empty.
        option: that names the folder, for the message.

    Raises:
        UsageError: another process holds the folder; or it cannot be made or written to.
    """
    path, made = folder / LOCK, not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = _take(path)
    except OSError as error:
        raise UsageError(
            f"{option} {folder} cannot be written to ({error.strerror}): choose another folder"
        ) from error
    if file < 0:
        raise UsageError(
            f"{option} {folder} is in use by {_holder(path)}: wait for it or stop it, or choose "
            f"another folder; if that process is gone, remove {path}"
        )
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
            if made:
                folder.rmdir()  # which fails where something was written
        os.close(file)


@contextlib.contextmanager
def in_turn(folder: Path) -> Iterator[None]:
    """Let one process or thread at a time into the block; the others wait for it.

    Where the file system knows no locks, none of them waits.

    Args:
        folder: that they share; it exists.

    Raises:
        OSError: it cannot be written to.
    """
    with (folder / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        yield


def _take(path: Path) -> int:
    """Open and lock the file; a negative number where another process has it."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if not _locked(file, path):
                os.close(file)
                return -1
            # The holder before may have removed the file between our opening and our locking it.
            if path.exists() and os.path.samestat(os.fstat(file), path.stat()):
                text = json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
                os.truncate(file, 0)
                os.write(file, text.encode())
                return file
        except FileNotFoundError:
            pass
        except OSError:
            os.close(file)
            raise
        os.close(file)


def _locked(file: int, path: Path) -> bool:
    """Lock an open file; where the file system knows no locks, ask whether its process is gone."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return not _alive(path)
    return True


def _read(path: Path) -> tuple[int, str]:
    """Process and host in a lock's file; (0, '') where it holds none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return int(found["pid"]), str(found["host"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, ""


def _holder(path: Path) -> str:
    pid, host = _read(path)
    return f"process {pid} on {host}" if pid else "another process"


def _alive(path: Path) -> bool:
    """Tell by the file alone whether its process may be writing."""
    pid, host = _read(path)
    if not pid or host != socket.gethostname():
        return bool(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
