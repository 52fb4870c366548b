"""A score between 0 and 1 of a few features: logistic, with squares where both ends are odd.

These are the numbers, without NumPy and TensorFlow, so that a model card can hold them;
`cxr_tf.method.reliability.judgement` computes with them.
"""

from dataclasses import dataclass

from cxr_tf.method.reliability.feature_names import FEATURES


@dataclass(frozen=True)
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

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: the feature is unknown, or the scale not above 0.
        """
        if self.feature not in FEATURES:
            raise ValueError(f"the feature {self.feature!r} is not one of {FEATURES}")
        if not self.scale > 0:
            raise ValueError(f"the scale of {self.feature} is {self.scale}, not above 0")


@dataclass(frozen=True)
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

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: there is no term, or the threshold is none.
        """
        if not self.terms or not 0 <= self.threshold <= 1:
            raise ValueError("a formula needs a term, and a threshold from 0 to 1")
