"""The least time that the arithmetic of a network needs on this machine."""

from typing import Any

import numpy as np
import tensorflow as tf

from cxr_tf.runtime.tf_private import freeze
from tools.bench.timing import alternate

MATRIX = 2048


def operations(concrete: Any) -> int:
    """Count the multiplications and additions of convolutions and matrix products in a graph.

    Args:
        concrete: a concrete function with fixed shapes.

    Returns:
        Operations of one call, two for a multiply-add.
    """
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    # Freezing puts the functions that it calls in their places; the profiler looks into none.
    inlined = freeze(concrete)
    found = tf.compat.v1.profiler.profile(inlined.graph, options=options)
    return int(found.total_float_ops)


def matrix_rate(rounds: int) -> float:
    """Measure the rate of a large matrix product.

    Args:
        rounds: timed products.

    Returns:
        Operations a second, the best of the rounds.
    """
    matrix = tf.constant(np.random.default_rng(0).normal(size=(MATRIX, MATRIX)), tf.float32)
    product = tf.function(lambda: tf.linalg.matmul(matrix, matrix))
    seconds = alternate({"matmul": lambda: product().numpy()}, rounds)["matmul"].seconds
    return 2 * MATRIX**3 / min(seconds)
