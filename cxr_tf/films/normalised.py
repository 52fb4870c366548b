"""One decoded film as it was read and as it is normalised, at the size where it is measured."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipelines.normalise import normalise

Films = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], bool]


def film_at(size: int, limit: int | None) -> Callable[[npt.NDArray[np.uint16], int], Films]:
    """Makes the function that gives a film raw and normalised.

    Args:
        size: side of the films given, in pixels.
        limit: the longer side that films are reduced to first, None for none.

    Returns:
        (pixels, padding) -> (raw, normalised, constant): float32 [size, size] in 0..255 each.
    """
    sizes = (size,)

    @tf.function(
        input_signature=(tf.TensorSpec([None, None], tf.uint16), tf.TensorSpec([], tf.int32))
    )
    def both(pixels: tf.Tensor, padding: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        (raw,), _ = normalise(pixels, padding, sizes, limit, enhance=False)
        (normalised,), constant = normalise(pixels, padding, sizes, limit)
        return raw, normalised, constant

    def films(pixels: npt.NDArray[np.uint16], padding: int) -> Films:
        raw, normalised, constant = both(tf.constant(pixels, tf.uint16), tf.constant(padding))
        return raw.numpy(), normalised.numpy(), bool(constant)

    return films
