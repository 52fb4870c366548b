"""Label maps that a segmentation run predicts, made once a film and kept on disk."""

import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from cxr_tf.runtime.whole_files import whole
from cxr_tf.saved.file_list import known_sha256
from cxr_tf.saved.load import from_runs
from cxr_tf.saved.weights_record import BEST, check_best
from pipelines.faults import FileFault
from pipelines.films import read_film
from pipelines.manifest.checks import file_sha256
from pipelines.manifest.table import ManifestRow
from pipelines.status import OK

log = logging.getLogger(__name__)


class MaskStore:
    """Label maps of one model on disk, each under the hash of its film.

    Args:
        folder: where they lie; made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def _path(self, film: Path) -> Path:
        return self.folder / f"{file_sha256(film)[:32]}.png"

    def read(self, film: Path) -> npt.NDArray[np.uint8] | None:
        """Read the label map of a film.

        Args:
            film: its file.

        Returns:
            uint8 [256, 256], None where there is none, or a damaged one.
        """
        path = self._path(film)
        known = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() else None
        if known is None or known.shape != (256, 256):
            return None
        return np.asarray(known, np.uint8)

    def write(self, film: Path, labels: npt.NDArray[np.uint8]) -> None:
        """Keep the label map of a film; it appears whole or not at all.

        Args:
            film: its file.
            labels: uint8 [256, 256].
        """
        with whole(self._path(film), shared=True) as fresh:
            cv2.imwrite(str(fresh), labels)


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
        UsageError: they are not those of its record.
        FileFault: a film cannot be read or is constant.
    """
    weights = run / BEST
    if not weights.is_file():
        raise FileNotFoundError(f"{weights}: no weights here; train the segmentation first")
    check_best(weights)
    kind = f"{known_sha256(weights)[:16]}-{resolution_limit}" + ("-clean" if clean else "")
    store = MaskStore((cache or run / "masks") / kind)
    model = None
    maps = np.empty((len(rows), 256, 256), np.uint8)
    made = 0
    for index, row in enumerate(rows):
        try:
            known = store.read(row.path)
        except OSError as error:
            reason = f"the file cannot be read: {error.strerror or type(error).__name__}"
            raise FileFault(row.path, "film", reason) from error
        if known is None:
            model = model or from_runs(run, resolution_limit=resolution_limit, clean_masks=clean)
            film = read_film(row.path)
            if film.pixels is None:
                raise FileFault(row.path, "film", f"{film.status}: {film.error}")
            known, status = model.segment(film.pixels, film.padding)
            if status != OK:
                raise FileFault(row.path, "film", status)
            store.write(row.path, known)
            made += 1
            if made % 50 == 0:
                log.info("%d of %d lung masks predicted", index + 1, len(rows))
        maps[index] = known
    return maps
