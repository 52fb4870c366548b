"""U-Net for segmentation (Ronneberger et al. 2015; Table XIII of the paper)."""

import keras

from cxr_tf.models.layers import batch_norm, convolution


def double_convolution(
    x: keras.KerasTensor, filters: int, name: str, synchronised: bool
) -> keras.KerasTensor:
    """Apply two 3 x 3 convolutions, each with batch norm and ReLU.

    Args:
        x: [B, H, W, C].
        filters: channels of the output.
        name: prefix of the layers' names.
        synchronised: share batch-norm statistics between replicas.

    Returns:
        [B, H, W, filters].
    """
    for step in "ab":
        x = convolution(x, filters, 3, f"{name}{step}_conv", bias=False)
        x = batch_norm(x, f"{name}{step}_bn", synchronised)
        x = keras.layers.ReLU(name=f"{name}{step}_relu")(x)
    return x


def u_net(
    *,
    width: int = 64,
    depth: int = 4,
    size: int | None = 256,
    classes: int = 4,
    channels: int = 1,
    dropout: float = 0.2,
    synchronised: bool = False,
    name: str = "u_net",
) -> keras.Model:
    """Build a U-Net with batch norm.

    Args:
        width: channels of the first level; each level down has twice as many.
        depth: number of times the image is halved.
        size: side of the input in pixels, a multiple of 2 to the depth; None for any.
        classes: channels of the output.
        channels: channels of the input.
        dropout: share of channels dropped in training at the lowest level.
        synchronised: share batch-norm statistics between replicas.
        name: name of the model.

    Returns:
        A model from float32 [B, size, size, channels] in 0..1 to logits float32
        [B, size, size, classes].
    """
    inputs = keras.Input((size, size, channels), name="film")
    x, skips = inputs, []
    for level in range(depth):
        x = double_convolution(x, width << level, f"down{level}", synchronised)
        skips.append(x)
        x = keras.layers.MaxPooling2D(2, name=f"down{level}_pool")(x)
    x = double_convolution(x, width << depth, "bottleneck", synchronised)
    x = keras.layers.SpatialDropout2D(dropout, name="bottleneck_dropout")(x)
    for level in reversed(range(depth)):
        x = keras.layers.Conv2DTranspose(
            width << level, 2, strides=2, padding="same", name=f"up{level}_transposed"
        )(x)
        x = keras.layers.Concatenate(name=f"up{level}_skip")([skips[level], x])
        x = double_convolution(x, width << level, f"up{level}", synchronised)
    logits = keras.layers.Conv2D(classes, 1, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name=name)
