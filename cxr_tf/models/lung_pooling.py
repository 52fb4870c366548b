"""Pooling over the lungs alone: the mean of a feature map where its input shows lungs.

Where in the lungs something lies tells diseases apart, too: of their halves, upper and lower, the
difference of the means is kept beside the mean over all of them.
"""

from typing import Any

import keras
import tensorflow as tf

from pipelines.patches import network_input

#: The range of the input that the layers know black of.
SCALING = "imagenet"
#: Grey levels up to this one count as black: interpolation lightens the border of the lungs.
_BLACK = 0.5


def lung_share(shown: tf.Tensor, stride: int) -> tf.Tensor:
    """Give the share of each cell of a feature map that shows lungs.

    Args:
        shown: bool [B, S, S], True where the picture is not black.
        stride: pixels between two cells.

    Returns:
        float32 [B, ceil(S / stride), ceil(S / stride), 1] in 0..1.
    """
    pixels = tf.cast(shown, tf.float32)[..., None]
    return tf.nn.avg_pool2d(pixels, stride, stride, "SAME")


def shows_lungs(pictures: tf.Tensor) -> tf.Tensor:
    """Tell which pixels of masked pictures are not black.

    Args:
        pictures: float32 [B, S, S] in 0..255, black outside the lungs.

    Returns:
        bool [B, S, S].
    """
    return pictures > _BLACK


class LungShare(keras.layers.Layer):
    """Give the share of each cell that shows lungs; see `lung_share`. No weights."""

    def __init__(self, stride: int, name: str):
        """Set the distance of cells.

        Args:
            stride: pixels between two cells.
            name: of the layer.
        """
        super().__init__(name=name, dtype="float32")
        self.stride = stride

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Look at the network's input.

        Args:
            inputs: float32 [B, S, S, 3], as `network_input` scales pictures for ImageNet.

        Returns:
            float32 [B, ceil(S / stride), ceil(S / stride), 1].
        """
        black = network_input(tf.constant([[[_BLACK]]]), SCALING)[0, 0, 0, 0]
        return lung_share(inputs[..., 0] > black, self.stride)


class OnLungs(keras.layers.Layer):
    """Weigh a feature map so that its plain mean is the mean over the lungs. No weights.

    What follows, pooling, the dense layer and Grad-CAM, stays as it is. The mean over a whole
    picture would change with how much of it is lung. Where no cell shows lungs the map becomes 0.
    """

    def __init__(self, halves: bool = False, **options: Any):
        """Choose what is averaged.

        Args:
            halves: add as many channels, whose plain mean is the mean over the lungs in the upper
                half of the picture less that in the lower. A half without lungs counts as 0; of an
                odd number of rows the middle one is below.
            **options: of every layer.
        """
        super().__init__(**options)
        self.halves = halves

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Weigh the cells.

        Args:
            inputs: features float32 [B, u, v, k], and the share of lungs float32 [B, u, v, 1].

        Returns:
            float32 [B, u, v, k]; with halves [B, u, v, 2 k].
        """
        features, share = inputs
        everywhere = features * _averaging(share)
        if not self.halves:
            return everywhere
        rows = tf.shape(share)[1]
        upper = tf.cast(tf.range(rows) < rows // 2, share.dtype)[:, None, None]
        apart = _averaging(share * upper) - _averaging(share * (1.0 - upper))
        return tf.concat([everywhere, features * apart], -1)


def _averaging(weights: tf.Tensor) -> tf.Tensor:
    """Scale weights of cells, [B, u, v, 1]: a map times them has its weighted mean for a mean."""
    return tf.math.divide_no_nan(weights, tf.reduce_mean(weights, [1, 2], keepdims=True))
