"""A segmentation network in training, without holding every copy of the channels that it joins.

Each dense layer of an FC-DenseNet normalises all channels before it, so that their copies, joined
and normalised, grow with the square of the number of layers. Here the channels are held once, and
the backward pass joins and normalises them again (Pleiss et al. 2017, "Memory-Efficient
Implementation of DenseNets"). Convolutions are not computed again.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from cxr_tf.models.layer_walk import Pieces, joined, layers_before, walk
from cxr_tf.models.layers import BatchNormalization

#: Rows of an image from which on its copies are worth the time to make them again.
LEAST_ROWS = 64


def with_less_memory(network: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Compute again in the backward pass what each convolution sees of joined channels.

    Output, gradients and moving statistics are those of the network, as from the same operations.

    Args:
        network: of one input and one output, in which every layer is called once.

    Returns:
        From its input to its output, for training.
    """
    triples = _triples(network)
    held = {id(layer) for norm, relu, _ in triples.values() for layer in (norm, relu)}

    def call(layer: keras.Layer, inputs: list[Pieces]) -> Pieces:
        if isinstance(layer, keras.layers.Concatenate):
            pieces = [piece for each in inputs for piece in each]
            return pieces if _is_large(pieces) else [joined(pieces)]
        if id(layer) in held:
            return inputs[0]
        if id(layer) in triples:
            return [_normalised_convolution(*triples[id(layer)], inputs[0])]
        return [layer(*(joined(each) for each in inputs), training=True)]

    return walk(network, call)


_Triple = tuple[BatchNormalization, keras.layers.ReLU, keras.layers.Conv2D]


def _triples(network: keras.Model) -> dict[int, _Triple]:
    """Find batch normalisations whose only use is a ReLU, whose only use is a convolution."""
    before = layers_before(network)
    found: dict[int, _Triple] = {}
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.use_bias:
            relu = before(layer, keras.layers.ReLU)
            norm = before(relu, BatchNormalization) if relu is not None else None
            if norm is not None and norm.compute_dtype == layer.compute_dtype:
                found[id(layer)] = (norm, relu, layer)
    return found


def _is_large(pieces: Pieces) -> bool:
    return bool(pieces[0].shape[1] >= LEAST_ROWS)


def _normalised_convolution(
    norm: BatchNormalization,
    relu: keras.layers.ReLU,
    convolution: keras.layers.Conv2D,
    pieces: Pieces,
) -> tf.Tensor:
    """Apply the three layers to joined pieces, and hold no more than the pieces."""
    if not _is_large(pieces) or not norm.trainable or norm.shares_statistics():
        return convolution(relu(norm(joined(pieces), training=True)))
    dtype = convolution.compute_dtype
    scale, offset = (tf.cast(x, tf.float32) for x in (norm.gamma, norm.beta))
    kernel, bias = (tf.cast(x, dtype) for x in (convolution.kernel, convolution.bias))
    pieces = [tf.cast(piece, dtype) for piece in pieces]

    @tf.recompute_grad
    def together(*given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        *seen, scale, offset, kernel, bias = given
        outputs, mean, variance = norm.of_batch(joined(seen), scale, offset)
        outputs = tf.nn.conv2d(
            tf.nn.relu(outputs), kernel, convolution.strides, convolution.padding.upper()
        )
        return tf.nn.bias_add(outputs, bias), mean, variance

    outputs, mean, variance = together(*pieces, scale, offset, kernel, bias)
    norm.move_to(mean, variance, tf.reduce_prod(tf.shape(outputs)[:-1]))
    return outputs
