"""A classifier for grey pictures at work, with what is linear folded into its filters."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from cxr_tf.models.folded_norm import with_folded_norms
from cxr_tf.models.lung_pooling import SCALING, lung_share, shows_lungs
from cxr_tf.models.resnet import FIRST, FIRST_NORM, POOL, SHARE
from pipelines.patches import network_input

Layers = Callable[[tf.Tensor], Any]


def grey_network(network: keras.Model, scaling: str) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Fold what is linear into the filters; see `first_layers` and `with_folded_norms`.

    Args:
        network: from [B, S, S, 3] to logits and features. One without a layer `FIRST` is called as
            it is.
        scaling: of `network_input`.

    Returns:
        From float32 [B, S, S] in 0..255 to the network's outputs, for inference.

    Raises:
        ValueError: the scaling is unknown.
    """
    rest = behind_first(network)
    first = first_layers(network, scaling, network.input_shape[1])
    return lambda patches: rest(first(patches))


def first_layers(network: keras.Model, scaling: str, size: int | None) -> Layers:
    """Fold what is linear ahead of the first pooling into the first filters.

    Each of the three equal channels is `gain * grey + offset`, so the first convolution of the
    three is one of the grey picture plus one of a picture of ones, which is the same for every
    patch. The latter is not a constant, for zeros surround both. Batch normalisation scales the
    filters and shifts that picture. ReLU and maximum change places: a quarter of the values is
    left, and a border of zeros need not be made. Exact but for rounding.

    Args:
        network: from [B, S, S, 3] to logits and features.
        scaling: of `network_input`.
        size: side of the patches, beyond which the network sees zeros; None for pictures of any
            size, beyond which it sees black.

    Returns:
        From float32 [B, H, W] in 0..255 to what `behind_first` takes.

    Raises:
        ValueError: the scaling is unknown, or not that of a network that pools over lungs.
    """
    if not _has(network, FIRST):
        return lambda pictures: network_input(pictures, scaling)
    share = network.get_layer(SHARE) if _has(network, SHARE) else None
    if share is not None and scaling != SCALING:
        raise ValueError(f"this network knows black of the scaling {SCALING!r} alone")
    first, padding, norm = (network.get_layer(n) for n in (FIRST, f"{FIRST}_padding", FIRST_NORM))
    pool = network.get_layer(POOL)
    ends = network_input(tf.constant([[[0.0]], [[255.0]]]), scaling)[:, 0, 0]
    gain, offset = (ends[1] - ends[0]) / 255.0, ends[0]

    def convolved(image: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
        kernel = tf.reduce_sum(first.kernel * factors, 2, keepdims=True)
        padded, kernel = (tf.cast(x, first.compute_dtype) for x in (padding(image), kernel))
        return tf.nn.conv2d(padded, kernel, first.strides, "VALID")

    def answer(pictures: tf.Tensor) -> Any:
        scale, added = norm.scale_and_shift()
        if size is None:
            everywhere = tf.reduce_sum(first.kernel * offset[:, None] * scale, [0, 1, 2])
            shift = tf.cast(everywhere, first.compute_dtype)
        else:
            shift = convolved(tf.ones([1, size, size, 1]), offset[:, None] * scale)
        shift += tf.cast(added, shift.dtype)
        x = convolved(pictures[..., None], gain[:, None] * scale) + shift
        x = tf.nn.max_pool2d(x, pool.pool_size, pool.strides, [[0, 0], [1, 1], [1, 1], [0, 0]])
        x = tf.nn.relu(x)
        return x if share is None else [x, lung_share(shows_lungs(pictures), share.stride)]

    return answer


def behind_first(network: keras.Model) -> Layers:
    """Give the layers behind those that `first_layers` stands for; see `with_folded_norms`.

    Args:
        network: from [B, S, S, 3] to logits and features.

    Returns:
        From what `first_layers` gives to the network's outputs, for inference.
    """
    return with_folded_norms(network, first_outputs(network))


def first_outputs(network: keras.Model) -> list[keras.KerasTensor]:
    """Give the outputs of the layers that `first_layers` stands for.

    Args:
        network: from [B, S, S, 3] to logits and features.
    """
    if not _has(network, FIRST):
        return list(network.inputs)
    return [network.get_layer(name).output for name in (POOL, SHARE) if _has(network, name)]


def _has(network: keras.Model, name: str) -> bool:
    return name in {layer.name for layer in network.layers}
