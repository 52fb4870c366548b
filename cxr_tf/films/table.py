"""The tables a scoring run leaves, written atomically: their columns and rows."""

import csv
import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxr_tf.parquet import parse_cell, write_parquet
from cxr_tf.reliability.wilson import wilson
from cxr_tf.whole_files import write_text
from pipelines.cells import plain_text
from pipelines.manifest_checks import file_sha256
from pipelines.status import (
    CONSTANT,
    NO_LUNG,
    NOT_CHEST_FILM,
    OK,
    TOO_LARGE,
    UNREADABLE,
    UNSUPPORTED,
)

if TYPE_CHECKING:
    from cxr_tf.loading import Prediction

#: Reading or the model broke by a fault of its own: a status of scoring, never of the model.
FAILED = "failed"

#: One line for a status that the model, not the reader, gave.
REASONS = {
    NO_LUNG: "the lungs found fill less than 1 % of the film",
    NOT_CHEST_FILM: "this does not look like a frontal chest film",
    CONSTANT: "every pixel has the same grey level",
    TOO_LARGE: "the film has more pixels than are read",
    UNREADABLE: "the film cannot be decoded",
    UNSUPPORTED: "this kind of image is not supported",
}


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


def csv_line(values: Sequence[object]) -> str:
    """Write one row of a table.

    Args:
        values: the cells; text that a spreadsheet would compute gets an apostrophe ahead.

    Returns:
        The row with its line end. A carriage return within a cell is quoted, which csv does only
        where the line end has one.
    """
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\r\n").writerow([utf8(plain_text(str(v))) for v in values])
    return line.getvalue()[:-2] + "\n"


def partial_of(path: Path) -> Path:
    """Name the file that a table is written to until it is complete.

    Args:
        path: where the finished table lies.
    """
    return path.with_name(path.name + ".partial")


def read_rows(path: Path, columns: Sequence[str]) -> list[list[str]]:
    """Read what a killed run left of a table.

    Args:
        path: the partial file.
        columns: its header.

    Returns:
        The whole rows; one that was being written is left out. None where there is no such table.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    whole = content[: content.rfind(b"\n") + 1].decode("utf-8")
    rows = list(csv.reader(io.StringIO(whole, newline="")))
    if not rows or tuple(rows[0]) != tuple(columns):
        return []
    # A line end within quotes can make the last row look whole; its cells are too few then.
    return [row for row in rows[1:] if len(row) == len(columns)]


class Table:
    """A table that appears under its name only when it is complete.

    Rows go to `<name>.csv.partial` and reach the system one by one, so that an interrupted run
    leaves what was done; `finish` makes the finished table of them, `drop` removes them once the
    whole run is complete. Between the two a run can be killed and loses nothing. `commit` does
    both. Text that a spreadsheet would compute gets an apostrophe ahead.

    Args:
        path: where the finished CSV table lies.
        columns: the header.
        kept: rows to begin with, those of a run that goes on.
        parquet: finish it as Parquet, under the same name with that suffix.
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        kept: Iterable[Sequence[str]] = (),
        parquet: bool = False,
    ) -> None:
        self.path = path.with_suffix(".parquet") if parquet else path
        self.partial = partial_of(path)
        self.columns = tuple(columns)
        self.rows = 0
        # The partial file of an earlier run is replaced only once all that is kept is written.
        fresh = path.with_name(path.name + ".new")
        self._stream = fresh.open("w", encoding="utf-8", newline="")
        self._stream.write(csv_line(self.columns))
        for row in kept:
            self._write(row)
        self._stream.flush()
        os.replace(fresh, self.partial)

    def add(self, *rows: Sequence[object]) -> None:
        """Append rows and hand them to the system.

        Args:
            *rows: sequences as long as the header.

        Raises:
            ValueError: a row has another length than the header.
        """
        for row in rows:
            self._write(row)
        self._stream.flush()

    def _write(self, row: Sequence[object]) -> None:
        if len(row) != len(self.columns):
            raise ValueError(f"{self.path}: {len(row)} values for {len(self.columns)} columns")
        self._stream.write(csv_line(row))
        self.rows += 1

    def finish(self) -> str:
        """Make the finished table; the partial one stays.

        Returns:
            The SHA-256 of its content, in hexadecimal.
        """
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        if self.path.suffix == ".parquet":
            write_parquet(self.partial, self.path)
        else:
            _copy(self.partial, self.path)
        return file_sha256(self.path)

    def commit(self) -> str:
        """Make the finished table, and remove the partial one.

        Returns:
            The SHA-256 of its content, in hexadecimal.
        """
        digest = self.finish()
        self.drop()
        return digest

    def drop(self) -> None:
        """Remove the partial table, when nothing will go on from it."""
        self.partial.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; `<name>.csv.partial` stays."""
        self._stream.close()


def _copy(source: Path, path: Path) -> None:
    """Give a file a second name, whole or not at all; a copy where links are not known."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    try:
        os.link(source, fresh)
    except OSError:
        shutil.copyfile(source, fresh)
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
    os.replace(fresh, path)


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write a JSON object so that the file is whole or not there.

    Args:
        path: the file to write.
        record: what JSON can hold.
    """
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, utf8(text) + "\n")


def score_columns(classes: Sequence[str]) -> tuple[str, ...]:
    """Name the columns of `scores.csv`.

    Args:
        classes: the model's classes, in order.

    Returns:
        The header. Later columns are added behind.
    """
    return (
        "path",
        "status",
        "label",
        *(f"votes_{name}" for name in classes),
        *(f"p_{name}" for name in classes),
        "agreement",
        "lung_fraction",
        "patches_used",
        "seed",
        "model_version",
        "error",
        "agreement_low",
        "agreement_high",
        "film_score",
        "mask_quality",
        *(f"calibrated_{name}" for name in classes),
        "conformal_set",
        "abstain",
        "warning",
    )


def score_row(
    path: str, prediction: "Prediction", classes: Sequence[str], seed: int, error: str
) -> tuple[object, ...]:
    """Make the row of a film that the model answered.

    Args:
        path: the film.
        prediction: the model's answer.
        classes: the model's classes, in order.
        seed: the seed of the patch centres.
        error: a one-line reason, or ''.

    Returns:
        Values in the order of `score_columns`; fractions with six decimals.
    """
    calibrated, possible = prediction.calibrated_probabilities, prediction.conformal_set
    if calibrated is None or possible is None:  # a model of an earlier version
        calibrated, possible = prediction.probabilities, 0 * prediction.votes
        possible += prediction.status == OK
    most = max(map(int, prediction.votes))
    return (
        path,
        prediction.status,
        prediction.label,
        *(int(votes) for votes in prediction.votes),
        *(f"{float(probability):.6f}" for probability in prediction.probabilities),
        f"{float(prediction.agreement):.6f}",
        f"{float(prediction.lung_fraction):.6f}",
        int(prediction.patches_used),
        seed,
        prediction.model_version,
        one_line(error),
        *(f"{end:.6f}" for end in wilson(most, int(prediction.patches_used))),
        f"{float(prediction.film_score):.6f}",
        f"{float(prediction.mask_quality):.6f}",
        *(f"{float(probability):.6f}" for probability in calibrated),
        "|".join(name for name, there in zip(classes, possible, strict=True) if there),
        int(prediction.abstain),
        prediction.warning if prediction.status == OK else "",
    )


def typed_record(columns: Sequence[str], row: Sequence[object]) -> dict[str, int | float | str]:
    """Give a row by column, as the typed tables hold it.

    Args:
        columns: such as `score_columns`.
        row: values in their order, as they are written.

    Returns:
        Column to value: exactly what a reader of the table finds.
    """
    cells = zip(columns, row, strict=True)
    return {column: parse_cell(column, utf8(str(value))) for column, value in cells}


def failure_row(
    path: str, status: str, classes: Sequence[str], seed: int, model_version: str, error: str
) -> tuple[object, ...]:
    """Make the row of a film that never reached an answer: numbers are 0, as when served.

    Args:
        path: the film.
        status: why there is none.
        classes: the model's classes, in order.
        seed: the seed of the run.
        model_version: the model's.
        error: a one-line reason.

    Returns:
        Values in the order of `score_columns`.
    """
    zero = f"{0:.6f}"
    numbers = (*(0 for _ in classes), *(zero for _ in classes), zero, zero, 0)
    later = (zero, zero, zero, zero, *(zero for _ in classes), "", 0, "")
    return (path, status, "", *numbers, seed, model_version, one_line(error), *later)


def patch_columns(classes: Sequence[str]) -> tuple[str, ...]:
    """Name the columns of `patches.csv`.

    Args:
        classes: the model's classes, in order.

    Returns:
        The header; row and column are the patch's centre on the 1024 x 1024 film.
    """
    return ("path", "patch", "row", "column", *(f"p_{name}" for name in classes), "vote")


def patch_rows(
    path: str, prediction: "Prediction", classes: Sequence[str]
) -> Iterator[tuple[object, ...]]:
    """Make a row for each patch that voted.

    Args:
        path: the film.
        prediction: the model's answer, asked for with `explain=True`.
        classes: the model's classes, in order.

    Yields:
        Values in the order of `patch_columns`; none where the film has no decision.
    """
    if prediction.centres is None or prediction.patch_probabilities is None:
        return
    for patch in range(int(prediction.patches_used)):
        row, column = prediction.centres[patch]
        probabilities = prediction.patch_probabilities[patch]
        values = (f"{float(probability):.6f}" for probability in probabilities)
        vote = classes[int(probabilities.argmax())]
        yield (path, patch, int(row), int(column), *values, vote)
