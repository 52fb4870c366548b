"""Estimate batch-norm statistics again, with dropout off.

Dropout ahead of batch norm shifts the variance that training sees, and moving averages lag
behind the weights; both make a good network look broken at inference.
"""

from collections.abc import Iterable

import keras
import tensorflow as tf

from cxr_tf.models.style_exchange import StyleExchange


def estimate_batch_norm(model: keras.Model, batches: Iterable[tf.Tensor]) -> int:
    """Replace every moving mean and variance by those of the given inputs.

    The model runs in training mode without dropout and exchange of styles; means and second moments
    are averaged over the batches.

    Args:
        model: a model outside any distribution scope; changed in place.
        batches: inputs of the model, of equal size.

    Returns:
        The number of batches used.

    Raises:
        ValueError: there was no batch.
    """
    layers = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    dropouts = [x for x in model.layers if isinstance(x, keras.layers.Dropout | StyleExchange)]
    if not layers:
        return 0
    momenta = [layer.momentum for layer in layers]
    rates = [layer.rate for layer in dropouts]
    # With momentum 0 a call leaves the statistics of its own batch behind.
    for layer in layers:
        layer.momentum = 0.0
    for dropout in dropouts:
        dropout.rate = 0.0
    try:

        @tf.function(reduce_retracing=True, autograph=False)
        def measure(inputs: tf.Tensor) -> None:
            model(inputs, training=True)

        means = [tf.zeros_like(layer.moving_mean) for layer in layers]
        squares = [tf.zeros_like(layer.moving_variance) for layer in layers]
        count = 0
        for inputs in batches:
            measure(inputs)
            count += 1
            for index, layer in enumerate(layers):
                mean = tf.convert_to_tensor(layer.moving_mean)
                means[index] += mean
                squares[index] += tf.convert_to_tensor(layer.moving_variance) + mean**2
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        for dropout, rate in zip(dropouts, rates, strict=True):
            dropout.rate = rate
    if not count:
        raise ValueError("no batch to estimate batch-norm statistics from; give at least one")
    for layer, total, square in zip(layers, means, squares, strict=True):
        mean = total / count
        layer.moving_mean.assign(mean)
        layer.moving_variance.assign(tf.maximum(square / count - mean**2, 0.0))
    return count
