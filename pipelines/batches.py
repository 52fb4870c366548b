"""Batches of examples whose content is a pure function of their place in an epoch."""

import os

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipelines.as_written import as_written

#: Batches made while the network works on the one before them.
BATCHES_AHEAD = 2


def batched(
    order: npt.NDArray[np.int64],
    places: npt.NDArray[np.int64],
    example: object,
    batch_size: int,
) -> tf.data.Dataset:
    """Make batches of examples, in parallel and in order.

    Args:
        order: int64 [m], which film comes at each place.
        places: int64 [m], each example's place in the epoch.
        example: of film and place, both int64 scalars, giving the tensors of one example.
        batch_size: examples a batch; a remainder is dropped.
    """
    dataset = tf.data.Dataset.from_tensor_slices((order, places))
    mapped = dataset.map(
        as_written(example), num_parallel_calls=os.cpu_count() or 1, deterministic=True
    )
    batches = mapped.batch(batch_size, drop_remainder=True).prefetch(BATCHES_AHEAD)
    # The end of an iterator waits for the thread that tunes it: 5 to 10 s an epoch on two cores.
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def in_parallel(dataset: tf.data.Dataset, function: object) -> tf.data.Dataset:
    """Map a data set in parallel and in order, ahead of who reads it.

    Args:
        dataset: of what the function takes.
        function: of an element.

    Returns:
        A data set of what the function gives.
    """
    mapped = dataset.map(
        as_written(function), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    return mapped.prefetch(tf.data.AUTOTUNE)
