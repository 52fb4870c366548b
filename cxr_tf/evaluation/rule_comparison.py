"""Decisions of the same patches by other rules than the majority, film by film and in figures."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cxr_tf.films.split_answers import film_path
from cxr_tf.films.table import Table
from cxr_tf.measures.bootstrap import mean_estimate
from cxr_tf.measures.metrics import classification_metrics, confusion_matrix
from cxr_tf.measures.rule_names import RULES
from cxr_tf.measures.vote_rules import decisions, lung_shares
from cxr_tf.runtime.errors import UsageError
from pipelines.classes import ClassMap
from pipelines.manifest.rows import ManifestRow

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel
    from cxr_tf.films.prediction import Prediction


class Rules:
    """Takes explained predictions and decides each film by every rule."""

    def __init__(
        self, model: "TriageModel", rows: Sequence[ManifestRow], class_map: ClassMap
    ) -> None:
        """Make room for the decisions.

        Args:
            model: the model that is evaluated.
            rows: the films.
            class_map: manifest class -> decision class.

        Raises:
            UsageError: the model looks at whole films.
        """
        options = model.card.options
        if options.approach == "global":
            raise UsageError(
                "--aggregations joins several patches, but a global model has one: leave it out"
            )
        self._patch_size = options.patch_side
        self._rows, self._classes = rows, class_map.names
        self._truth = np.array([class_map.index(row.label) for row in rows], np.int64)
        self._decided = {rule: np.full(len(rows), -1, np.int64) for rule in RULES}

    def observe(self, index: int, prediction: "Prediction") -> None:
        """Decide on a film.

        Args:
            index: its position.
            prediction: the answer, explained.
        """
        assert prediction.mask is not None and prediction.centres is not None
        assert prediction.patch_probabilities is not None
        shares = lung_shares(prediction.mask, prediction.centres, self._patch_size)
        for rule, found in decisions(prediction.patch_probabilities, shares).items():
            self._decided[rule][index] = found

    def write(self, table: Path, folder: Path) -> None:
        """Write what every rule decided, film by film.

        Args:
            table: the CSV to write; '' stands for no decision.
            folder: the data's folder, which paths are given from.
        """
        names = (*self._classes, "")
        output = Table(table, ("path", "truth", *RULES))
        with contextlib.closing(output):
            for index, row in enumerate(self._rows):
                found = [names[self._decided[rule][index]] for rule in RULES]
                output.add((film_path(row, folder), names[self._truth[index]], *found))
            output.commit()

    def record(self, samples: int, seed: int) -> dict[str, Any]:
        """Give the figures of every rule.

        Args:
            samples: bootstrap samples.
            seed: of the bootstrap.

        Returns:
            By rule: `accuracy` and `equal_to_majority`, estimates; `f1`, the macro F1;
            `sensitivity`, one a class in order, None where a class has no film.
        """
        patients = [row.patient for row in self._rows]
        result: dict[str, Any] = {}
        for rule, decided in self._decided.items():
            right = decided == self._truth
            same = decided == self._decided["majority"]
            matrix = confusion_matrix(self._truth, decided, len(self._classes))
            figures = classification_metrics(matrix)
            recall = figures.by_class["recall"]
            result[rule] = {
                "accuracy": mean_estimate(right, patients, samples, seed).record(),
                "f1": float(figures.f1),
                "sensitivity": [float(x) if np.isfinite(x) else None for x in recall],
                "equal_to_majority": mean_estimate(same, patients, samples, seed).record(),
            }
        return result
