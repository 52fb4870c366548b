"""Label maps that a segmentation run predicts, made once a film and kept on disk."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from cxr_tf.errors import UsageError
from cxr_tf.loading import from_runs
from cxr_tf.runs import BEST
from pipelines.films import read_film
from pipelines.manifest import ManifestRow
from pipelines.manifest_checks import file_sha256
from pipelines.status import OK

log = logging.getLogger(__name__)


def predicted_masks(
    rows: Sequence[ManifestRow],
    run: Path,
    resolution_limit: int = 0,
    cache: Path | None = None,
    clean: bool = False,
) -> npt.NDArray[np.uint8]:
    """Predict the label maps of films, or read those predicted before.

    A label map is kept under the hashes of the weights that made it and of the film.

    Args:
        rows: rows of a manifest.
        run: run of `train segmentation`.
        resolution_limit: longest side kept before the resize, 0 for none; the classification's,
            which the exported model uses for both networks.
        cache: folder to keep label maps in; None for `masks` in the run.
        clean: leave of each part the largest region, and fill its holes.

    Returns:
        uint8 [n, 256, 256].

    Raises:
        FileNotFoundError: the run has no weights.
        UsageError: a film cannot be read or is constant; the message names it.
    """
    weights = run / BEST
    if not weights.is_file():
        raise FileNotFoundError(f"{weights}: no weights here; train the segmentation first")
    kind = f"{file_sha256(weights)[:16]}-{resolution_limit}" + ("-clean" if clean else "")
    folder = (cache or run / "masks") / kind
    folder.mkdir(parents=True, exist_ok=True)
    model = None
    maps = np.empty((len(rows), 256, 256), np.uint8)
    made = 0
    for index, row in enumerate(rows):
        path = folder / f"{file_sha256(row.path)[:32]}.png"
        known = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() else None
        if known is None or known.shape != (256, 256):
            model = model or from_runs(run, resolution_limit=resolution_limit, clean_masks=clean)
            film = read_film(row.path)
            if film.pixels is None:
                raise UsageError(f"{row.path}: {film.status}: {film.error}; repair or remove it")
            known, status = model.segment(film.pixels, film.padding)
            if status != OK:
                raise UsageError(f"{row.path}: {status}; remove it from the manifest")
            partial = path.with_suffix(f".{os.getpid()}.partial.png")
            cv2.imwrite(str(partial), known)
            partial.replace(path)
            made += 1
            if made % 50 == 0:
                log.info("%d of %d lung masks predicted", index + 1, len(rows))
        maps[index] = known
    return maps
