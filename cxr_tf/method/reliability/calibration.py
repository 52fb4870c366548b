"""Probabilities that mean what they say, and sets of classes that hold the truth often enough."""

import tensorflow as tf

#: Nothing smaller enters a logarithm.
_LEAST = 1e-12


def calibrate(probabilities: tf.Tensor, temperature: tf.Tensor | float) -> tf.Tensor:
    """Flatten (temperature above 1) or sharpen probabilities: `softmax(log(p) / T)`.

    The order of the classes stays (Guo et al., "On calibration of modern neural networks", 2017).

    Args:
        probabilities: float [..., C], each row sums to 1.
        temperature: above 0; 1 changes nothing.

    Returns:
        float [..., C], each row sums to 1.
    """
    return tf.nn.softmax(tf.math.log(tf.maximum(probabilities, _LEAST)) / temperature)


def conformal_set(calibrated: tf.Tensor, least: tf.Tensor | float) -> tf.Tensor:
    """Choose the classes that cannot be ruled out (split conformal prediction, least ambiguous).

    Args:
        calibrated: float [..., C].
        least: probability from which on a class belongs to the set.

    Returns:
        int32 [..., C] of 0 and 1; the most probable class always belongs to it.
    """
    most = tf.reduce_max(calibrated, -1, keepdims=True)
    return tf.cast((calibrated >= least) | (calibrated == most), tf.int32)


def unsure(classes: tf.Tensor, decided: tf.Tensor) -> tf.Tensor:
    """Tell a decision to abstain from: other classes are possible, or it is none of them.

    Args:
        classes: int32 [C], the conformal set.
        decided: int32 scalar, the class that the vote decided for.

    Returns:
        bool scalar.
    """
    return (tf.reduce_sum(classes) != 1) | (classes[decided] == 0)
