"""Styles exchanged between the examples of a batch (MixStyle, Zhou et al. 2021)."""

from typing import Any

import keras
import tensorflow as tf

#: Keeps a channel without any spread finite.
_EPSILON = 1e-6


class StyleExchange(keras.layers.Layer):
    """Mix each example's channel means and spreads with those of another one, in training only.

    They hold much of what tells where a film was made and little of what it shows; mixed at random,
    they are no help to tell the classes apart. An example keeps between none and all of its own
    style, by a symmetric beta distribution that favours the ends, and all of it where `rate` says
    so. No weights; at inference the layer gives what it gets.
    """

    def __init__(self, rate: float, alpha: float = 0.1, seed: int | None = None, **options: Any):
        """Set how often and how much.

        Args:
            rate: share of examples whose style is mixed, 0 to 1.
            alpha: of the beta distribution; below 1 it favours the ends.
            seed: of the draws; None for one at random, as in Keras' layers.
            **options: of every layer, such as `name`.

        Raises:
            ValueError: the rate is no share.
        """
        super().__init__(**options)
        if not 0 <= rate <= 1:
            raise ValueError(f"a rate of {rate} is no share: give a number from 0 to 1")
        self.rate = rate
        self.alpha = alpha
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Mix the styles of a batch.

        Args:
            inputs: [B, H, W, C].
            training: False leaves it as it is.
        """
        if not training or not self.rate:
            return inputs
        x = tf.cast(inputs, tf.float32)
        mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
        mean, spread = tf.stop_gradient(mean), tf.stop_gradient(tf.sqrt(variance + _EPSILON))
        count = tf.shape(x)[0]
        drawn = keras.random.uniform((count, 2), seed=self.seed_generator)
        other = tf.argsort(drawn[:, 0])
        kept = keras.random.beta((count,), self.alpha, self.alpha, seed=self.seed_generator)
        kept = tf.where(drawn[:, 1] < self.rate, kept, 1.0)[:, None, None, None]
        new_mean = kept * mean + (1.0 - kept) * tf.gather(mean, other)
        new_spread = kept * spread + (1.0 - kept) * tf.gather(spread, other)
        return tf.cast((x - mean) / spread * new_spread + new_mean, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Give what the layer was made with."""
        return {**super().get_config(), "rate": self.rate, "alpha": self.alpha}
