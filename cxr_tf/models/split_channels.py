"""A segmentation network at work, without copying the channels that it joins."""

from collections.abc import Callable

import keras
import tensorflow as tf

from cxr_tf.models.layer_walk import Pieces, joined, walk
from cxr_tf.models.layers import BatchNormalization

#: Rows of an image from which on a copy costs more than the operations that replace it.
LEAST_ROWS = 32


def in_pieces(network: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Keep joined channels apart: a convolution of joined channels is a sum of convolutions.

    Each dense layer of an FC-DenseNet joins 16 new channels to hundreds of old ones and copies all
    of them; here the old ones stay where they are. Exact but for rounding.

    Args:
        network: of one input and one output, in which every layer is called once.

    Returns:
        From its input to its output, for inference.
    """
    return walk(network, _call)


def _call(layer: keras.Layer, inputs: list[Pieces]) -> Pieces:
    pieces = inputs[0]
    if isinstance(layer, keras.layers.Concatenate):
        return _concatenated(inputs)
    if len(pieces) > 1:
        if isinstance(layer, keras.layers.SpatialDropout2D):
            return pieces
        if isinstance(layer, keras.layers.ReLU):
            return [tf.nn.relu(piece) for piece in pieces]
        if isinstance(layer, BatchNormalization):
            return _normalised(layer, pieces)
        if isinstance(layer, keras.layers.Conv2D):
            return [_convolved(layer, pieces)]
    return [layer(*(joined(each) for each in inputs), training=False)]


def _concatenated(inputs: list[Pieces]) -> Pieces:
    """Join what comes in to the last piece, which is copied, unless it is wider than the first."""
    pieces, *others = inputs
    if pieces[0].shape[1] < LEAST_ROWS:
        return [joined([piece for each in inputs for piece in each])]
    for new in map(joined, others):
        first, last = pieces[0].shape[-1], pieces[-1].shape[-1]
        apart = len(pieces) == 1 or last > first
        pieces = [*pieces, new] if apart else [*pieces[:-1], joined([pieces[-1], new])]
    return pieces


def _normalised(layer: BatchNormalization, pieces: Pieces) -> Pieces:
    facts = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
    sizes = [piece.shape[-1] for piece in pieces]
    shares = zip(*(tf.split(tf.cast(fact, tf.float32), sizes) for fact in facts), strict=True)
    return [
        tf.compat.v1.nn.fused_batch_norm(piece, *own, epsilon=layer.epsilon, is_training=False)[0]
        for piece, own in zip(pieces, shares, strict=True)
    ]


def _convolved(layer: keras.layers.Conv2D, pieces: Pieces) -> tf.Tensor:
    dtype = layer.compute_dtype
    kernels = tf.split(tf.cast(layer.kernel, dtype), [piece.shape[-1] for piece in pieces], 2)
    # Each carries a share of the bias, for TensorFlow makes one operation of convolution, bias and
    # sum, but two of convolution and sum.
    bias = tf.cast(layer.bias / len(pieces), dtype) if layer.use_bias else None
    total = None
    for piece, kernel in zip(pieces, kernels, strict=True):
        own = tf.nn.conv2d(tf.cast(piece, dtype), kernel, layer.strides, layer.padding.upper())
        if bias is not None:
            own = tf.nn.bias_add(own, bias)
        total = own if total is None else own + total
    return layer.activation(total)
