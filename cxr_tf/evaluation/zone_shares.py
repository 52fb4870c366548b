"""Shares of the maps of every class by zone of the lungs, film by film and by true class."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cxr_tf.films.split_answers import film_path
from cxr_tf.films.table import Table
from cxr_tf.measures.bootstrap import mean_estimate
from cxr_tf.measures.zones import ZONES, area_shares, map_shares
from pipelines.classes import ClassMap
from pipelines.labels import LEFT_LUNG, RIGHT_LUNG
from pipelines.manifest.rows import ManifestRow

if TYPE_CHECKING:
    from cxr_tf.films.prediction import Prediction

#: The share in the lungs, the zones' shares of it, and whether the highest point lies in the lungs.
FIGURES = ("lungs", *ZONES, "peak_in_lungs")
#: The name under which an even map, of the areas alone, stands among the classes.
EVEN = "(even map)"


class ZoneShares:
    """Takes explained predictions and measures where the maps of all classes lie (Eq. 5)."""

    def __init__(self, rows: Sequence[ManifestRow], class_map: ClassMap) -> None:
        """Make room for the figures.

        Args:
            rows: the films.
            class_map: manifest class -> decision class.
        """
        self._rows, self._classes = rows, class_map.names
        self._maps = (*class_map.names, EVEN)
        self._truth = np.array([class_map.index(row.label) for row in rows], np.int64)
        self._values = np.full((len(rows), len(self._maps), len(FIGURES)), np.nan)
        self._decided = [""] * len(rows)

    def observe(self, index: int, prediction: "Prediction") -> None:
        """Measure a film's maps.

        Args:
            index: its position.
            prediction: the answer, explained.
        """
        labels, maps = prediction.mask, prediction.saliency
        assert labels is not None and maps is not None
        self._decided[index] = prediction.label
        lungs = np.isin(labels, (LEFT_LUNG, RIGHT_LUNG))
        for place, saliency in enumerate(maps):
            shares = map_shares(saliency, labels)
            highest = saliency == saliency.max()
            peak = float(lungs[highest].mean()) if saliency.max() > 0 else float("nan")
            self._values[index, place] = [*(shares[name] for name in FIGURES[:-1]), peak]
        areas = area_shares(labels)
        self._values[index, -1] = [*(areas[name] for name in FIGURES[:-1]), areas["lungs"]]

    def write(self, table: Path, folder: Path) -> None:
        """Write a row for each film and map.

        Args:
            table: the CSV to write; a share that is not defined is blank.
            folder: the data's folder, which paths are given from.

        Raises:
            OSError: the table cannot be written.
        """
        output = Table(table, ("path", "truth", "decided", "map", *FIGURES))
        with contextlib.closing(output):
            for index, row in enumerate(self._rows):
                for name, values in zip(self._maps, self._values[index], strict=True):
                    cells = ["" if np.isnan(x) else f"{x:.6f}" for x in values]
                    truth = self._classes[self._truth[index]]
                    output.add((film_path(row, folder), truth, self._decided[index], name, *cells))
            output.commit()

    def record(self, samples: int, seed: int) -> dict[str, Any]:
        """Give mean shares by map and true class.

        Args:
            samples: bootstrap samples.
            seed: of the bootstrap.

        Returns:
            By map (each class, and `(even map)`), then true class, then name of `FIGURES`:
            estimates over the films for which the share is defined.
        """
        result: dict[str, Any] = {name: {} for name in self._maps}
        for place, name in enumerate(self._maps):
            for index, truth in enumerate(self._classes):
                found = {}
                for column, figure in enumerate(FIGURES):
                    values = self._values[:, place, column]
                    kept = np.flatnonzero((self._truth == index) & np.isfinite(values))
                    if len(kept):
                        patients = [self._rows[int(film)].patient for film in kept]
                        own = mean_estimate(values[kept], patients, samples, seed)
                        found[figure] = own.record()
                result[name][truth] = found
        return result
