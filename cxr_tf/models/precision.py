"""The precision that networks are built to compute in."""

import contextlib
from collections.abc import Iterator

import keras

from cxr_tf.models.names import Precision


@contextlib.contextmanager
def built_in(precision: Precision) -> Iterator[None]:
    """Build networks whose layers compute in a precision, with weights in float32.

    Args:
        precision: Keras' name of the policy.
    """
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.mixed_precision.set_dtype_policy(before)
