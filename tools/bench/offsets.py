"""Random weights that cost as much time as trained ones."""

import keras
import numpy as np

from cxr_tf.models.layers import BatchNormalization


def with_offsets(network: keras.Model) -> keras.Model:
    """Give each batch normalisation offsets that are not zero, as training does.

    TensorFlow leaves an addition of zeros out, and then does not join convolution and ReLU to one
    operation. So a network is slower with the weights that it was built with than with trained
    ones.

    Args:
        network: with the weights that it was built with.

    Returns:
        The same network, changed in place.
    """
    generator = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, BatchNormalization):
            layer.beta.assign(generator.normal(0.0, 0.1, layer.beta.shape))
    return network
