"""What a distributed run keeps on disk: the list of films, and the rows of each part of it."""

import csv
import itertools
import json
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cxr_tf.films.inputs import Input
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.text import utf8
from cxr_tf.runtime.whole_files import whole
from cxr_tf.scoring.run_record import PathsDigest

_LIST = "films.jsonl"
#: A long list is cut into parts of so many films, a short one into about so many parts.
_MOST_FILMS = 128
_PARTS = 64


@dataclass(frozen=True)
class Parts:
    """The folder of a run that is not complete.

    Attributes:
        folder: holds the list of films and, for every part that is done, its rows.
        films: number of films.
        digest: SHA-256 of their paths.
    """

    folder: Path
    films: int
    digest: str

    @property
    def size(self) -> int:
        """Films in a part; a function of their number alone, so that a run goes on with it."""
        return min(_MOST_FILMS, max(1, self.films // _PARTS))

    def rows_of(self, number: int) -> Path:
        """Name the file that holds the rows of a part, without a header."""
        return self.folder / f"{number:08}.csv"

    def done(self) -> set[int]:
        """Find the parts whose rows are there."""
        return {int(path.stem) for path in self.folder.glob("[0-9]*.csv")}

    def write(self, number: int, text: str) -> None:
        """Write the rows of a part, whole or not at all; written again, the file is the same.

        Args:
            number: of the part.
            text: the rows as CSV.
        """
        with whole(self.rows_of(number)) as fresh:
            fresh.write_text(text, encoding="utf-8", newline="")

    def left(self, done: Collection[int]) -> Iterator[tuple[int, list[tuple[str, str]]]]:
        """Read the parts of the list that are to be scored, one at a time.

        Args:
            done: the parts to leave out.

        Yields:
            The number of the part, and path and fault of its films.
        """
        with (self.folder / _LIST).open(encoding="ascii") as lines:
            for number in itertools.count():
                chunk = list(itertools.islice(lines, self.size))
                if not chunk:
                    return
                if number not in done:
                    yield number, [tuple(json.loads(line)) for line in chunk]

    def rows(self) -> Iterator[list[str]]:
        """Read the rows of all parts that are done, in the order of the films.

        Yields:
            The cells of a row of `scores.csv`.

        Raises:
            UsageError: a part holds the rows of other films.
        """
        done = self.done()
        for number, films in self.left(()):
            if number not in done:
                continue
            with self.rows_of(number).open(encoding="utf-8", newline="") as file:
                found = list(csv.reader(file))
            if [row[0] for row in found] != [utf8(path) for path, _ in films]:
                raise UsageError(
                    f"{self.rows_of(number)} has been changed: its films are not those of the run; "
                    "remove it, and the same command scores them again"
                )
            yield from found

    def keep_list(self) -> None:
        """Make the list that was just written the run's own."""
        os.replace(self.folder / (_LIST + ".new"), self.folder / _LIST)

    def clear(self) -> None:
        """Remove the files of parts, those of an earlier run."""
        for pattern in ("[0-9]*", ".*.new*"):  # the second: what a kill left
            for path in self.folder.glob(pattern):
                path.unlink()

    def drop(self) -> None:
        """Remove the folder, when nothing will go on from it."""
        self.clear()
        for name in (_LIST, _LIST + ".new"):
            (self.folder / name).unlink(missing_ok=True)
        self.folder.rmdir()


def list_films(inputs: Iterable[Input], folder: Path) -> Parts:
    """Write down what is to be scored; memory holds one film at a time.

    Args:
        inputs: the films.
        folder: made if it is not there. An earlier list in it stays until `Parts.keep_list`.

    Returns:
        The parts of the run.
    """
    folder.mkdir(exist_ok=True)
    films, digest = 0, PathsDigest()
    with (folder / (_LIST + ".new")).open("w", encoding="ascii") as file:
        for item in inputs:
            file.write(json.dumps([item.name, item.fault]) + "\n")
            digest.add(item.name)
            films += 1
        file.flush()
        os.fsync(file.fileno())
    return Parts(folder, films, digest.hex())
