"""Trace an evaluation once a network, not once an evaluation."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


class Traced:
    """A function of a network, traced anew only when another network comes."""

    def __init__(self, function: Callable[..., Any]):
        """Take the function.

        Args:
            function: of a network and tensors, giving tensors.
        """
        self._function = function
        self._model: keras.Model | None = None
        self._graph: Callable[..., Any] | None = None

    def __call__(self, model: keras.Model, *tensors: tf.Tensor) -> Any:
        """Run the function.

        Args:
            model: the network; its weights may change between calls.
            tensors: the other arguments.

        Returns:
            What the function returns.
        """
        if self._graph is None or self._model is not model:
            self._model = model
            self._graph = tf.function(
                lambda *tensors: self._function(model, *tensors),
                reduce_retracing=True,
                autograph=False,
            )
        return self._graph(*tensors)
