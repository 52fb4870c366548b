"""The batch-norm statistics that a network is used with, estimated from training examples."""

import itertools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from cxr_tf.models.batch_norm import BatchNormEstimator
from cxr_tf.training.task import Task

#: One fixed epoch that no training uses, so that evaluations compare.
EPOCH = 2**31 - 1


def estimate(estimator: BatchNormEstimator, task: Task) -> None:
    """Estimate the statistics from as many batches as the run's options say.

    Args:
        estimator: of the network, which is changed in place.
        task: gives the batches.
    """
    size, count = task.config.batch_size, task.config.estimate_batch_norm
    if not count:
        return
    places = np.arange(min(count * size, len(task.order(0)) // size * size))

    def inputs(*batch: tf.Tensor) -> Sequence[tf.Tensor]:
        return task.statistics(batch[0] if len(batch) == 1 else batch)

    batches = task.batches(EPOCH, places, size)
    estimator.estimate(itertools.chain.from_iterable(map(inputs, batches)))
