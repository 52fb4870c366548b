"""The label map of each film of an analysis: found by a model, or the data's own."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cxr_tf.analysis.options import AnalysisOptions
from cxr_tf.films.reading import Reading
from cxr_tf.runtime.errors import UsageError
from pipelines.manifest.rows import ManifestRow
from pipelines.status import OK

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel

Labels = npt.NDArray[np.uint8]


class PredictedMasks:
    """Label maps that a model finds, for every film alike; as in the paper.

    Args:
        model: answers `segment`.
        cache: folder to keep label maps in, apart for each model; None keeps none.
    """

    def __init__(self, model: "TriageModel", cache: Path | None) -> None:
        from cxr_tf.saved.predicted_masks import MaskStore

        self.model = model
        name = f"model-{model.model_version}"
        self._store = MaskStore(cache / name) if cache is not None else None

    @property
    def resolution_limit(self) -> int | None:
        """The longer side that films are reduced to before they are resized, as the model does."""
        return self.model.card.options.resolution_limit or None

    def __call__(self, row: ManifestRow, reading: Reading) -> tuple[Labels, str]:
        """Give a film's label map.

        Args:
            row: the film.
            reading: the same, read.

        Returns:
            uint8 [256, 256] and the status; without lungs the map has none.
        """
        known = self._store.read(row.path) if self._store else None
        if known is not None:
            return known, OK
        labels, status = self.model.segment(reading.pixels, reading.padding)
        if self._store and status == OK:
            self._store.write(row.path, labels)
        return labels, status


class TrueMasks:
    """The label maps that the data holds; a heart without a mask is missing."""

    resolution_limit: int | None = None

    def __call__(self, row: ManifestRow, reading: Reading) -> tuple[Labels, str]:
        """Give a film's label map.

        Args:
            row: the film, with masks of both lungs.
            reading: the same, read; not looked at.

        Returns:
            uint8 [256, 256], and `ok`.
        """
        import tensorflow as tf

        from pipelines.segmentation_examples import read_labels
        from pipelines.sizes import SEGMENTATION_SIZE

        files = (row.mask_heart, row.mask_left_lung, row.mask_right_lung)
        names = tf.constant([str(file) if file else "" for file in files])
        return read_labels(names, SEGMENTATION_SIZE).numpy(), OK


Masks = PredictedMasks | TrueMasks


def open_masks(options: AnalysisOptions) -> Masks:
    """Load what gives the label maps that the arguments ask for.

    Args:
        options: the arguments, checked.

    Returns:
        Gives a film's label map.

    Raises:
        UsageError: the model or run cannot be loaded.
    """
    if options.masks == "true":
        return TrueMasks()
    from cxr_tf.saved.load import from_runs, load

    try:
        if options.model is not None:
            return PredictedMasks(load(options.model), options.cache)
        assert options.run is not None
        from cxr_tf.saved.run_options import ClassificationTrainingOptions, read_run

        if isinstance(read_run(options.run), ClassificationTrainingOptions):
            model = from_runs(None, options.run)
        else:
            model = from_runs(options.run)
        return PredictedMasks(model, options.cache or options.run / "masks")
    except (OSError, ValueError) as error:
        name = "--model" if options.model is not None else "--run"
        place = options.model if options.model is not None else options.run
        raise UsageError(f"{name} {place} cannot be loaded: {error}") from error
