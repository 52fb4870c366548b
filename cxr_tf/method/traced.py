"""Parts of the graph that stand once in it, whatever asks for them."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def traced_once(function: Callable[..., Any], *specs: tf.TensorSpec) -> Callable[..., Any]:
    """Make a function of the graph, which is traced, saved and read once.

    Every entry point of a model prepares films and finds lungs. Written out at each place, an
    export took three times as long.

    Args:
        function: of tensors.
        specs: what it takes.

    Returns:
        The same function; in a graph, a call of it.
    """
    made: Callable[..., Any] = tf.function(function, input_signature=specs, autograph=False)
    return made
