"""A classifier for grey patches, with the work ahead of its first pooling cut down."""

from collections.abc import Callable

import keras
import tensorflow as tf

from cxr_tf.models.resnet import FIRST, FIRST_NORM, POOL
from pipelines.patches import network_input


def grey_network(network: keras.Model, scaling: str) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Fold what is linear ahead of the first pooling into the first filters.

    Each of the three equal channels is `gain * grey + offset`, so the first convolution of the
    three is one of the grey patch plus one of a picture of ones, which is the same for every patch.
    The latter is not a constant, for zeros surround both. Batch normalisation scales the filters
    and shifts that picture. ReLU and maximum change places: a quarter of the values is left, and a
    border of zeros need not be made. Exact but for rounding.

    Args:
        network: from [B, S, S, 3] to logits and features. One without a layer `FIRST` is called as
            it is.
        scaling: of `network_input`.

    Returns:
        From float32 [B, S, S] in 0..255 to the network's outputs, for inference.

    Raises:
        ValueError: the scaling is unknown.
    """
    if FIRST not in {layer.name for layer in network.layers}:
        return lambda patches: network(network_input(patches, scaling), training=False)
    first, padding, norm = (network.get_layer(n) for n in (FIRST, f"{FIRST}_padding", FIRST_NORM))
    pool = network.get_layer(POOL)
    rest = keras.Model(pool.output, network.output)
    black, white = network_input(tf.constant([[[0.0]], [[255.0]]]), scaling)[:, 0, 0]
    gain, offset = (white - black) / 255.0, black

    def convolved(image: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
        kernel = tf.reduce_sum(first.kernel * factors, 2, keepdims=True)
        padded, kernel = (tf.cast(x, first.compute_dtype) for x in (padding(image), kernel))
        return tf.nn.conv2d(padded, kernel, first.strides, "VALID")

    def answer(patches: tf.Tensor) -> dict[str, tf.Tensor]:
        scale = norm.gamma * tf.math.rsqrt(norm.moving_variance + norm.epsilon)
        ones = tf.ones([1, *network.input_shape[1:3], 1])
        shift = convolved(ones, offset[:, None] * scale)
        shift += tf.cast(norm.beta - norm.moving_mean * scale, shift.dtype)
        x = convolved(patches[..., None], gain[:, None] * scale) + shift
        x = tf.nn.max_pool2d(x, pool.pool_size, pool.strides, [[0, 0], [1, 1], [1, 1], [0, 0]])
        return rest(tf.nn.relu(x), training=False)

    return answer
