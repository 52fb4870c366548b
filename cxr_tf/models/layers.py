"""Layers that every network here shares."""

import keras
import tensorflow as tf

#: As in the authors' framework; Keras' own default (0.99) lags with 50 to 100 steps an epoch.
BATCH_NORM_MOMENTUM = 0.9
BATCH_NORM_EPSILON = 1e-5


class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation in one operation of TensorFlow, where Keras takes one for each factor.

    The values are Keras' own. Statistics shared between replicas are left to Keras.
    """

    def call(
        self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Normalise by the batch in training, else by the moving statistics.

        Args:
            inputs: [B, H, W, C].
            training: whether to take the statistics of the batch, and move on those kept.
            mask: None; Keras passes it on.

        Returns:
            [B, H, W, C].
        """
        learns = bool(training and self.trainable)
        if learns and self.shares_statistics():
            return super().call(inputs, training=training, mask=mask)
        scale, offset = (tf.cast(x, tf.float32) for x in (self.gamma, self.beta))
        if learns:
            outputs, mean, variance = self.of_batch(inputs, scale, offset)
            self.move_to(mean, variance, tf.reduce_prod(tf.shape(inputs)[:-1]))
            return outputs
        kept = (tf.cast(x, tf.float32) for x in (self.moving_mean, self.moving_variance))
        return tf.compat.v1.nn.fused_batch_norm(
            inputs, scale, offset, *kept, epsilon=self.epsilon, is_training=False
        )[0]

    def scale_and_shift(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Give what inference multiplies each channel by and then adds to it, two [C]."""
        scale = self.gamma * tf.math.rsqrt(self.moving_variance + self.epsilon)
        return scale, self.beta - self.moving_mean * scale

    def shares_statistics(self) -> bool:
        """Tell whether replicas share the statistics of a batch, which is left to Keras."""
        return self.synchronized and tf.distribute.get_strategy().num_replicas_in_sync > 1

    def of_batch(
        self, inputs: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Normalise by the batch, and leave the moving statistics as they are.

        Args:
            inputs: [B, H, W, C].
            scale: float32 [C].
            offset: float32 [C].

        Returns:
            The normalised inputs, and mean and variance (with n - 1 below the line), float32 [C].
        """
        found: tuple[tf.Tensor, tf.Tensor, tf.Tensor] = tf.compat.v1.nn.fused_batch_norm(
            inputs, scale, offset, epsilon=self.epsilon
        )
        return found

    def move_to(self, mean: tf.Tensor, variance: tf.Tensor, count: tf.Tensor) -> None:
        """Move the kept statistics on to those of a batch.

        Args:
            mean: of `of_batch`.
            variance: of `of_batch`.
            count: int32 scalar, values of a channel.
        """
        number = tf.cast(count, tf.float32)
        # TensorFlow gives the variance with n - 1 below the line, Keras keeps the one with n.
        variance *= (number - 1.0) / number
        for moving, found in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + found * (1.0 - self.momentum))


def batch_norm(x: keras.KerasTensor, name: str, synchronised: bool = False) -> keras.KerasTensor:
    """Apply batch normalisation with momentum 0.9 and epsilon 1e-5.

    Args:
        x: [B, H, W, C].
        name: name of the layer.
        synchronised: share the statistics of a batch between replicas.

    Returns:
        [B, H, W, C].
    """
    return BatchNormalization(
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
