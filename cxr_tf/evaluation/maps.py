"""How saliency maps of one class differ between films of the true classes (Figs. 7 and 8)."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cxr_tf.films.split_answers import ReadFilm, film_path
from cxr_tf.films.table import Table
from cxr_tf.measures.bootstrap import mean_estimate
from cxr_tf.runtime.errors import UsageError
from pipelines.classes import ClassMap
from pipelines.labels import LEFT_LUNG, RIGHT_LUNG
from pipelines.manifest.rows import ManifestRow

if TYPE_CHECKING:
    from cxr_tf.drawing.saliency import SaliencyFilm
    from cxr_tf.films.prediction import Prediction

#: Figures of a map: mean in the lungs with the probability of each patch as its weight (Eq. 5)
#: and without it, and the share of the map's sum that lies in the lungs.
FIGURES = ("weighted", "unweighted", "share_in_lungs")
#: Films of each true class in the picture: the first of the split, not the best.
DRAWN = 4


class Maps:
    """Takes explained predictions and measures the maps of one class."""

    def __init__(
        self, name: str, rows: Sequence[ManifestRow], class_map: ClassMap, read: ReadFilm
    ) -> None:
        """Make room for the figures.

        Args:
            name: the class whose maps are measured.
            rows: the films.
            class_map: manifest class -> decision class.
            read: reads a film that is drawn.

        Raises:
            UsageError: there is no such class.
        """
        if name not in class_map.names:
            raise UsageError(f"--saliency {name}: choose of {', '.join(class_map.names)}")
        self.name, self._class = name, class_map.names.index(name)
        self._rows, self._classes, self._read = rows, class_map.names, read
        self._truth = np.array([class_map.index(row.label) for row in rows], np.int64)
        self._values = np.full((len(rows), len(FIGURES)), np.nan)
        self._decided = [""] * len(rows)
        self._drawn: list[list[SaliencyFilm]] = [[] for _ in class_map.names]

    def observe(self, index: int, prediction: "Prediction") -> None:
        """Measure a film's map, and keep it to be drawn where it is one of the first.

        Args:
            index: its position.
            prediction: the answer, explained.
        """
        assert prediction.mask is not None and prediction.saliency is not None
        assert prediction.saliency_unweighted is not None
        weighted = prediction.saliency[self._class]
        lungs = np.isin(prediction.mask, (LEFT_LUNG, RIGHT_LUNG))
        total = float(weighted.sum(dtype=np.float64))
        self._values[index] = (
            weighted[lungs].mean(dtype=np.float64),
            prediction.saliency_unweighted[self._class][lungs].mean(dtype=np.float64),
            weighted[lungs].sum(dtype=np.float64) / total if total > 0 else np.nan,
        )
        self._decided[index] = prediction.label
        drawn = self._drawn[self._truth[index]]
        if len(drawn) < DRAWN:
            from cxr_tf.drawing.overlays import display_grey
            from cxr_tf.drawing.saliency import SaliencyFilm

            row = self._rows[index]
            reading = self._read(row.path)
            if reading.pixels is not None:
                grey = display_grey(reading.pixels, reading.padding)
                truth = self._classes[self._truth[index]]
                title = f"{row.path.stem[:28]}\n{truth}, decided {prediction.label}"
                drawn.append(SaliencyFilm(title, grey, prediction.mask, weighted))

    def write(self, folder: Path, data: Path, title: str, notice: str) -> None:
        """Write saliency.csv, and saliency.png with the first films of each true class.

        Args:
            folder: where to write.
            data: the data's folder, which paths are given from.
            title: heading of the picture.
            notice: second line of the heading.
        """
        from cxr_tf.drawing.saliency import draw_saliency
        from cxr_tf.drawing.style import write_figure

        output = Table(folder / "saliency.csv", ("path", "truth", "decided", "class", *FIGURES))
        with contextlib.closing(output):
            for index, row in enumerate(self._rows):
                cells = ["" if np.isnan(x) else f"{x:.6f}" for x in self._values[index]]
                truth = self._classes[self._truth[index]]
                output.add((film_path(row, data), truth, self._decided[index], self.name, *cells))
            output.commit()
        sheets = [films for films in self._drawn if films]
        if sheets:
            figure = draw_saliency(sheets, f"{title} Map: {self.name}.", notice)
            write_figure(folder / "saliency.png", figure)

    def record(self, samples: int, seed: int) -> dict[str, Any]:
        """Give the figures by true class.

        Args:
            samples: bootstrap samples.
            seed: of the bootstrap.

        Returns:
            `class`, and `by_true_class`: estimates by name of `FIGURES`, over films with a
            decision; a map of zeros has no share in the lungs.
        """
        result: dict[str, Any] = {}
        for place, truth in enumerate(self._classes):
            result[truth] = {}
            for column, figure in enumerate(FIGURES):
                kept = np.flatnonzero((self._truth == place) & np.isfinite(self._values[:, column]))
                patients = [self._rows[int(index)].patient for index in kept]
                values = self._values[kept, column]
                if len(kept):
                    found = mean_estimate(values, patients, samples, seed)
                    result[truth][figure] = found.record()
        return {"class": self.name, "by_true_class": result}
