"""The node's folder: films on the disk, whole and flushed before anybody is told of them."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cxr_tf.hospital.queue import Queue, QueuedFilm

#: Seconds after which what a broken connection left of a film is removed.
_LEFT_OVER = 900.0


def flush_folder(folder: Path) -> None:
    """Flush the names of a folder's files to the disk.

    Args:
        folder: the folder.
    """
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def key_of(identity: str | bytes) -> str:
    """Name a film by a hash that tells it from others and cannot be read back.

    Args:
        identity: the SOP instance UID of a DICOM film, the content of any other file.
    """
    content = identity.encode() if isinstance(identity, str) else identity
    return hashlib.sha256(content).hexdigest()[:32]


@dataclass(frozen=True)
class FilmsFolder:
    """Where the node keeps films and results; readable by its owner alone.

    Attributes:
        root: the folder.
    """

    root: Path

    @property
    def films(self) -> Path:
        """Folder of the films that came in, each named by its key."""
        return self.root / "films"

    @property
    def receiving(self) -> Path:
        """Folder of films on their way in."""
        return self.root / "receiving"

    @property
    def results(self) -> Path:
        """Folder of results: what was written for a film lies in a folder named by its key."""
        return self.root / "results"

    @property
    def report(self) -> Path:
        """Folder of the worklist as a page, with a page for each film."""
        return self.root / "report"

    def make(self) -> None:
        """Make the folders, and remove what connections that broke left."""
        for folder in (self.root, self.films, self.receiving, self.results, self.report):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.rmtree(self.receiving)
        self.receiving.mkdir(mode=0o700)

    def free(self) -> int:
        """Give the bytes that are free on the disk."""
        return shutil.disk_usage(self.root).free

    def keep(self, arrived: Path, file: str) -> None:
        """Move a whole film among the others and flush it: from now on a crash does not lose it.

        Args:
            arrived: the whole film, in `receiving`.
            file: its name among the films; one that is there is replaced.

        Raises:
            OSError: it cannot be kept.
        """
        with arrived.open("rb") as content:
            os.fsync(content.fileno())
        os.replace(arrived, self.films / file)
        flush_folder(self.films)

    def adopt(self, queue: Queue) -> int:
        """Enter films that were kept, but not entered when the process ended.

        Args:
            queue: the queue.

        Returns:
            How many there were.
        """
        found = 0
        for path in sorted(self.films.iterdir()):
            if path.name.startswith("."):
                path.unlink()  # was being written
            elif (gone := queue.pruned(key := path.name.partition(".")[0])) is None:
                found += bool(queue.add(key, path.name, path.name))
            elif gone:
                path.unlink()
        return found

    def objects(self, film: QueuedFilm) -> list[Path]:
        """List the DICOM objects that were written of a film.

        Args:
            film: the film.
        """
        return sorted((self.results / film.key / "dicom").glob("*.dcm"))

    def _case_files(self, key: str) -> Iterator[Path]:
        yield from (self.report / "cases").glob(f"{key}.*")

    def take_cases(self, key: str) -> None:
        """Bring the pictures of a film into the report of all.

        Args:
            key: of the film.
        """
        cases, own = self.report / "cases", self.results / key / "report"
        cases.mkdir(exist_ok=True)
        for path in sorted((own / "cases").glob("*")):
            os.replace(path, cases / path.name)
        shutil.rmtree(own, ignore_errors=True)

    def flush(self, key: str) -> None:
        """Flush all that was written of a film to the disk.

        Args:
            key: of the film.
        """
        own = self.results / key
        for folder in (own, own / "dicom", self.results, self.report / "cases"):
            if folder.is_dir():
                flush_folder(folder)

    def remove(self, film: QueuedFilm) -> None:
        """Remove a film and all that was written of it.

        Args:
            film: the film.
        """
        (self.films / film.file).unlink(missing_ok=True)
        shutil.rmtree(self.results / film.key, ignore_errors=True)
        for path in self._case_files(film.key):
            path.unlink(missing_ok=True)

    def tidy(self, now: float) -> None:
        """Remove what connections that broke left a while ago.

        Args:
            now: seconds since 1970.
        """
        for path in self.receiving.iterdir():
            try:
                if now - path.stat().st_mtime > _LEFT_OVER:
                    path.unlink()
            except FileNotFoundError:  # it is kept by now
                continue
