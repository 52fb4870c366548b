"""Films judged by a formula: one in the graph, many outside of it."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.method.reliability.feature_names import FEATURES
from cxr_tf.method.reliability.formula import Formula

#: A feature counts as at most this many standard deviations from the middle of real films.
FARTHEST = 5.0


def score(formula: Formula, features: tf.Tensor) -> tf.Tensor:
    """Judge one film.

    Args:
        formula: the numbers.
        features: float32 [F], in the order of `FEATURES`.

    Returns:
        float32 scalar in 0..1.
    """
    chosen = tf.gather(features, _positions(formula))
    table = _table(formula)
    z = tf.clip_by_value((chosen - table[0]) / table[1], -FARTHEST, FARTHEST)
    return tf.sigmoid(formula.intercept + tf.reduce_sum(table[2] * z + table[3] * z * z))


def scores(formula: Formula, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Judge many films outside of a graph.

    Args:
        formula: the numbers.
        features: float64 [N, F], in the order of `FEATURES`.

    Returns:
        float64 [N] in 0..1.
    """
    chosen = features[:, _positions(formula)]
    table = _table(formula).astype(np.float64)
    z = np.clip((chosen - table[0]) / table[1], -FARTHEST, FARTHEST)
    total = formula.intercept + z @ table[2] + (z * z) @ table[3]
    return 1.0 / (1.0 + np.exp(-total))


def _positions(formula: Formula) -> list[int]:
    return [FEATURES.index(term.feature) for term in formula.terms]


def _table(formula: Formula) -> npt.NDArray[np.float32]:
    rows = [(term.centre, term.scale, term.linear, term.square) for term in formula.terms]
    return np.array(rows, np.float32).T
