"""Estimate batch-norm statistics again, with dropout off.

Dropout ahead of batch norm shifts the variance that training sees, and moving averages lag
behind the weights; both make a good network look broken at inference.
"""

import contextlib
from collections.abc import Iterable, Iterator

import keras
import tensorflow as tf

from cxr_tf.models.style_exchange import StyleExchange


class BatchNormEstimator:
    """Estimates the statistics of one network, as often as it is asked; the graph is made once."""

    def __init__(self, model: keras.Model):
        """Take the network.

        Args:
            model: outside any distribution scope.
        """
        layers = model.layers
        self._norms = [x for x in layers if isinstance(x, keras.layers.BatchNormalization)]
        self._dropouts = [x for x in layers if isinstance(x, keras.layers.Dropout | StyleExchange)]

        def measure(inputs: tf.Tensor) -> None:
            model(inputs, training=True)

        self._measure = tf.function(measure, reduce_retracing=True, autograph=False)

    def estimate(self, batches: Iterable[tf.Tensor]) -> int:
        """Replace every moving mean and variance by those of the given inputs.

        The network runs in training mode without dropout and exchange of styles; means and second
        moments are averaged over the batches.

        Args:
            batches: inputs of the network, of equal size.

        Returns:
            The number of batches used.

        Raises:
            ValueError: there was no batch.
        """
        if not self._norms:
            return 0
        means = [tf.zeros_like(layer.moving_mean) for layer in self._norms]
        squares = [tf.zeros_like(layer.moving_variance) for layer in self._norms]
        count = 0
        with self._nothing_kept():
            for inputs in batches:
                self._measure(inputs)
                count += 1
                for index, layer in enumerate(self._norms):
                    mean = tf.convert_to_tensor(layer.moving_mean)
                    means[index] += mean
                    squares[index] += tf.convert_to_tensor(layer.moving_variance) + mean**2
        if not count:
            raise ValueError("no batch to estimate batch-norm statistics from; give at least one")
        for layer, total, square in zip(self._norms, means, squares, strict=True):
            mean = total / count
            layer.moving_mean.assign(mean)
            layer.moving_variance.assign(tf.maximum(square / count - mean**2, 0.0))
        return count

    @contextlib.contextmanager
    def _nothing_kept(self) -> Iterator[None]:
        """Let a call leave the statistics of its own batch behind, with dropout off."""
        momenta = [layer.momentum for layer in self._norms]
        rates = [layer.rate for layer in self._dropouts]
        for layer in self._norms:
            layer.momentum = 0.0
        for layer in self._dropouts:
            layer.rate = 0.0
        try:
            yield
        finally:
            for layer, momentum in zip(self._norms, momenta, strict=True):
                layer.momentum = momentum
            for layer, rate in zip(self._dropouts, rates, strict=True):
                layer.rate = rate
