"""Optimise the graph of a network without its weights.

TensorFlow's optimiser copies a graph with all its constants some thirty times. Here every large
filter is one number meanwhile, by which it is known again, and gets its values back afterwards.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from cxr_tf.runtime.tf_private import optimise_graph

#: Bytes from which on a filter is large.
LEAST = 64 << 10
#: Operations that take a filter as their second input, as it is.
_CONVOLUTIONS = ("Conv2D", "Conv2DBackpropInput", "DepthwiseConv2dNative", "MatMul")
_FLOAT = tf.float32.as_datatype_enum


def optimised(
    graph: tf.compat.v1.GraphDef,
    inputs: Sequence[str],
    outputs: Sequence[str],
    configuration: tf.compat.v1.ConfigProto,
) -> tf.compat.v1.GraphDef:
    """Optimise a graph without variables.

    Args:
        graph: the graph; its nodes are put on this machine's device.
        inputs: names of the tensors that it is given.
        outputs: names of the tensors that it gives.
        configuration: devices, threads and what the optimiser may do.

    Returns:
        The graph that is faster, with the same names of inputs and outputs.
    """
    # The optimiser fuses only what is known to run on a device.
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    for node in graph.node:
        node.device = f"/job:localhost/replica:0/task:0/device:{kind}:0"
    light = tf.compat.v1.GraphDef()
    light.CopyFrom(graph)
    values: dict[float, bytes] = {}
    for tensor in _filters(light):
        number = float(np.float32(1.25 + len(values) * 2.0**-20))
        values[number] = tensor.tensor_content
        tensor.ClearField("tensor_content")
        tensor.float_val.append(number)
    found = optimise_graph(light, inputs, outputs, configuration)
    if _give_back(found, values):
        return found
    return optimise_graph(graph, inputs, outputs, configuration)


def _filters(graph: tf.compat.v1.GraphDef) -> list[Any]:
    """Find the large constants that nothing but convolutions use, each as TensorProto."""
    large = {
        node.name: node.attr["value"].tensor
        for node in graph.node
        if node.op == "Const"
        and node.attr["value"].tensor.dtype == _FLOAT
        and len(node.attr["value"].tensor.tensor_content) >= LEAST
    }
    for node in graph.node:
        for place, name in enumerate(node.input):
            if node.op not in _CONVOLUTIONS or place != 1:
                large.pop(name.split(":")[0].removeprefix("^"), None)
    return list(large.values())


def _give_back(graph: tf.compat.v1.GraphDef, values: dict[float, bytes]) -> bool:
    """Put values for their numbers; False where one was changed, as by a factor taken into it."""
    missing = set(values)
    for node in graph.node:
        tensor = node.attr["value"].tensor
        if node.op != "Const" or tensor.dtype != _FLOAT or len(tensor.float_val) != 1:
            continue
        number = tensor.float_val[0]
        size = 4 * int(np.prod([each.size for each in tensor.tensor_shape.dim]))
        if number in values and size == len(values[number]):
            tensor.ClearField("float_val")
            tensor.tensor_content = values[number]
            missing.discard(number)
    return not missing
