"""A score between 0 and 1 of a few features: logistic, with squares where both ends are odd."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.method.reliability.features import FEATURES

#: A feature counts as at most this many standard deviations from the middle of real films.
FARTHEST = 5.0


@dataclasses.dataclass(frozen=True)
class Term:
    """What one feature adds to a score.

    Attributes:
        feature: one of `FEATURES`.
        centre: median over real films.
        scale: standard deviation over real films, above 0.
        linear: weight of the standardised feature.
        square: weight of its square.
    """

    feature: str
    centre: float
    scale: float
    linear: float
    square: float = 0.0


@dataclasses.dataclass(frozen=True)
class Formula:
    """`sigmoid(intercept + sum(linear z + square z^2))` of features `z`, standardised and clipped.

    Attributes:
        intercept: what is added to the terms.
        terms: one a feature that counts.
        threshold: a score below this is a bad one, in 0..1.
    """

    intercept: float
    terms: tuple[Term, ...]
    threshold: float

    def score(self, features: tf.Tensor) -> tf.Tensor:
        """Judge one film.

        Args:
            features: float32 [F], in the order of `FEATURES`.

        Returns:
            float32 scalar in 0..1.
        """
        chosen = tf.gather(features, [FEATURES.index(term.feature) for term in self.terms])
        table = self._table()
        z = tf.clip_by_value((chosen - table[0]) / table[1], -FARTHEST, FARTHEST)
        return tf.sigmoid(self.intercept + tf.reduce_sum(table[2] * z + table[3] * z * z))

    def scores(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Judge many films outside of a graph.

        Args:
            features: float64 [N, F], in the order of `FEATURES`.

        Returns:
            float64 [N] in 0..1.
        """
        chosen = features[:, [FEATURES.index(term.feature) for term in self.terms]]
        table = self._table().astype(np.float64)
        z = np.clip((chosen - table[0]) / table[1], -FARTHEST, FARTHEST)
        total = self.intercept + z @ table[2] + (z * z) @ table[3]
        return 1.0 / (1.0 + np.exp(-total))

    def _table(self) -> npt.NDArray[np.float32]:
        rows = [(term.centre, term.scale, term.linear, term.square) for term in self.terms]
        return np.array(rows, np.float32).T

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Formula":
        """Take a formula from JSON.

        Args:
            record: the fields of this class.

        Raises:
            ValueError: a field is missing or makes no sense; the message says which.
        """
        try:
            terms = tuple(Term(**term) for term in record["terms"])
            found = cls(float(record["intercept"]), terms, float(record["threshold"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"a formula needs intercept, terms and threshold: {error}") from error
        for term in terms:
            if term.feature not in FEATURES:
                raise ValueError(f"the feature {term.feature!r} is not one of {FEATURES}")
            if not term.scale > 0:
                raise ValueError(f"the scale of {term.feature} is {term.scale}, not above 0")
        if not terms or not 0 <= found.threshold <= 1:
            raise ValueError("a formula needs a term, and a threshold from 0 to 1")
        return found
