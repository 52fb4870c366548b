"""What training minimises: weighted cross entropy (Eq. 2) and the two regularisers."""

from collections.abc import Sequence

import tensorflow as tf


def segmentation_loss(
    logits: tf.Tensor, labels: tf.Tensor, class_weights: Sequence[float]
) -> tf.Tensor:
    """Compute cross entropy weighted by class, divided by the number of pixels (Eq. 2).

    Args:
        logits: float32 [B, H, W, S].
        labels: uint8 [B, H, W].
        class_weights: lambda of each of the S classes.

    Returns:
        float32 [B], one value a film.
    """
    labels = tf.cast(labels, tf.int32)
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    weights = tf.gather(tf.constant(class_weights, tf.float32), labels)
    return tf.reduce_mean(weights * entropy, axis=[1, 2])


def classification_loss(logits: tf.Tensor, labels: tf.Tensor, smoothing: float = 0.0) -> tf.Tensor:
    """Compute the cross entropy of patches or films.

    Args:
        logits: float32 [B, C].
        labels: int32 [B].
        smoothing: share of the target spread evenly over the classes.

    Returns:
        float32 [B].
    """
    classes = logits.shape[-1]
    target = tf.one_hot(labels, classes) * (1.0 - smoothing) + smoothing / classes
    return tf.nn.softmax_cross_entropy_with_logits(target, logits)


def windows_loss(
    logits: tf.Tensor, labels: tf.Tensor, counted: tf.Tensor, smoothing: float = 0.0
) -> tf.Tensor:
    """Average the cross entropy of the windows of a crop that count.

    Args:
        logits: float32 [B, w, w, C].
        labels: int32 [B].
        counted: bool [B, w, w].
        smoothing: see `classification_loss`.

    Returns:
        float32 [B]; 0 for a crop of which no window counts.
    """
    shape = tf.shape(logits)
    each = tf.repeat(labels, shape[1] * shape[2])
    flat = tf.reshape(logits, [-1, logits.shape[-1]])
    entropy = tf.reshape(classification_loss(flat, each, smoothing), shape[:3])
    total = tf.reduce_sum(tf.where(counted, entropy, 0.0), [1, 2])
    return tf.math.divide_no_nan(total, tf.reduce_sum(tf.cast(counted, tf.float32), [1, 2]))


def penalty(variables: Sequence[tf.Tensor], l2: float, l1: float) -> tf.Tensor:
    """Compute the coupled penalty `l2 / 2 ||w||^2 + l1 |w|`, summed over all variables.

    Args:
        variables: trainable variables.
        l2: weight decay of the authors' optimiser.
        l1: weight of the absolute values.

    Returns:
        float32 scalar.
    """
    total = tf.zeros([])
    for variable in variables:
        value = tf.cast(tf.convert_to_tensor(variable), tf.float32)
        if l2:
            total += l2 * tf.nn.l2_loss(value)
        if l1:
            total += l1 * tf.reduce_sum(tf.abs(value))
    return total
