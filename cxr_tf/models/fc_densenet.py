"""FC-DenseNet for segmentation (Jegou et al. 2017; section II-A of the paper)."""

from collections.abc import Sequence

import keras

from cxr_tf.models.layers import batch_norm, convolution

FIRST_FILTERS = 48


def dense_layer(
    x: keras.KerasTensor, growth: int, dropout: float, name: str, synchronised: bool
) -> keras.KerasTensor:
    """Apply batch norm, ReLU, a 3 x 3 convolution and channel-wise dropout.

    Args:
        x: [B, H, W, C].
        growth: channels of the output.
        dropout: share of channels dropped in training.
        name: prefix of the layers' names.
        synchronised: share batch-norm statistics between replicas.

    Returns:
        [B, H, W, growth].
    """
    x = batch_norm(x, f"{name}_bn", synchronised)
    x = keras.layers.ReLU(name=f"{name}_relu")(x)
    x = convolution(x, growth, 3, f"{name}_conv")
    return keras.layers.SpatialDropout2D(dropout, name=f"{name}_dropout")(x)


def dense_block(
    x: keras.KerasTensor,
    layers: int,
    growth: int,
    dropout: float,
    name: str,
    synchronised: bool,
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Apply dense layers, each of which sees the input and all outputs before it.

    Args:
        x: [B, H, W, C].
        layers: number of dense layers.
        growth: channels each adds.
        dropout: share of channels dropped in training.
        name: prefix of the layers' names.
        synchronised: share batch-norm statistics between replicas.

    Returns:
        Input and outputs together, [B, H, W, C + layers x growth], and the outputs alone,
        [B, H, W, layers x growth].
    """
    outputs = []
    for index in range(layers):
        new = dense_layer(x, growth, dropout, f"{name}_{index}", synchronised)
        outputs.append(new)
        x = keras.layers.Concatenate(name=f"{name}_{index}_joined")([x, new])
    if layers == 1:
        return x, outputs[0]
    return x, keras.layers.Concatenate(name=f"{name}_new")(outputs)


def fc_densenet(
    *,
    down: Sequence[int],
    bottleneck: int,
    growth: int = 16,
    size: int | None = 256,
    classes: int = 4,
    channels: int = 1,
    dropout: float = 0.2,
    synchronised: bool = False,
    name: str = "fc_densenet",
) -> keras.Model:
    """Build an FC-DenseNet.

    Args:
        down: dense layers of each block on the way down; the way up mirrors it.
        bottleneck: dense layers of the block between.
        growth: channels each dense layer adds.
        size: side of the input in pixels, a multiple of 2 to the number of blocks; None for any.
        classes: channels of the output.
        channels: channels of the input.
        dropout: share of channels dropped in training.
        synchronised: share batch-norm statistics between replicas.
        name: name of the model.

    Returns:
        A model from float32 [B, size, size, channels] in 0..1 to logits float32
        [B, size, size, classes].
    """
    inputs = keras.Input((size, size, channels), name="film")
    x = convolution(inputs, FIRST_FILTERS, 3, "first_conv")
    skips = []
    for level, layers in enumerate(down):
        x, _ = dense_block(x, layers, growth, dropout, f"down{level}", synchronised)
        skips.append(x)
        x = batch_norm(x, f"down{level}_bn", synchronised)
        x = keras.layers.ReLU(name=f"down{level}_relu")(x)
        x = convolution(x, x.shape[-1], 1, f"down{level}_conv")
        x = keras.layers.SpatialDropout2D(dropout, name=f"down{level}_dropout")(x)
        x = keras.layers.MaxPooling2D(2, name=f"down{level}_pool")(x)
    _, new = dense_block(x, bottleneck, growth, dropout, "bottleneck", synchronised)
    for level, layers in reversed(list(enumerate(down))):
        x = keras.layers.Conv2DTranspose(
            new.shape[-1],
            3,
            strides=2,
            padding="same",
            kernel_initializer="he_uniform",
            name=f"up{level}_transposed",
        )(new)
        x = keras.layers.Concatenate(name=f"up{level}_skip")([x, skips[level]])
        x, new = dense_block(x, layers, growth, dropout, f"up{level}", synchronised)
    logits = keras.layers.Conv2D(classes, 1, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name=name)
