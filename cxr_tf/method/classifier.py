"""The classification network as functions whose weights are constants."""

import keras
import numpy as np
import tensorflow as tf

from cxr_tf.method.frozen import frozen
from cxr_tf.method.triage_options import TriageOptions
from cxr_tf.method.windows import WindowNetwork
from cxr_tf.models.grey_patches import behind_first, first_layers, first_outputs, grey_network
from cxr_tf.models.names import feature_stride
from cxr_tf.models.resnet import LOGITS

_OUTPUTS = ("logits", "features")


class Classifier:
    """The network at work: on patches, and where it learnt to, on all windows of a film.

    Attributes:
        side: of the feature map of a patch.
        windows: the network for films; None for one that learnt from patches alone.
    """

    def __init__(self, network: keras.Model, options: TriageOptions):
        """Freeze the network.

        Args:
            network: of `build_classifier`, from scaled patches to logits and features; for
                pictures of any size where the approach is `dense`.
            options: how the films are prepared.
        """
        size = options.patch_size
        dense = network.get_layer(LOGITS)
        self.side: int = network.output["features"].shape[1] or size // feature_stride(network.name)
        self._kernel, self._bias = np.asarray(dense.kernel), np.asarray(dense.bias)
        self.windows: WindowNetwork | None = None
        patches = tf.TensorSpec([None, size, size], tf.float32, "patches")
        if options.approach != "dense":
            grey = grey_network(network, options.scaling)
            self._patches = frozen(lambda x: [grey(x)[name] for name in _OUTPUTS], patches)
            return
        stride = feature_stride(network.name)
        # The weights stand once in an exported model: both ways go through `rest`.
        layers, hidden = behind_first(network), first_outputs(network)[0]
        rest = frozen(
            lambda x: [layers(x)[name] for name in _OUTPUTS],
            tf.TensorSpec(hidden.shape, hidden.dtype, "hidden"),
        )
        of_patches = frozen(first_layers(network, options.scaling, size), patches)
        of_films = frozen(
            first_layers(network, options.scaling, None),
            tf.TensorSpec([1, None, None], tf.float32, "box"),
        )
        self._patches = lambda x: rest(of_patches(x)[0])
        self.windows = WindowNetwork(
            lambda x: rest(of_films(x)[0])[1], self._logits, size, options.content, stride
        )

    def of_patches(self, patches: tf.Tensor) -> list[tf.Tensor]:
        """Classify patches.

        Args:
            patches: float32 [n, S, S] in 0..255.

        Returns:
            Logits, float32 [n, C], and features, float32 [n, u, v, k].
        """
        return self._patches(patches)

    def head(self, features: tf.Tensor) -> tf.Tensor:
        """Turn features into logits: global average pooling and a dense layer.

        Args:
            features: float32 [n, u, v, k].

        Returns:
            float32 [n, C].
        """
        return self._logits(tf.reduce_mean(features, [1, 2]))

    def _logits(self, pooled: tf.Tensor) -> tf.Tensor:
        return tf.matmul(pooled, tf.constant(self._kernel)) + tf.constant(self._bias)
