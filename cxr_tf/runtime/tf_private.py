"""What is used of TensorFlow's inside, each with the reason; nothing else imports it from there.

These names can go with any release of TensorFlow, which is why `requirements.txt` pins its line.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

# RewriterConfig: a session's configuration holds one, and no public name tells its values.
# SavedModel: `tf.saved_model.load` alone reads one, as Python functions that copy every weight.
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.python.eager import context

# Freezing: its public fellow, `tf.compat.v1.graph_util`, takes sessions and no function.
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2 as freeze,
)

# The optimiser by itself: a session optimises with the weights, and keeps the result.
from tensorflow.python.framework.function_def_to_graph import function_def_to_graph_def
from tensorflow.python.grappler import tf_optimizer

__all__ = [
    "RewriterConfig",
    "SavedModel",
    "eager_config",
    "flat_graph",
    "freeze",
    "optimise_graph",
]


def eager_config() -> Any:
    """Return devices and threads of TensorFlow's eager mode as a ConfigProto.

    `tf.config` tells them one by one, and not the limits of each device's memory in that form.
    """
    return context.context().config


def flat_graph(function: Any) -> tuple[tf.compat.v1.GraphDef, dict[str, str]]:
    """Write the body of a function as a graph, with a placeholder an argument.

    Args:
        function: FunctionDef.

    Returns:
        The graph, and the names of its tensors by those within the function.
    """
    graph, names = function_def_to_graph_def(function)
    return graph, dict(names)


def optimise_graph(
    graph: tf.compat.v1.GraphDef,
    inputs: Sequence[str],
    outputs: Sequence[str],
    configuration: tf.compat.v1.ConfigProto,
) -> tf.compat.v1.GraphDef:
    """Let the optimiser rewrite a graph as a session with that configuration would.

    Args:
        graph: the graph.
        inputs: names of the tensors that it is given, placeholders.
        outputs: names of the tensors that it gives.
        configuration: of the session.
    """
    meta = tf.compat.v1.MetaGraphDef()  # exporting one would import the graph, which takes as long
    meta.graph_def.CopyFrom(graph)
    types = {f"{node.name}:0": node.attr["dtype"].type for node in graph.node}
    signature = meta.signature_def["all"]
    for name in inputs:
        signature.inputs[name].name, signature.inputs[name].dtype = name, types[name]
    for name in outputs:
        signature.outputs[name].name = name
    return tf_optimizer.OptimizeGraph(configuration, meta)
