"""The rows of the tables about films: their columns, and the values of one film."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cxr_tf.films.parquet import parse_cell
from cxr_tf.films.reading import FAILED, Answer, Reading
from cxr_tf.measures.wilson import wilson
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


#: One line for a status that the model, not the reader, gave.
REASONS = {
    NO_LUNG: "the lungs found fill less than 1 % of the film",
    NOT_CHEST_FILM: "this does not look like a frontal chest film",
    CONSTANT: "every pixel has the same grey level",
    TOO_LARGE: "the film has more pixels than are read",
    UNREADABLE: "the film cannot be decoded",
    UNSUPPORTED: "this kind of image is not supported",
}


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


class Named(Protocol):
    """What a row says of the model.

    Attributes:
        classes: names in order.
        model_version: names weights and options.
    """

    @property
    def classes(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def model_version(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Row:
    """One film's row, and what is told of it.

    Attributes:
        values: in the order of `score_columns`.
        status: what became of the film.
        label: its class, or ''.
        error: a one-line reason, or ''.
        failed: whether it counts as a failed input.
    """

    values: tuple[object, ...]
    status: str
    label: str
    error: str
    failed: bool


def row_of(
    path: str,
    reading: Reading,
    answer: Answer,
    model: Named,
    seed: int,
    trouble: str = "",
) -> Row:
    """Make the row of a film, the same for every engine.

    Args:
        path: the film.
        reading: what came of reading it.
        answer: what the model said.
        model: the model.
        seed: the seed of the run.
        trouble: why something beside the score was not written, or ''.

    Returns:
        The row.
    """
    status, label, error = reading.status, "", reading.error or answer.error
    prediction = answer.prediction
    if prediction is not None:
        status, label = prediction.status, prediction.label
    elif answer.error:
        status = FAILED
    reason = REASONS.get(status, "")
    if prediction is not None and status == NOT_CHEST_FILM and prediction.warning:
        reason = f"{reason}: {prediction.warning}"
    error = trouble or one_line(error or reason)
    failed = status in FAILURES or status == FAILED or bool(trouble)
    if prediction is not None:
        values = score_row(path, prediction, model.classes, seed, error)
    else:
        version = model.model_version
        values = failure_row(path, status, model.classes, seed, version, error)
    return Row(values, status, label, error, failed)
