"""The least time that the arithmetic of a network needs on this machine."""

from typing import Any

import numpy as np
import tensorflow as tf

from cxr_tf.runtime.tf_private import flat_graph, freeze
from tools.bench.timing import alternate

MATRIX = 2048


def operations(concrete: Any) -> int:
    """Count the multiplications and additions of convolutions and matrix products in a graph.

    Args:
        concrete: a concrete function with fixed shapes.

    Returns:
        Operations of one call, two for a multiply-add.
    """
    return _in_graph(freeze(concrete).graph)


def _in_graph(graph: tf.Graph) -> int:
    """Count in a graph and in what it calls, which the profiler does not look into."""
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    found = int(tf.compat.v1.profiler.profile(graph, options=options).total_float_ops)
    calls = [each for each in graph.get_operations() if each.type.endswith("PartitionedCall")]
    library = graph.as_graph_def().library
    for call in calls:
        name = call.get_attr("f").name
        (function,) = (each for each in library.function if each.signature.name == name)
        body, _ = flat_graph(function)
        given = {
            argument.name: each.shape
            for argument, each in zip(function.signature.input_arg, call.inputs, strict=True)
        }
        for node in body.node:
            if node.op == "Placeholder":
                node.attr["shape"].shape.CopyFrom(given[node.name].as_proto())
        body.library.CopyFrom(library)
        with tf.Graph().as_default() as called:
            tf.graph_util.import_graph_def(body, name="")
        found += _in_graph(called)
    return found


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
