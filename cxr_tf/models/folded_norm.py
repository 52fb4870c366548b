"""A network at work, with batch normalisation folded into the convolutions ahead of it."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from cxr_tf.models.layer_walk import Pieces, joined, layers_before, walk
from cxr_tf.models.layers import BatchNormalization


def with_folded_norms(
    network: keras.Model, start: Sequence[keras.KerasTensor] | None = None
) -> Callable[[Any], Any]:
    """Scale and shift each filter, where a batch normalisation scales and shifts what it makes.

    A convolution with a bias, the sum with a shortcut and ReLU are then one operation of oneDNN;
    beside a batch normalisation the sum is one of its own. Exact but for rounding.

    Args:
        network: one in which every layer is called once.
        start: outputs of layers to begin behind; by default the network's inputs.

    Returns:
        From values of `start`, a tensor or a list, to the network's outputs, for inference.
    """
    before = layers_before(network)
    norms = [layer for layer in network.layers if isinstance(layer, BatchNormalization)]
    ahead = {id(norm): before(norm, keras.layers.Conv2D) for norm in norms}
    folded = {norm: layer for norm, layer in ahead.items() if layer and _has_filters_alone(layer)}
    held = {id(layer) for layer in folded.values()}

    def call(layer: keras.Layer, inputs: list[Pieces]) -> Pieces:
        given = [joined(each) for each in inputs]
        if id(layer) in held:
            return given
        if id(layer) in folded:
            return [_convolved(folded[id(layer)], layer, given[0])]
        return [layer(given if isinstance(layer.input, list) else given[0], training=False)]

    return walk(network, call, start)


def _has_filters_alone(layer: keras.layers.Conv2D) -> bool:
    return not layer.use_bias and layer.activation is keras.activations.linear


def _convolved(
    convolution: keras.layers.Conv2D, norm: BatchNormalization, inputs: tf.Tensor
) -> tf.Tensor:
    """Convolve with scaled filters, and add what the normalisation adds."""
    dtype = convolution.compute_dtype
    scale, shift = norm.scale_and_shift()
    kernel, bias = (tf.cast(x, dtype) for x in (convolution.kernel * scale, shift))
    outputs = tf.nn.conv2d(
        tf.cast(inputs, dtype), kernel, convolution.strides, convolution.padding.upper()
    )
    return tf.nn.bias_add(outputs, bias)
