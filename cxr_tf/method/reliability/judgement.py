"""Films judged by a formula, in the graph and outside of it."""

import numpy as np
import tensorflow as tf

from cxr_tf.method.reliability.feature_names import FEATURES
from cxr_tf.method.reliability.formula import Formula

#: A feature counts as at most this many standard deviations from the middle of real films.
FARTHEST = 5.0


def score(formula: Formula, features: tf.Tensor) -> tf.Tensor:
    """Judge one film, or many at once.

    Args:
        formula: the numbers.
        features: float [..., F], in the order of `FEATURES`.

    Returns:
        [...] in 0..1, of the features' type.
    """
    features = tf.convert_to_tensor(features)
    chosen = [FEATURES.index(term.feature) for term in formula.terms]
    rows = [(term.centre, term.scale, term.linear, term.square) for term in formula.terms]
    # The numbers are rounded to float32 wherever they are used.
    table = np.array(rows, np.float32).T.astype(features.dtype.as_numpy_dtype)
    centre, scale, linear, square = table
    z = (tf.gather(features, chosen, axis=-1) - centre) / scale
    z = tf.clip_by_value(z, -FARTHEST, FARTHEST)
    return tf.sigmoid(formula.intercept + tf.reduce_sum(linear * z + square * z * z, -1))
