"""Every film of a split through a model: decisions and masks beside the truth, film by film."""

import contextlib
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cxr_tf.films.inputs import Input
from cxr_tf.films.reading import FAILED, Reading, read_ahead
from cxr_tf.films.rows import REASONS, failure_record, is_failure, score_columns, score_record
from cxr_tf.films.table import Table
from cxr_tf.measures.estimates import Decisions
from cxr_tf.measures.metrics import JACCARD_PARTS, label_jaccard, uncertainty_auc
from cxr_tf.method.vote_options import VoteOptions
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.stopping import raise_if_stopped
from cxr_tf.runtime.text import one_line
from pipelines.classes import ClassMap
from pipelines.manifest.rows import ManifestRow
from pipelines.status import NO_LUNG, OK

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel
    from cxr_tf.films.prediction import Prediction
    from pipelines.films import Film

ReadFilm = Callable[[Path | str], "Film"]
ReadMask = Callable[[Path], npt.NDArray[np.bool_]]

#: Columns of both tables that tell where a film comes from.
ORIGIN = ("class", "patient_id", "source", "cohort", "paper_list")
#: A true mask could not be read: the film has no Jaccard, and counts as a failed input.
MASK_UNREADABLE = "mask_unreadable"


@dataclass
class Tally:
    """What became of the films.

    Attributes:
        statuses: films by status.
        not_ok: path, status and reason of each film whose status is not ok.
        failed: films that count as failed inputs (exit status 1).
        would_be_refused: films that the model's gate would have refused, had it been asked.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    not_ok: list[dict[str, str]] = field(default_factory=list)
    failed: int = 0
    would_be_refused: int = 0

    def add(self, path: str, status: str, error: str) -> bool:
        """Count a film; return whether it counts as a failed input.

        Args:
            path: the film.
            status: what became of it.
            error: a one-line reason, or ''.
        """
        failed = is_failure(status) or status == MASK_UNREADABLE
        self.statuses[status] += 1
        self.failed += failed
        if status != OK:
            self.not_ok.append({"path": path, "status": status, "error": error})
        return failed


def film_path(row: ManifestRow, folder: Path) -> str:
    """Return a film's path as results name it: below the data's folder if it lies there.

    Args:
        row: the film.
        folder: the data's folder.
    """
    inside = row.path.is_relative_to(folder)
    return (row.path.relative_to(folder) if inside else row.path).as_posix()


def origin(row: ManifestRow) -> tuple[str, ...]:
    """Return what the columns `ORIGIN` say of a film.

    Args:
        row: the film.
    """
    return (row.label, row.patient_id, row.source, row.cohort, row.paper_list)


def readings(
    rows: Sequence[ManifestRow], read: ReadFilm, reporter: Reporter
) -> Iterator[tuple[ManifestRow, Reading]]:
    """Read films ahead of their use.

    Args:
        rows: the films.
        read: reads a film; called in another thread.
        reporter: told how many there are.

    Yields:
        Each film with what came of reading it.
    """
    inputs = [Input(row.path) for row in rows]
    reporter.start(len(rows))
    try:
        with contextlib.closing(read_ahead(inputs, read)) as readings:
            for row, (_, reading) in zip(rows, readings, strict=True):
                yield row, reading
    finally:
        reporter.stop()


def decide_films(
    model: "TriageModel",
    rows: Sequence[ManifestRow],
    class_map: ClassMap,
    read: ReadFilm,
    table: Path,
    *,
    folder: Path,
    vote: VoteOptions,
    reporter: Reporter,
    observers: Sequence[Callable[[int, "Prediction"], None]] = (),
) -> tuple[Decisions, Tally]:
    """Let a model decide every film, and write the decisions beside the truth.

    Args:
        model: answers `predict`; its classes are those of the map, in order.
        rows: the films.
        class_map: manifest class -> decision class.
        read: reads a film; called in another thread.
        table: the CSV to write: the columns of `scores.csv`, then the truth and the origin.
        folder: the data's folder, which paths are given from.
        vote: how films are put to the vote; none is refused by the gate.
        reporter: told of every film.
        observers: each takes the position and the explained prediction of every film that is ok.

    Returns:
        The decisions (-1 for a film whose status is not ok), and what became of the films.

    Raises:
        OSError: the table cannot be written; it appears under its name only when complete.
    """
    tally = Tally()
    fitted = model.card.reliability
    least = fitted.gate.threshold if fitted is not None else -1.0
    truth = np.array([class_map.index(row.label) for row in rows], np.int64)
    decided = np.full(len(rows), -1, np.int64)
    probabilities = np.zeros((len(rows), len(class_map)), np.float64)
    columns = (*score_columns(model.classes), "truth", "correct", *ORIGIN)
    output = Table(table, columns)
    with contextlib.closing(output):
        for index, (row, reading) in enumerate(readings(rows, read, reporter)):
            began, path = time.perf_counter(), film_path(row, folder)
            prediction, status, error = predict_reading(
                model,
                reading,
                vote,
                explain=bool(observers),
                unweighted=bool(observers),
            )
            error = one_line(error or REASONS.get(status, ""))
            if prediction is None:
                version = model.model_version
                record = failure_record(path, status, model.classes, vote.seed, version, error)
            else:
                record = score_record(
                    path, prediction, model.classes, vote.seed, error, reading.warning
                )
                if status == OK:
                    decided[index] = prediction.class_index
                    probabilities[index] = prediction.probabilities
                    tally.would_be_refused += int(prediction.film_score < least)
                    for observe in observers:
                        observe(index, prediction)
            right = int(decided[index] == truth[index])
            output.add((*record.values(), class_map.names[truth[index]], right, *origin(row)))
            failed = tally.add(path, status, error)
            label = prediction.label if prediction is not None else ""
            seconds = round(time.perf_counter() - began, 4)
            reporter.film(path, status, label, seconds, error, failed)
        output.commit()
    patients = tuple(row.patient for row in rows)
    return Decisions(truth, decided, probabilities, patients), tally


def predict_reading(
    model: "TriageModel", reading: Reading, vote: VoteOptions, **options: bool
) -> "tuple[Prediction | None, str, str]":
    """Let a model decide a film that was read and is known to be a frontal chest film.

    Args:
        model: answers `predict`.
        reading: the film.
        vote: how it is put to the vote; the gate is left out.
        **options: `explain` and `unweighted` of `predict`.

    Returns:
        The answer, None where there is none; the status; and a reason, or ''.
    """
    if reading.status != OK:
        return None, reading.status, reading.error
    try:
        ungated = replace(vote, gate=False)
        prediction = model.predict(reading.pixels, reading.padding, ungated, **options)
    except Exception as fault:  # one film must not end an evaluation of hours
        raise_if_stopped()
        return None, FAILED, f"the model broke: {type(fault).__name__}: {fault}"
    return prediction, prediction.status, ""


@dataclass(frozen=True)
class Segmented:
    """A film with what was found on it.

    Attributes:
        row: the film.
        labels: uint8 [256, 256], the label map.
        jaccard: Jaccard similarities by part.
    """

    row: ManifestRow
    labels: npt.NDArray[np.uint8]
    jaccard: dict[str, float]
    uncertainty_auc: float


def segment_films(
    model: "TriageModel",
    rows: Sequence[ManifestRow],
    read: ReadFilm,
    read_mask: ReadMask,
    table: Path,
    *,
    folder: Path,
    reporter: Reporter,
) -> tuple[list[Segmented], Tally]:
    """Let a model segment every film, and write the Jaccard similarities.

    A film that cannot be read or segmented counts as one where nothing was found.

    Args:
        model: answers `segment`.
        rows: the films; each has a true mask.
        read: reads a film; called in another thread.
        read_mask: reads a mask, bool at its own size.
        table: the CSV to write: path, status, origin, similarities (blank where a film has no
            such mask), how well the uncertainty finds wrong pixels, error.
        folder: the data's folder, which paths are given from.
        reporter: told of every film.

    Returns:
        The films with readable masks, and what became of all.

    Raises:
        OSError: the table cannot be written; it appears under its name only when complete.
    """
    tally, found = Tally(), []
    output = Table(table, ("path", "status", *ORIGIN, *JACCARD_PARTS, "uncertainty_auc", "error"))
    with contextlib.closing(output):
        for row, reading in readings(rows, read, reporter):
            began, path = time.perf_counter(), film_path(row, folder)
            labels, uncertainty, status, error = _segment(model, reading)
            jaccard: dict[str, float] = {}
            area = float("nan")
            try:
                masks = {name: read_mask(file) for name, file in row.masks.items()}
                jaccard = label_jaccard(labels, masks)
                if uncertainty is not None:
                    area = uncertainty_auc(uncertainty, labels, masks)
                found.append(Segmented(row, labels, jaccard, area))
            except Exception as fault:  # a foreign file may break its decoder in any way
                raise_if_stopped()
                status = MASK_UNREADABLE
                error = f"a mask cannot be read ({type(fault).__name__}: {fault}): restore it"
            error = one_line(error or REASONS.get(status, ""))
            values = [jaccard.get(part, float("nan")) for part in JACCARD_PARTS] + [area]
            cells = ("" if math.isnan(value) else f"{value:.6f}" for value in values)
            output.add((path, status, *origin(row), *cells, error))
            failed = tally.add(path, status, error)
            seconds = round(time.perf_counter() - began, 4)
            reporter.film(path, status, "", seconds, error, failed)
        output.commit()
    return found, tally


def _segment(
    model: "TriageModel", reading: Reading
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32] | None, str, str]:
    nothing = np.zeros((256, 256), np.uint8)
    if reading.status != OK:
        return nothing, None, reading.status, reading.error
    try:
        found = model.segment(reading.pixels, reading.padding)
    except Exception as fault:  # one film must not end an evaluation of hours
        raise_if_stopped()
        return nothing, None, FAILED, f"the model broke: {type(fault).__name__}: {fault}"
    if found.status not in (OK, NO_LUNG):
        return nothing, None, found.status, ""
    return found.mask, found.uncertainty, found.status, ""
