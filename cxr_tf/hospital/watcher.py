"""The way in from a folder: films that lie there are copied, and stay as they are."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from cxr_tf.hospital.events import Events
from cxr_tf.hospital.films_folder import FilmsFolder, key_of
from cxr_tf.hospital.queue import Queue
from pipelines.dicom.reading import read_header
from pipelines.films import is_film
from pipelines.gzipped import suffix_of
from pipelines.manifest.checks import file_sha256

#: Seconds between two looks; a file that is the same in two is taken to be complete.
INTERVAL = 1.0


def _visible(folder: Path) -> Iterator[Path]:
    """List the visible files below a folder."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        yield from (Path(parent, name) for name in sorted(names) if name[0] != ".")


class Watcher:
    """Takes films from a folder.

    Args:
        watched: the folder.
        folder: where films are kept.
        queue: where they are entered.
        events: told of every film.
        largest: bytes of a film at most.
        least_free: bytes that stay free on the disk.
    """

    def __init__(
        self,
        watched: Path,
        folder: FilmsFolder,
        queue: Queue,
        events: Events,
        largest: int,
        least_free: int,
    ) -> None:
        self._watched, self._folder, self._queue = watched, folder, queue
        self._events, self._largest, self._least_free = events, largest, least_free
        self._before: dict[Path, tuple[int, int]] = {}
        self._done: dict[Path, tuple[int, int]] = {}

    def step(self) -> float:
        """Look once; return the seconds before the next look."""
        now: dict[Path, tuple[int, int]] = {}
        for path in _visible(self._watched):
            try:
                found = path.stat()
            except OSError:  # gone by now
                continue
            now[path] = stamp = (found.st_size, found.st_mtime_ns)
            if self._before.get(path) == stamp and self._done.get(path) != stamp:
                if self._folder.free() < self._least_free + found.st_size:
                    self._events.refused("disk")
                    break
                if self._take(path, stamp):
                    self._done[path] = stamp
        self._before = now
        self._done = {path: stamp for path, stamp in self._done.items() if path in now}
        return INTERVAL

    def _take(self, path: Path, stamp: tuple[int, int]) -> bool:
        """Take one film; False where it is to be looked at again."""
        if not is_film(path):
            return True
        if stamp[0] > self._largest:
            self._events.refused("size")
            return True
        try:
            header = read_header(path, ("SOPInstanceUID",))
            uid = None if header is None else header.get("SOPInstanceUID")
            key = key_of(str(uid)) if uid else file_sha256(path)[:32]
            changed = path in self._done
            if not changed and self._queue.pruned(key) is not None:
                return True  # known, from before this process began or over DICOM
            arrived = self._folder.receiving / f"{key}.watched"
            shutil.copyfile(path, arrived)
            again = path.stat()
        except OSError:
            return False
        if (again.st_size, again.st_mtime_ns) != stamp:
            arrived.unlink()
            return False
        file = f"{key}{suffix_of(path.name)}"
        if self._queue.waits_for(key):
            arrived.unlink()
            return True
        self._folder.keep(arrived, file)
        name = path.relative_to(self._watched).as_posix()
        if number := self._queue.add(key, file, name, again=changed):
            self._events.received(number, stamp[0])
        return True
