"""Layers that every network here shares."""

import keras

#: As in the authors' framework; Keras' own default (0.99) lags with 50 to 100 steps an epoch.
BATCH_NORM_MOMENTUM = 0.9
BATCH_NORM_EPSILON = 1e-5


def batch_norm(x: keras.KerasTensor, name: str, synchronised: bool = False) -> keras.KerasTensor:
    """Apply batch normalisation with momentum 0.9 and epsilon 1e-5.

    Args:
        x: [B, H, W, C].
        name: name of the layer.
        synchronised: share the statistics of a batch between replicas.

    Returns:
        [B, H, W, C].
    """
    return keras.layers.BatchNormalization(
        momentum=BATCH_NORM_MOMENTUM,
        epsilon=BATCH_NORM_EPSILON,
        synchronized=synchronised,
        name=name,
    )(x)


def convolution(
    x: keras.KerasTensor, filters: int, size: int, name: str, bias: bool = True
) -> keras.KerasTensor:
    """Apply a convolution of stride 1 that keeps the image's size.

    Args:
        x: [B, H, W, C].
        filters: channels of the output.
        size: side of the kernel.
        name: name of the layer.
        bias: whether the layer has one.

    Returns:
        [B, H, W, filters].
    """
    return keras.layers.Conv2D(
        filters, size, padding="same", use_bias=bias, kernel_initializer="he_uniform", name=name
    )(x)
