"""ResNet-18 with its last feature map as an output (He et al. 2016; section II-B)."""

import keras
import tensorflow as tf

from cxr_tf.models.layers import batch_norm
from cxr_tf.models.lung_pooling import LungShare, OnLungs
from cxr_tf.models.names import STAGES
from cxr_tf.models.style_exchange import StyleExchange

#: First stages behind which styles are exchanged: there they are more of the source than of what a
#: film shows.
STYLED = 2
BLOCKS = 2
#: torchvision's name of each layer is the Keras name with dots for slashes.
FIRST = "conv1"
FIRST_NORM = "bn1"
POOL = "maxpool"
FEATURES = "features"
SHARE = "lung_share"
LOGITS = "fc"


def _convolution(
    x: keras.KerasTensor, filters: int, size: int, stride: int, name: str
) -> keras.KerasTensor:
    """Convolve with torchvision's padding: (size - 1) / 2 on every side, whatever the stride."""
    margin = (size - 1) // 2
    if stride > 1 and margin:
        x = keras.layers.ZeroPadding2D(margin, name=f"{name}_padding")(x)
    return keras.layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding="valid" if stride > 1 else "same",
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
        name=name,
    )(x)


def basic_block(
    x: keras.KerasTensor, filters: int, stride: int, name: str, synchronised: bool
) -> keras.KerasTensor:
    """Apply two 3 x 3 convolutions beside a shortcut.

    Args:
        x: [B, H, W, C].
        filters: channels of the output.
        stride: of the first convolution and the shortcut.
        name: prefix of the layers' names.
        synchronised: share batch-norm statistics between replicas.

    Returns:
        [B, ceil(H / stride), ceil(W / stride), filters].
    """
    shortcut = x
    x = _convolution(x, filters, 3, stride, f"{name}_conv1")
    x = batch_norm(x, f"{name}_bn1", synchronised)
    x = keras.layers.ReLU(name=f"{name}_relu1")(x)
    x = _convolution(x, filters, 3, 1, f"{name}_conv2")
    x = batch_norm(x, f"{name}_bn2", synchronised)
    if stride > 1 or shortcut.shape[-1] != filters:
        shortcut = _convolution(shortcut, filters, 1, stride, f"{name}_downsample_0")
        shortcut = batch_norm(shortcut, f"{name}_downsample_1", synchronised)
    x = keras.layers.Add(name=f"{name}_sum")([x, shortcut])
    return keras.layers.ReLU(name=f"{name}_relu2")(x)


def resnet18(
    *,
    stages: int = STAGES,
    width: int = 64,
    size: int | None = 224,
    classes: int = 4,
    synchronised: bool = False,
    style_exchange: float = 0.0,
    on_lungs: bool = False,
    halves: bool = False,
    name: str = "resnet18",
) -> keras.Model:
    """Build a ResNet-18.

    Args:
        stages: how many of the four stages there are; with fewer the last feature map is finer.
        width: channels of the first stage; each stage has twice as many as the one before.
        size: side of the input in pixels; None for any.
        classes: number of classes.
        synchronised: share batch-norm statistics between replicas.
        style_exchange: share of training examples whose style is mixed with another's behind the
            first and the second stage; 0 for none.
        on_lungs: pool over the cells that show lungs, see `cxr_tf.models.lung_pooling`.
        halves: where `on_lungs`, also pool the difference between their upper and lower half.
        name: name of the model.

    Returns:
        A model from float32 [B, size, size, 3] to `{"logits": float32 [B, classes], "features":
        [B, size / 32, size / 32, 8 x width]}`; with three stages `[B, size / 16, size / 16,
        4 x width]`; with halves twice as many channels.
    """
    inputs = keras.Input((size, size, 3), name="patch")
    x = _convolution(inputs, width, 7, 2, FIRST)
    x = batch_norm(x, FIRST_NORM, synchronised)
    x = keras.layers.ReLU(name="relu")(x)
    x = keras.layers.ZeroPadding2D(1, name=f"{POOL}_padding")(x)
    x = keras.layers.MaxPooling2D(3, strides=2, name=POOL)(x)
    for stage in range(stages):
        for block in range(BLOCKS):
            stride = 2 if stage and not block else 1
            x = basic_block(x, width << stage, stride, f"layer{stage + 1}_{block}", synchronised)
        if style_exchange and stage < STYLED:
            x = StyleExchange(style_exchange, name=f"layer{stage + 1}_style")(x)
    if on_lungs:
        share = LungShare(2 << stages, name=SHARE)(inputs)
        features = OnLungs(halves, dtype="float32", name=FEATURES)([x, share])
    else:
        features = keras.layers.Activation("linear", dtype="float32", name=FEATURES)(x)
    pooled = keras.layers.GlobalAveragePooling2D(dtype="float32", name="avgpool")(features)
    logits = keras.layers.Dense(classes, dtype="float32", name=LOGITS)(pooled)
    return keras.Model(inputs, {"logits": logits, "features": features}, name=name)


def averaged_features(model: keras.Model, inputs: tf.Tensor) -> tf.Tensor:
    """Give the last features as they are in use, averaged over each patch.

    Args:
        model: of `resnet18`.
        inputs: float32 [B, H, W, 3].

    Returns:
        float32 [B, k].
    """
    return tf.reduce_mean(model(inputs, training=False)["features"], [1, 2])


def freeze(model: keras.Model, stages: int, statistics: bool = False) -> None:
    """Keep the weights of the first layers as they are.

    Args:
        model: of `resnet18`.
        statistics: keep their batch-norm statistics, too; otherwise these still follow.
        stages: 0 keeps none, 1 the first convolution, 2 to 5 as many of the four stages behind it
            less one.
    """
    kept = [FIRST, FIRST_NORM, *(f"layer{stage}_" for stage in range(1, stages))] if stages else []
    for layer in model.layers:
        if layer.name.startswith(tuple(kept)):
            if statistics:
                layer.trainable = False
            for variable in layer.trainable_variables:
                variable.trainable = False
