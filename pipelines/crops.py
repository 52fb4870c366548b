"""Crops of films for training the dense vote, each with the windows that are classified."""

import dataclasses

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipelines.augment import (
    DEGREES,
    augment_seeds,
    augmented,
    example_seed,
    is_compressed,
    patch_turn,
    warp,
)
from pipelines.batches import batched
from pipelines.classification_examples import ClassificationExamples
from pipelines.masks import lungs_around

#: Side of a crop in sides of a patch.
CROP = 2
#: Folded into an example's seed, so that its crop lies elsewhere than its patch.
_STREAM = 4


def windows_along(patch_size: int, stride: int) -> int:
    """Tell how many windows of a crop lie along each side.

    Args:
        patch_size: side of a patch in pixels, a multiple of the stride.
        stride: pixels between windows.
    """
    return (CROP - 1) * patch_size // stride + 1


def crop_batches(
    examples: ClassificationExamples,
    order: npt.NDArray[np.int64],
    places: npt.NDArray[np.int64],
    batch_size: int,
    stride: int,
    seed: int,
    epoch: int,
    augment: bool,
    strength: float = 0.0,
    jpeg: float = 0.0,
) -> tf.data.Dataset:
    """Give batches of one epoch or of a part of it, one crop for each place.

    One of a crop's windows, near its middle, is the patch around a random place in the lungs. All
    change as patches do, and the lungs that say which windows count change with them.

    Args:
        examples: the films.
        order: int64 [m], which film comes at each place.
        places: int64 [m], each example's place in the epoch.
        batch_size: examples a batch; a remainder is dropped.
        stride: pixels between windows.
        seed: seed of the run.
        epoch: number of the epoch.
        augment: see `ClassificationExamples.batches`.
        strength: see there.
        jpeg: see there.

    Returns:
        A data set of crops, float32 [B, 2P, 2P] in 0..255, and their windows, bool [B, w, w]: those
        whose centre lies on a lung.
    """
    size, side = examples.patch_size, CROP * examples.patch_size
    larger = dataclasses.replace(examples, patch_size=side)
    along = windows_along(size, stride)
    # The window (along - 1) // 2 is to lie around the place that is drawn.
    shift = size // 2 - stride * ((along - 1) // 2)
    first = size // 2
    centres = slice(first, first + stride * (along - 1) + 1, stride)

    def example(film: tf.Tensor, place: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        key = tf.random.fold_in(example_seed(seed, epoch, place), tf.zeros([], tf.int64))
        key = tf.random.fold_in(tf.random.fold_in(key, _STREAM), tf.zeros([], tf.int64))
        middle = examples.centres(film, key[0], 1) + shift
        crop = larger.around(film, middle, is_compressed(key, jpeg))[0]
        lungs = lungs_around(examples.lungs[film], middle, side, examples.films.side)
        if augment:
            turned, varied = augment_seeds(key)
            transform = patch_turn(turned, varied, side, strength, DEGREES)
            lungs = warp(tf.cast(lungs, tf.uint8), transform, "NEAREST") > 0
            crop = augmented(crop, turned, varied, strength)
        return crop, lungs[0, centres, centres]

    return batched(order, places, example, batch_size)
