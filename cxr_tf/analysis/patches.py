"""Intensity of the patches that a network decides rightly, by class (Fig. 5)."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cxr_tf.analysis.class_tables import MARKS, comparison_table, group_table
from cxr_tf.analysis.cohort import CLASSES
from cxr_tf.analysis.table_files import PaperTable
from cxr_tf.evaluation.split import class_map_of
from cxr_tf.films.split_answers import ReadFilm, film_path, predict_reading, readings
from cxr_tf.films.table import Table
from cxr_tf.measures.metrics import Bools, Floats
from cxr_tf.method.vote_options import VoteOptions
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from pipelines.labels import LEFT_LUNG, RIGHT_LUNG
from pipelines.manifest.rows import ManifestRow
from pipelines.status import OK

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel
    from cxr_tf.films.prediction import Prediction

COLUMNS = ("path", "class", "patch", "row", "column", "vote", "correct", "mean", "sd")
#: What is measured of a patch, as the paper calls it.
MEASURES = {"means": "Inter-patch: mean of a patch", "sds": "Intra-patch: SD within a patch"}
NOTE = (
    f"{MARKS} Test films; patches that the network decides rightly, their lung pixels alone. "
    "Patches of one film overlap and are no independent values: p by patch, as in the paper, is "
    "far too small; the tables by film compare one average a film."
)


def patch_figures(
    film: npt.NDArray[np.floating], lungs: Bools, centres: npt.NDArray[np.integer], size: int
) -> Floats:
    """Measure the lung pixels of patches.

    Args:
        film: float [S, S], normalised, 0..255.
        lungs: bool [S, S].
        centres: int [K, 2]: row, column; each on a lung.
        size: side of a patch, even; what lies outside the film is left out.

    Returns:
        float64 [K, 2]: mean and standard deviation of g / 255.
    """
    found = np.empty((len(centres), 2))
    for index, (row, column) in enumerate(centres):
        window = tuple(slice(max(0, x - size // 2), x + size // 2) for x in (row, column))
        values = np.asarray(film[window], np.float64)[lungs[window]] / 255.0
        found[index] = values.mean(), values.std()
    return found


class Patches:
    """Figures of patches, film by film.

    Args:
        model: decides patches.
        rows: the films.

    Raises:
        UsageError: the model looks at whole films or only segments, or has other classes.
    """

    def __init__(self, model: "TriageModel", rows: Sequence[ManifestRow]) -> None:
        options = model.card.options
        if options.approach == "global" or not model.classes:
            raise UsageError("--patches needs a model that decides patches: give a local one")
        self.classes = class_map_of(model.classes, model.card.class_map)
        self.model = model
        self.resolution_limit: int | None = options.resolution_limit or None
        self.size = options.patch_side
        self.rows = [row for row in rows if row.split_classification == "test"]
        if not self.rows:
            raise UsageError("--patches: there is no test film; leave it out or change --split")
        self.films: list[tuple[int, Floats]] = []  # true class, figures of the right patches

    def add(
        self, truth: int, prediction: "Prediction", film: npt.NDArray[np.floating]
    ) -> tuple[npt.NDArray[np.int64], Floats]:
        """Measure the patches of a film.

        Args:
            truth: its class.
            prediction: the model's answer, explained; its status is ok.
            film: float [1024, 1024], normalised, 0..255.

        Returns:
            Each patch's vote, int64 [K], and its figures, float64 [K, 2].
        """
        assert prediction.mask is not None and prediction.centres is not None
        assert prediction.patch_probabilities is not None
        enlarged = len(film) // len(prediction.mask)
        lungs = (
            np.isin(prediction.mask, (LEFT_LUNG, RIGHT_LUNG))
            .repeat(enlarged, 0)
            .repeat(enlarged, 1)
        )
        used = prediction.patches_used
        figures = patch_figures(film, lungs, prediction.centres[:used], self.size)
        votes = prediction.patch_probabilities[:used].argmax(1)
        self.films.append((truth, figures[votes == truth]))
        return votes, figures

    def groups(self, measure: str, *, by_film: bool) -> dict[str, Floats]:
        """Sort the patches that were decided rightly by class.

        Args:
            measure: a key of `MEASURES`.
            by_film: one average a film in place of every patch.

        Returns:
            Values by class; classes without any are left out.
        """
        place, found = list(MEASURES).index(measure), {}
        for index, name in enumerate(self.classes.names):
            own = [f[:, place] for truth, f in self.films if truth == index and len(f)]
            if own:
                found[name] = np.array([x.mean() for x in own]) if by_film else np.concatenate(own)
        return found

    def names(self) -> dict[str, str]:
        """Give the classes as they are written."""
        return {
            name: ", ".join(
                CLASSES.get(member, member)
                for member, own in self.classes.members.items()
                if own == name and member in CLASSES
            )
            or name
            for name in self.classes.names
        }

    def tables(self) -> list[PaperTable]:
        """Make the tables behind Fig. 5."""
        found, tables, names = {}, [], self.names()
        for measure, title in MEASURES.items():
            films = {name: len(x) for name, x in self.groups(measure, by_film=True).items()}
            for by_film in (False, True):
                unit = "film" if by_film else "patch"
                name = f"patch_{measure}" + ("_by_film" if by_film else "")
                heading = f"Fig. 5, {title}, by {unit}"
                groups = self.groups(measure, by_film=by_film)
                table, found[f"{measure} by {unit}"] = group_table(
                    name, heading, groups, ("films", films), names, NOTE
                )
                tables.append(table)
        return [*tables, comparison_table(found, "patch_comparisons", names)]

    def markers(self) -> Mapping[str, Mapping[str, Floats]]:
        """Give what the figure shows: values by title and class."""
        return {title: self.groups(key, by_film=False) for key, title in MEASURES.items()}


def measure_patches(
    found: Patches,
    read: ReadFilm,
    table: Path,
    *,
    folder: Path,
    patches: int,
    seed: int,
    reporter: Reporter,
) -> None:
    """Let the model decide the patches of test films, and measure them.

    Args:
        found: takes the figures.
        read: reads a film; called in another thread.
        table: the CSV to write, `COLUMNS`; films without a decision have no row.
        folder: the data's folder, which paths are given from.
        patches: patches of each film.
        seed: seed of their centres.
        reporter: told of every film.

    Raises:
        OSError: the table cannot be written; it appears under its name only when complete.
    """
    from cxr_tf.films.normalised import raw_and_normalised_at
    from pipelines.sizes import CLASSIFICATION_SIZE

    films = raw_and_normalised_at(CLASSIFICATION_SIZE, found.resolution_limit)
    output = Table(table, COLUMNS)
    with contextlib.closing(output):
        for row, reading in readings(found.rows, read, reporter):
            path = film_path(row, folder)
            prediction, status, error = predict_reading(
                found.model, reading, VoteOptions(seed=seed, patches=patches), explain=True
            )
            if prediction is not None and status == OK:
                assert prediction.centres is not None
                _, film, _ = films(reading.pixels, reading.padding)
                truth = found.classes.index(row.label)
                votes, figures = found.add(truth, prediction, film)
                output.add(
                    *(
                        (path, row.label, index, *map(int, prediction.centres[index]),
                         found.classes.names[vote], int(vote == truth), f"{mean:.6f}", f"{sd:.6f}")
                        for index, (vote, (mean, sd)) in enumerate(zip(votes, figures, strict=True))
                    )
                )  # fmt: skip
            reporter.film(path, status, "", 0.0, error, False)
        output.commit()
