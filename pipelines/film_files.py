"""Normalised films on disk, each a NumPy file of its own, of which a patch reads the rows it needs.

One film a file: a training that is killed while they are made loses at most those in work, a film
that changes costs itself alone, and trainings on other choices of films share them. A file is named
after what made it, holds its own SHA-256 behind the array, and is there whole or not at all.
"""

import hashlib
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipelines.whole_files import whole

#: Raise it whenever decoding, normalising or what is stored changes a film: no older file is used.
FORMAT = 1
#: Films are kept as uint16 in steps of 1/257 grey level: half the room of float32.
FIXED_POINT = 257.0
#: What is said of a file that was there when a training began.
LOST = "this normalised film vanished or was cut off during the run"
_LEVELS = np.dtype("<u2")
_HASH = hashlib.sha256().digest_size

Levels = npt.NDArray[np.uint16]
Centres = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Recipe:
    """What a film was made by, beside its own bytes.

    Attributes:
        side: of the square, in pixels.
        resolution_limit: longest side kept before the resize, 0 for none.
        quality: of the JPEG that it went through, 0 for none.
    """

    side: int
    resolution_limit: int = 0
    quality: int = 0

    def path(self, folder: Path, sha256: str) -> Path:
        """Name the file of a film.

        Args:
            folder: where films lie.
            sha256: of the file that the film was read from, in hexadecimal.
        """
        kind = f"{self.side}-{self.resolution_limit}-format{FORMAT}"
        jpeg = f"-jpeg{self.quality}" if self.quality else ""
        return folder / kind / f"{sha256[:32]}{jpeg}.npy"


def file_size(side: int) -> int:
    """Give the bytes that a film takes on disk.

    Args:
        side: of the film in pixels.
    """
    return _start(side) + side * side * _LEVELS.itemsize + _HASH


def _start(side: int) -> int:
    """Bytes ahead of the first row: NumPy's header."""
    header = io.BytesIO()
    described = {"descr": _LEVELS.str, "fortran_order": False, "shape": (side, side)}
    np.lib.format.write_array_header_1_0(header, described)
    return header.tell()


def write_film(path: Path, film: Levels) -> None:
    """Write a film, whole or not at all; several processes may do so at once.

    Args:
        path: of `Recipe.path`; its folder is made where it is missing.
        film: uint16 [S, S], grey level times `FIXED_POINT`.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.save(content, film.astype(_LEVELS, copy=False))
    with whole(path, shared=True) as fresh, fresh.open("wb") as file:
        file.write(content.getbuffer())
        file.write(hashlib.sha256(content.getbuffer()).digest())


def is_sound(path: Path, side: int) -> bool:
    """Tell whether a file holds a whole and undamaged film.

    Args:
        path: of `Recipe.path`; it may be missing.
        side: of the film in pixels.

    Raises:
        OSError: it is there and cannot be read.
    """
    try:
        if path.stat().st_size != file_size(side):
            return False
        content = memoryview(path.read_bytes())
    except FileNotFoundError:
        return False
    return hashlib.sha256(content[:-_HASH]).digest() == content[-_HASH:]


class Films(Protocol):
    """Normalised films of one side."""

    side: int

    def __len__(self) -> int:
        """How many there are."""

    def windows(self, film: int, centres: Centres, size: int) -> Levels:
        """Cut the window `[c - size/2, c + size/2)` around each centre, zero outside the film.

        Args:
            film: which film.
            centres: int32 [n, 2]: row, column.
            size: side of a window in pixels, even.

        Returns:
            uint16 [n, size, size], grey level times `FIXED_POINT`.
        """


def _windows(rows: Callable[[int, int], Levels], side: int, centres: Centres, size: int) -> Levels:
    """Cut windows of a film whose rows from one to another are to be had; see `Films.windows`."""
    cut = np.zeros((len(centres), size, size), np.uint16)
    for window, (row, column) in zip(cut, centres.tolist(), strict=True):
        top, left = row - size // 2, column - size // 2
        first, last = max(top, 0), min(top + size, side)
        low, high = max(left, 0), min(left + size, side)
        if first < last and low < high:
            window[first - top : last - top, low - left : high - left] = rows(first, last)[
                :, low:high
            ]
    return cut


class HeldFilms:
    """Films in memory.

    Args:
        films: uint16 [n, S, S], grey level times `FIXED_POINT`.
    """

    def __init__(self, films: Levels) -> None:
        self._films, self.side = films, int(films.shape[1])

    def __len__(self) -> int:
        return len(self._films)

    def windows(self, film: int, centres: Centres, size: int) -> Levels:
        """Cut windows; see `Films.windows`."""
        return _windows(lambda first, last: self._films[film, first:last], self.side, centres, size)


class StoredFilms:
    """Films in files; nothing of them stays in memory but what the system caches of the files.

    A file is opened for each example, so that a data set may have any number of films: maps that
    are kept open would each hold a file descriptor.

    Args:
        paths: files of `write_film`.
        side: of the films in pixels.
    """

    def __init__(self, paths: Sequence[Path], side: int) -> None:
        self._paths, self.side = [str(path) for path in paths], side
        self._start = _start(side)

    def __len__(self) -> int:
        return len(self._paths)

    def windows(self, film: int, centres: Centres, size: int) -> Levels:
        """Cut windows; see `Films.windows`.

        Raises:
            OSError: the file is gone or cut off.
        """
        path, width = self._paths[film], self.side * _LEVELS.itemsize

        def rows(first: int, last: int) -> Levels:
            read = os.pread(file, (last - first) * width, self._start + first * width)
            if len(read) != (last - first) * width:
                raise OSError(f"{path}: {LOST}")
            return np.frombuffer(read, _LEVELS).reshape(-1, self.side)

        try:
            file = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise OSError(f"{path}: {LOST} ({error.strerror})") from error
        try:
            return _windows(rows, self.side, centres, size)
        finally:
            os.close(file)
