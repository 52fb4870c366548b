"""Deletion, insertion and ROAD curves of a model's maps against random maps (Eq. 5, Figs. 7, 8)."""

import contextlib
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cxr_tf.films.reading import Reading
from cxr_tf.films.split_answers import ReadFilm, film_path, predict_reading
from cxr_tf.films.table import Table
from cxr_tf.measures.bootstrap import mean_estimate
from cxr_tf.measures.deletion import (
    FRACTIONS,
    area_under,
    highest,
    imputed,
    random_map,
    replaced,
    without_detail,
)
from cxr_tf.method.vote_options import Vote, VoteOptions
from pipelines.classes import ClassMap
from pipelines.labels import LEFT_LUNG, RIGHT_LUNG
from pipelines.manifest.rows import ManifestRow
from pipelines.status import OK

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel
    from cxr_tf.films.prediction import Prediction

#: Patches that vote on each changed film: a film is asked about 35 times.
CURVE_PATCHES = 20
MAPS = ("map", "random")
KINDS = ("deletion", "insertion", "road_most", "road_least")
#: By map and kind of curve: the areas of a film, and the map's less the random one's.
FIGURES = tuple((name, kind) for name in (*MAPS, "difference") for kind in KINDS)

Floats = npt.NDArray[np.float64]


class Curves:
    """Takes explained predictions and asks again about films with pixels taken out or put back.

    The map is that of the class decided: Eq. 5, or Grad-CAM where the model is a global one. The
    curve is the mean probability of that class. A changed film goes through the whole method, so
    that its mask and patches are its own. A good map has a small area under the deletion curve
    and a large one under the insertion curve; in ROAD, which fills what is taken out from its
    neighbours, a small one where the most relevant pixels go first, a large one where the least
    relevant do.
    """

    def __init__(
        self,
        model: "TriageModel",
        rows: Sequence[ManifestRow],
        class_map: ClassMap,
        read: ReadFilm,
        seed: int,
        vote: Vote | None = None,
    ) -> None:
        """Make room for the curves.

        Args:
            model: the model that is evaluated.
            rows: the films.
            class_map: manifest class -> decision class.
            read: reads a film again.
            seed: of the patches' centres, the random maps and the order of equal pixels.
            vote: what votes; None as the model was exported.
        """
        self._vote = vote
        self._model, self._rows, self._read, self._seed = model, rows, read, seed
        self._classes = class_map.names
        self._truth = np.array([class_map.index(row.label) for row in rows], np.int64)
        self._curves = np.full((len(rows), len(MAPS), len(KINDS), len(FRACTIONS)), np.nan)
        self._decided = [""] * len(rows)
        #: Why films that have a decision have no curves.
        self._left_out: dict[int, str] = {}

    def observe(self, index: int, prediction: "Prediction") -> None:
        """Draw a film's curves.

        Args:
            index: its position.
            prediction: the answer, explained.
        """
        assert prediction.mask is not None and prediction.saliency is not None
        self._decided[index] = prediction.label
        film = self._read(self._rows[index].path)
        if film.status != OK or film.pixels is None:
            self._left_out[index] = f"cannot be read again: {film.status}"
            return
        own_seed = self._seed + zlib.crc32(self._rows[index].path.name.encode())
        lungs = np.isin(prediction.mask, (LEFT_LUNG, RIGHT_LUNG))
        coarse, chosen = without_detail(film.pixels), prediction.class_index
        maps = (prediction.saliency[chosen], random_map(len(lungs), own_seed))

        def probability(pixels: npt.NDArray[np.uint16]) -> float:
            found, status, error = predict_reading(
                self._model, Reading(pixels, film.padding, OK, "", 0.0),
                VoteOptions(self._seed, CURVE_PATCHES, vote=self._vote),
            )  # fmt: skip
            if found is None or status != OK:
                self._left_out.setdefault(index, f"a changed film has no answer: {error or status}")
                return float("nan")
            return float(found.probabilities[chosen])

        whole = film.pixels

        def without(mask: npt.NDArray[np.bool_]) -> float:
            return probability(replaced(whole, coarse, mask))

        def road(mask: npt.NDArray[np.bool_]) -> float:
            return probability(imputed(whole, mask, own_seed))

        ends = probability(whole), without(lungs)
        curves = np.empty(self._curves.shape[1:])
        for place, saliency in enumerate(maps):
            for step, fraction in enumerate(FRACTIONS[1:-1], 1):
                taken = highest(saliency, lungs, fraction, own_seed)
                least = highest(-saliency, lungs, fraction, own_seed)
                curves[place, :, step] = (
                    without(taken), without(lungs & ~taken), road(taken), road(least),
                )  # fmt: skip
        curves[:, 0, 0], curves[:, 0, -1] = ends
        curves[:, 1, -1], curves[:, 1, 0] = ends
        curves[:, 2:, 0], curves[:, 2:, -1] = ends[0], road(lungs)
        if index not in self._left_out:
            self._curves[index] = curves

    def _areas(self) -> Floats:
        """Areas by film and name of `FIGURES`; nan where a film has no curves."""
        areas = np.array([[[area_under(c) for c in kinds] for kinds in f] for f in self._curves])
        areas = areas.reshape(len(self._rows), len(MAPS), len(KINDS))
        both = np.concatenate([areas, areas[:, :1] - areas[:, 1:]], axis=1)
        return both.reshape(len(self._rows), len(FIGURES))

    def write(self, table: Path, folder: Path) -> None:
        """Write a row for each film, map and kind of curve.

        Args:
            table: the CSV to write; a film without curves has blanks and a reason.
            folder: the data's folder, which paths are given from.

        Raises:
            OSError: the table cannot be written.
        """
        steps = [f"p_{fraction:.1f}" for fraction in FRACTIONS]
        columns = ("path", "truth", "decided", "map", "curve", *steps, "area", "reason")
        output = Table(table, columns)
        with contextlib.closing(output):
            for index, row in enumerate(self._rows):
                known = (film_path(row, folder), self._classes[self._truth[index]])
                for place, name in enumerate(MAPS):
                    for which, kind in enumerate(KINDS):
                        curve = self._curves[index, place, which]
                        numbers = ["" if np.isnan(x) else f"{x:.6f}"
                                   for x in (*curve, area_under(curve))]  # fmt: skip
                        output.add((*known, self._decided[index], name, kind, *numbers,
                                    self._left_out.get(index, "")))  # fmt: skip
            output.commit()

    def record(self, samples: int, seed: int) -> dict[str, Any]:
        """Give mean areas, and the map's less the random one's, with intervals.

        Args:
            samples: bootstrap samples.
            seed: of the bootstrap.

        Returns:
            `fractions`; `patches`; `left_out`, films with a decision but without curves; `curves`,
            the mean curve by map and kind; `areas`, by group (`all`, then true class) and by
            map and kind, estimates over films, differences paired film by film.
        """
        areas, ok = self._areas(), np.isfinite(self._curves).all(axis=(1, 2, 3))
        groups = {"all": ok} | {
            name: ok & (self._truth == place) for place, name in enumerate(self._classes)
        }
        found: dict[str, Any] = {}
        for group, chosen in groups.items():
            kept = np.flatnonzero(chosen)
            patients = [self._rows[int(film)].patient for film in kept]
            figures: dict[str, dict[str, Any]] = {}
            for column, (name, kind) in enumerate(FIGURES):
                own = mean_estimate(areas[kept, column], patients, samples, seed)
                figures.setdefault(name, {})[kind] = own.record()
            found[group] = figures
        mean = self._curves[ok].mean(axis=0).tolist() if ok.any() else []
        return {
            "fractions": list(FRACTIONS),
            "patches": CURVE_PATCHES,
            "left_out": len(self._left_out),
            "curves": {
                name: dict(zip(KINDS, curves, strict=True))
                for name, curves in zip(MAPS, mean, strict=False)
            },
            "areas": found,
        }
