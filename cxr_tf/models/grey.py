"""A classifier for grey patches, without the work for three equal channels."""

from collections.abc import Callable

import keras
import tensorflow as tf

from cxr_tf.models.resnet import FIRST
from pipelines.patches import network_input


def grey_network(network: keras.Model, scaling: str) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Fold the scaling and the three equal channels of a network's input into its first filters.

    Each channel is `gain * grey + offset`, so the first convolution of the three is one of the grey
    patch plus one of a picture of ones, which is the same for every patch. The latter is not a
    constant, for zeros surround both. Exact but for the order of the sums.

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
    first, padding = network.get_layer(FIRST), network.get_layer(f"{FIRST}_padding")
    rest = keras.Model(first.output, network.output)
    black, white = network_input(tf.constant([[[0.0]], [[255.0]]]), scaling)[:, 0, 0]
    gain, offset = (white - black) / 255.0, black

    def convolved(image: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
        kernel = tf.reduce_sum(first.kernel * factors[:, None], 2, keepdims=True)
        padded, kernel = (tf.cast(x, first.compute_dtype) for x in (padding(image), kernel))
        return tf.nn.conv2d(padded, kernel, first.strides, "VALID")

    def answer(patches: tf.Tensor) -> dict[str, tf.Tensor]:
        grey = patches[..., None]
        ones = tf.ones([1, *network.input_shape[1:3], 1])
        return rest(convolved(grey, gain) + convolved(ones, offset), training=False)

    return answer
