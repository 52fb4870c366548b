"""Every film of an analysis measured, before and after normalisation: `biomarkers.csv`."""

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cxr_tf.analysis.masks import Masks
from cxr_tf.films.normalised import raw_and_normalised_at
from cxr_tf.films.reading import FAILED
from cxr_tf.films.rows import REASONS
from cxr_tf.films.split_answers import ORIGIN, ReadFilm, Tally, film_path, origin, readings
from cxr_tf.films.table import Table
from cxr_tf.measures.biomarkers import FIGURES, Biomarkers, Labels, biomarkers
from cxr_tf.measures.metrics import Floats
from cxr_tf.measures.under_segmentation import LIMIT
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.stopping import raise_if_stopped
from cxr_tf.runtime.text import one_line
from pipelines.labels import HEART, LEFT_LUNG, RIGHT_LUNG
from pipelines.manifest.rows import ManifestRow
from pipelines.sizes import SEGMENTATION_SIZE
from pipelines.status import CONSTANT, OK

#: Intensities are counted in so many equal bins over 0..1.
BINS = 256
#: Figures of the film as it was read, without equalisation and gamma (Fig. 11b).
RAW_FIGURES = ("raw_lung_mean", "raw_lung_sd", "raw_heart_mean")
COLUMNS = (
    "path", "status", *ORIGIN, "view", "mask", *FIGURES, "under_segmented", *RAW_FIGURES,
    "reason", "error",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """A film with its biomarkers.

    Attributes:
        row: the film.
        found: biomarkers of the normalised film.
        raw: those of the film as it was read; only the intensities differ.
        histograms: shares of the lungs' pixels by intensity, raw and normalised, float64
            [2, BINS]; the heart's likewise in [2:4]; zero where the part is missing.
    """

    row: ManifestRow
    found: Biomarkers
    raw: Biomarkers
    histograms: Floats

    def figures(self) -> dict[str, float]:
        """Give all figures by the names of the table's columns."""
        raw = (self.raw.lung_mean, self.raw.lung_sd, self.raw.heart_mean)
        own = {name: float(getattr(self.found, name)) for name in FIGURES}
        return own | dict(zip(RAW_FIGURES, raw, strict=True))


def _histogram(film: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_]) -> Floats:
    counts, _ = np.histogram(film[mask], BINS, (0.0, 255.0))
    return counts / max(1, counts.sum())


def measure_film(
    row: ManifestRow, raw: npt.NDArray[np.float32], film: npt.NDArray[np.float32], labels: Labels
) -> Measured:
    """Measure one film.

    Args:
        row: the film.
        raw: float32 [H, W], as it was read, 0..255.
        film: float32 [H, W], normalised, 0..255.
        labels: uint8 [H, W], its label map.

    Returns:
        Its biomarkers and histograms.
    """
    lungs, heart = np.isin(labels, (LEFT_LUNG, RIGHT_LUNG)), labels == HEART
    histograms = [_histogram(x, mask) for mask in (lungs, heart) for x in (raw, film)]
    return Measured(row, biomarkers(film, labels), biomarkers(raw, labels), np.stack(histograms))


def _cells(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6f}"


def measure_films(
    rows: Sequence[ManifestRow],
    masks: Masks,
    read: ReadFilm,
    table: Path,
    *,
    folder: Path,
    mask_name: str,
    reporter: Reporter,
    observe: Callable[[Measured, Any, npt.NDArray[np.float32], Labels], None] | None = None,
) -> tuple[list[Measured], Tally]:
    """Measure every film, and write the biomarkers.

    Args:
        rows: the films.
        masks: gives a film's label map.
        read: reads a film; called in another thread.
        table: the CSV to write, `COLUMNS`; a figure that is missing is blank.
        folder: the data's folder, which paths are given from.
        mask_name: what the column `mask` says: where the label maps come from.
        reporter: told of every film.
        observe: takes each film measured with its reading, normalised film and label map.

    Returns:
        The films measured, and what became of all.

    Raises:
        OSError: the table cannot be written; it appears under its name only when complete.
    """
    tally, measured = Tally(), []
    films = raw_and_normalised_at(SEGMENTATION_SIZE, masks.resolution_limit)
    output = Table(table, COLUMNS)
    with contextlib.closing(output):
        for row, reading in readings(rows, read, reporter):
            began, path = time.perf_counter(), film_path(row, folder)
            status, error, one = reading.status, reading.error, None
            if status == OK:
                try:
                    raw, film, constant = films(reading.pixels, reading.padding)
                    labels, status = (None, CONSTANT) if constant else masks(row, reading)
                    if labels is not None and status == OK:
                        one = measure_film(row, raw, film, labels)
                        if observe is not None:
                            observe(one, reading, film, labels)
                except Exception as fault:  # one film must not end the analysis
                    raise_if_stopped()
                    status, one = FAILED, None
                    error = f"measuring broke: {type(fault).__name__}: {fault}"
            if one is not None:
                measured.append(one)
            error = one_line(error or REASONS.get(status, ""))
            figures = one.figures() if one else {}
            values = [_cells(figures.get(name, math.nan)) for name in (*FIGURES, *RAW_FIGURES)]
            share = figures.get("under_segmentation", math.nan)
            flag = "" if math.isnan(share) else int(share > LIMIT)
            reason = one.found.reason if one else ""
            output.add(
                (path, status, *origin(row), row.view, mask_name, *values[: len(FIGURES)], flag,
                 *values[len(FIGURES) :], reason, error)
            )  # fmt: skip
            failed = tally.add(path, status, error)
            seconds = round(time.perf_counter() - began, 4)
            reporter.film(path, status, "", seconds, error, failed)
        output.commit()
    return measured, tally
