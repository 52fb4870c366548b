"""From manifest rows to batches of films with their label maps.

Films are decoded and normalised once, in parallel and in order, and kept in memory. What an epoch
draws from them is a pure function of seed, epoch and place in the epoch, so a training that goes on
needs no iterator state.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipelines.augment import (
    example_seed,
    frame_film,
    vary_film,
)
from pipelines.batches import batched, in_parallel
from pipelines.decode import decode_mask
from pipelines.faults import each_row, mask_fault
from pipelines.manifest.table import ManifestRow
from pipelines.masks import (
    label_map,
    resize_labels,
)
from pipelines.normalised_films import film_dataset


def label_dataset(rows: Sequence[ManifestRow], size: int) -> tf.data.Dataset:
    """Read the masks of films as label maps, in the order of the rows.

    Args:
        rows: rows with masks of both lungs; where the heart's is missing it counts as background.
        size: side of the label maps.

    Returns:
        A data set of uint8 [size, size].
    """
    files = [
        [str(x) if x else "" for x in (row.mask_heart, row.mask_left_lung, row.mask_right_lung)]
        for row in rows
    ]

    return in_parallel(
        tf.data.Dataset.from_tensor_slices(files), lambda names: read_labels(names, size)
    )


def read_labels(names: tf.Tensor, size: int) -> tf.Tensor:
    """Read the masks of one film as a label map.

    Args:
        names: string [3], the masks of heart, left lung and right lung; '' for a heart without.
        size: side of the label map.

    Returns:
        uint8 [size, size].
    """
    without_heart = names[0] == ""
    given = tf.cond(without_heart, lambda: names[1:], lambda: names)
    # The graph of a loop holds the decoder once; it starts sooner than with three of them.
    masks = tf.map_fn(
        lambda name: decode_mask(tf.io.read_file(name)),
        given,
        fn_output_signature=tf.TensorSpec([None, None], tf.bool),
    )
    heart = masks[0] & ~without_heart
    left, right = masks[-2], masks[-1]
    return resize_labels(label_map(heart, left, right), size)


@dataclasses.dataclass(frozen=True)
class SegmentationExamples:
    """Films and label maps in memory.

    Attributes:
        films: float32 [n, S, S] in 0..255.
        labels: uint8 [n, S, S].
    """

    films: tf.Tensor
    labels: tf.Tensor

    def __len__(self) -> int:
        return int(self.films.shape[0])

    def batches(
        self,
        order: npt.NDArray[np.int64],
        places: npt.NDArray[np.int64],
        batch_size: int,
        seed: int,
        epoch: int,
        strength: float,
        frames: float = 0.0,
    ) -> tf.data.Dataset:
        """Give batches of one epoch or of a part of it.

        Args:
            order: int64 [m], which film comes at each place.
            places: int64 [m], each example's place in the epoch.
            batch_size: examples a batch; a remainder is dropped.
            seed: seed of the run.
            epoch: number of the epoch.
            strength: size of the random changes, 0 for none.
            frames: share of films that get a blank frame.

        Returns:
            A data set of films float32 [B, S, S] in 0..255 and labels uint8 [B, S, S].
        """

        def example(film: tf.Tensor, place: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            image, labels = self.films[film], self.labels[film]
            key = example_seed(seed, epoch, place)
            if strength:
                image, labels = vary_film(image, labels, key, strength)
            if frames:
                image, labels = frame_film(image, labels, tf.random.fold_in(key, 2), frames)
            return image, labels

        return batched(order, places, example, batch_size)


def read_segmentation(
    parts: Sequence[Sequence[ManifestRow]],
    size: int,
    resolution_limit: int | None = None,
    enhance: bool = True,
) -> list[SegmentationExamples]:
    """Read films with their label maps into memory.

    Args:
        parts: rows with masks, such as those to train and those to validate on.
        size: side of films and label maps.
        resolution_limit: longest side kept before the resize, or None.
        enhance: False skips equalisation and gamma.

    Returns:
        The examples of each part in the order of its rows.

    Raises:
        FileFault: a film or a mask cannot be used.
    """
    rows = [row for part in parts for row in part]
    dataset = film_dataset(rows, (size,), resolution_limit, enhance)
    films = (film for (film,) in each_row(dataset, rows))
    with tf.device("CPU"):
        images = [tf.stack([next(films) for _ in part]) for part in parts]
        labels = each_row(label_dataset(rows, size), rows, mask_fault)
        maps = [tf.stack([next(labels) for _ in part]) for part in parts]
    return [SegmentationExamples(*pair) for pair in zip(images, maps, strict=True)]
