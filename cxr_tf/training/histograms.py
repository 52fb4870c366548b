"""Weights and activations of a network for TensorBoard's histograms."""

from collections.abc import Iterator

import keras
import tensorflow as tf

from cxr_tf.models.weights import is_kernel

#: Most values of a layer that a histogram counts: all of FC-DenseNet103's took 52 s, these 2.
MOST = 65_536


def weights(model: keras.Model) -> Iterator[tuple[str, tf.Tensor]]:
    """Give the kernels of a network.

    Args:
        model: the network.

    Yields:
        Name and values of each.
    """
    for weight in model.trainable_variables:
        if is_kernel(weight.path):
            yield f"weights/{weight.path.removesuffix('/kernel')}", weight.value


def activations(model: keras.Model, inputs: tf.Tensor) -> Iterator[tuple[str, tf.Tensor]]:
    """Gather what ReLUs let through, and the logits: at most `MOST` values of each.

    A ReLU whose values are all 0 has died.

    Args:
        model: the network.
        inputs: float32 [n, S, S, channels], as it takes them.

    Yields:
        Name and values of each layer, in order.
    """
    chosen = [layer for layer in model.layers if isinstance(layer, keras.layers.ReLU)]
    chosen.append(next(layer for layer in reversed(model.layers) if layer.weights))
    seen = keras.Model(model.input, [layer.output for layer in chosen])
    for layer, values in zip(chosen, seen(inputs, training=False), strict=True):
        yield f"activations/{layer.name}", tf.cast(_drawn(values), tf.float32)


def _drawn(values: tf.Tensor) -> tf.Tensor:
    """Draw values at random, always at the same places, where there are more than `MOST`."""
    flat = tf.reshape(values, [-1])
    size = flat.shape[0]
    if size <= MOST:
        return flat
    places = tf.random.stateless_uniform([MOST], (0, 0), maxval=size, dtype=tf.int64)
    return tf.gather(flat, places)
