"""Probabilities of every patch, kept for what is fitted on votes later."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cxr_tf.films.split_answers import film_path
from cxr_tf.runtime.whole_files import whole
from pipelines.manifest.rows import ManifestRow

if TYPE_CHECKING:
    from cxr_tf.films.prediction import Prediction

#: The file, in the folder of an evaluation.
PATCHES_FILE = "patches.npz"


class PatchStore:
    """Takes explained predictions and keeps the softmax of their patches."""

    def __init__(self, rows: Sequence[ManifestRow]) -> None:
        """Remember the films.

        Args:
            rows: the films.
        """
        self._rows = rows
        self._found: dict[int, npt.NDArray[np.float16]] = {}

    def observe(self, index: int, prediction: "Prediction") -> None:
        """Keep the patches of a film.

        Args:
            index: its position.
            prediction: the answer, explained.
        """
        assert prediction.patch_probabilities is not None
        self._found[index] = prediction.patch_probabilities.astype(np.float16)

    def write(self, path: Path, folder: Path) -> None:
        """Write `path` [n] and `probabilities` float16 [n, K, C] of the films that were decided.

        Args:
            path: the npz.
            folder: the data's folder, which paths are given from.
        """
        names = [film_path(self._rows[index], folder) for index in self._found]
        write_patches(path, names, list(self._found.values()))


def write_patches(
    path: Path, names: Sequence[str], probabilities: Sequence[npt.NDArray[np.floating]]
) -> None:
    """Write the patches of films.

    Args:
        path: the npz.
        names: of the films.
        probabilities: softmax of each film's patches, [K, C].
    """
    arrays = [each.astype(np.float16) for each in probabilities]
    with whole(path) as fresh, fresh.open("wb") as file:
        np.savez_compressed(
            file,
            path=np.array(names, dtype=str),
            probabilities=np.stack(arrays) if arrays else np.zeros((0, 0, 0), np.float16),
        )


def read_patches(path: Path) -> dict[str, npt.NDArray[np.float16]]:
    """Read what a `PatchStore` wrote.

    Args:
        path: the npz.

    Returns:
        float16 [K, C] by film.

    Raises:
        OSError: there is no such file.
    """
    with np.load(path, allow_pickle=False) as found:
        return dict(zip(found["path"].tolist(), found["probabilities"], strict=True))
