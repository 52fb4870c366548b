"""The record of one film: a typed value for each column of `scores.csv`, derived from the outputs.

Numbers stay numbers until a table is written; fractions have six decimals.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxr_tf.films.columns import Column, Kind, Value
from cxr_tf.films.reading import FAILED, Answer, Reading
from cxr_tf.method.model_card import ModelCard
from cxr_tf.method.outputs import CLASS, Output, given_by
from cxr_tf.runtime.text import one_line, utf8
from pipelines.status import (
    CONSTANT,
    FAILURES,
    NO_LUNG,
    NOT_CHEST_FILM,
    OK,
    TOO_LARGE,
    UNREADABLE,
    UNSUPPORTED,
)

if TYPE_CHECKING:
    from cxr_tf.films.prediction import Prediction

#: A film's row of `scores.csv`, column by column in their order.
Record = dict[str, Value]

#: One line for a status that the model, not the reader, gave.
REASONS = {
    NO_LUNG: "the lungs found fill less than 1 % of the film",
    NOT_CHEST_FILM: "this does not look like a frontal chest film",
    CONSTANT: "every pixel has the same grey level",
    TOO_LARGE: "the film has more pixels than are read",
    UNREADABLE: "the film cannot be decoded",
    UNSUPPORTED: "this kind of image is not supported",
}

_KINDS: dict[str, Kind] = {
    "string": "string",
    "float32": "float64",
    "float64": "float64",
    "int32": "int32",
    "uint8": "int32",
    "bool": "int32",
}


@dataclass(frozen=True)
class RunColumn:
    """A column that no output of the model fills.

    Attributes:
        name: of the column.
        kind: of its values.
        meaning: half a sentence for the documentation.
        after: the output that it stands behind; '' for the first column.
    """

    name: str
    kind: Kind
    meaning: str
    after: str


RUN_COLUMNS = (
    RunColumn("path", "string", "the input as it was named, or as it was found in a folder", ""),
    RunColumn("seed", "int64", "of the patch centres", "patches_used"),
    RunColumn("error", "string", "one line of reason where there is no answer", "model_version"),
)


@dataclass(frozen=True)
class Row:
    """One film's record, and whether it counts as a failed input.

    Attributes:
        record: column to value.
        failed: see above.
    """

    record: Record
    failed: bool

    @property
    def status(self) -> str:
        """What became of the film."""
        return str(self.record["status"])

    @property
    def label(self) -> str:
        """Its class, or ''."""
        return str(self.record["label"])

    @property
    def error(self) -> str:
        """A one-line reason, or ''."""
        return str(self.record["error"])


def _ordered() -> Iterator[Output | RunColumn]:
    """Everything that fills columns, in their order."""
    yield from (column for column in RUN_COLUMNS if not column.after)
    given = given_by("decide")
    for output in given:
        if not output.after:
            yield output
            yield from (column for column in RUN_COLUMNS if column.after == output.name)
            yield from (each for each in given if each.after == output.name)


def _kind(output: Output) -> Kind:
    """Kind of the columns of an output; a list of classes is text."""
    return "string" if output.shape and CLASS not in output.column else _KINDS[output.dtype]


def score_columns(classes: Sequence[str]) -> tuple[Column, ...]:
    """Name the columns of `scores.csv`, each with its kind.

    Args:
        classes: the model's classes, in order.

    Returns:
        The header. Later columns are added behind.
    """
    found: list[Column] = []
    for source in _ordered():
        if isinstance(source, RunColumn):
            found.append(Column(source.name, source.kind))
        else:
            kind = _kind(source)
            found += [Column(name, kind) for name in source.columns(tuple(classes))]
    return tuple(found)


def column_meanings() -> dict[str, str]:
    """Say what each column of `scores.csv` means, for the documentation.

    Returns:
        Meaning by name, in order; `CLASS` stands for the name of each class.
    """
    named = {
        (source.name if isinstance(source, RunColumn) else source.column): source.meaning
        for source in _ordered()
    }
    return {name: meaning for name, meaning in named.items() if name}


def score_record(
    path: str,
    prediction: "Prediction",
    classes: Sequence[str],
    seed: int,
    error: str,
    note: str = "",
) -> Record:
    """Make the record of a film that the model answered.

    Args:
        path: the film.
        prediction: the model's answer.
        classes: the model's classes, in order.
        seed: the seed of the patch centres.
        error: a one-line reason, or ''.
        note: what is to be known of the film beside the model's own warning, or ''.
    """
    values = {output.name: getattr(prediction, output.name) for output in given_by("decide")}
    # Without an answer the model's warning is the reason, and part of the error.
    warnings = (prediction.warning if prediction.status == OK else "", one_line(note))
    values["warning"] = "; ".join(filter(None, warnings))
    return _record(path, values, classes, seed, error)


def failure_record(
    path: str, status: str, classes: Sequence[str], seed: int, model_version: str, error: str
) -> Record:
    """Make the record of a film that never reached an answer: numbers are 0, as when served.

    Args:
        path: the film.
        status: why there is none.
        classes: the model's classes, in order.
        seed: the seed of the run.
        model_version: the model's.
        error: a one-line reason.
    """
    values = {
        output.name: [output.missing] * len(classes) if output.shape else output.missing
        for output in given_by("decide")
    }
    values |= {"status": status, "model_version": model_version}
    return _record(path, values, classes, seed, error)


def _record(
    path: str, values: Mapping[str, object], classes: Sequence[str], seed: int, error: str
) -> Record:
    """Put values of outputs, and what a run knows beside them, into the order of the columns."""
    known: Record = {"path": path, "seed": int(seed), "error": one_line(error)}
    for output in given_by("decide"):
        names = output.columns(tuple(classes))
        known |= zip(names, output.cells(values[output.name], tuple(classes)), strict=True)
    record = {column: known[column] for column in score_columns(classes)}
    return {k: utf8(v) if isinstance(v, str) else v for k, v in record.items()}


def row_of(
    path: str,
    reading: Reading,
    answer: Answer,
    card: ModelCard,
    seed: int,
    trouble: str = "",
    note: str = "",
) -> Row:
    """Make the row of a film, the same for every engine.

    Args:
        path: the film.
        reading: what came of reading it.
        answer: what the model said.
        card: the model's.
        seed: the seed of the run.
        trouble: why something beside the score was not written, or ''.
        note: what something beside the score does without, or ''.

    Returns:
        The row.
    """
    status, error = reading.status, reading.error or answer.error
    prediction = answer.prediction
    if prediction is not None:
        status = prediction.status
    elif answer.error:
        status = FAILED
    error = trouble or one_line(
        error or reason_of(status, prediction.warning if prediction else "")
    )
    if prediction is not None:
        notes = "; ".join(filter(None, (reading.warning, note)))
        record = score_record(path, prediction, card.classes, seed, error, notes)
    else:
        record = failure_record(path, status, card.classes, seed, card.model_version, error)
    return Row(record, is_failure(status) or bool(trouble))


def reason_of(status: str, warning: str = "") -> str:
    """Put a status without an answer into words; '' for one that needs none.

    Args:
        status: what became of a film.
        warning: what the model says beside it.
    """
    reason = REASONS.get(status, "")
    if warning and status == UNSUPPORTED:
        return warning  # the model's sentence holds the numbers
    return f"{reason}: {warning}" if warning and status == NOT_CHEST_FILM else reason


def is_failure(status: str) -> bool:
    """Say whether a film with this status counts as a failed input.

    Args:
        status: what became of it.
    """
    return status in FAILURES or status == FAILED


def patch_columns(classes: Sequence[str]) -> tuple[Column, ...]:
    """Name the columns of `patches.csv`.

    Args:
        classes: the model's classes, in order.

    Returns:
        The header; row and column are the patch's centre on the 1024 x 1024 film.
    """
    places = (Column(name, "int32") for name in ("patch", "row", "column"))
    shares = (Column(f"p_{name}", "float64") for name in classes)
    return (Column("path"), *places, *shares, Column("vote"))


def patch_rows(
    path: str, prediction: "Prediction", classes: Sequence[str]
) -> Iterator[tuple[Value, ...]]:
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
        values = (round(float(probability), 6) for probability in probabilities)
        vote = classes[int(probabilities.argmax())]
        yield (path, patch, int(row), int(column), *values, vote)
