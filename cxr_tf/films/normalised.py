"""One decoded film as it was read and as it is normalised, at the size where it is measured."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.measures.biomarkers import Biomarkers, biomarkers
from pipelines.normalise import normalise
from pipelines.sizes import SEGMENTATION_SIZE
from pipelines.status import NO_LUNG, OK

if TYPE_CHECKING:
    from cxr_tf.films.prediction import Prediction
    from cxr_tf.films.reading import Reading

Film = npt.NDArray[np.float32]
_PIXELS = (tf.TensorSpec([None, None], tf.uint16), tf.TensorSpec([], tf.int32))


def raw_and_normalised_at(
    size: int, limit: int | None
) -> Callable[[npt.NDArray[np.uint16], int], tuple[Film, Film, bool]]:
    """Make the function that gives a film raw and normalised.

    Args:
        size: side of the films given, in pixels.
        limit: the longer side that films are reduced to first, None for none.

    Returns:
        (pixels, padding) -> (raw, normalised, constant): float32 [size, size] in 0..255 each.
    """

    @tf.function(input_signature=_PIXELS, autograph=False)
    def both(pixels: tf.Tensor, padding: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        (raw,), _ = normalise(pixels, padding, (size,), limit, enhance=False)
        (normalised,), constant = normalise(pixels, padding, (size,), limit)
        return raw, normalised, constant

    def films(pixels: npt.NDArray[np.uint16], padding: int) -> tuple[Film, Film, bool]:
        raw, normalised, constant = both(tf.constant(pixels, tf.uint16), tf.constant(padding))
        return raw.numpy(), normalised.numpy(), bool(constant)

    return films


@functools.cache
def normalised_at(
    size: int, limit: int | None
) -> Callable[[npt.NDArray[np.uint16], int], tuple[Film, bool]]:
    """Give the function that normalises a film; building it takes a second, once.

    Args:
        size: side of the films given, in pixels.
        limit: the longer side that films are reduced to first, None for none.

    Returns:
        (pixels, padding) -> (normalised, constant): float32 [size, size] in 0..255.
    """

    @tf.function(input_signature=_PIXELS, autograph=False)
    def one(pixels: tf.Tensor, padding: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        (normalised,), constant = normalise(pixels, padding, (size,), limit)
        return normalised, constant

    def film(pixels: npt.NDArray[np.uint16], padding: int) -> tuple[Film, bool]:
        normalised, constant = one(tf.constant(pixels, tf.uint16), tf.constant(padding))
        return normalised.numpy(), bool(constant)

    return film


def film_biomarkers(
    reading: "Reading", prediction: "Prediction", limit: int | None
) -> Biomarkers | None:
    """Measure a film inside the mask that the model found.

    Args:
        reading: the film as it was read.
        prediction: the answer, asked for with `explain=True`.
        limit: the longer side that the model reduces films to first, None for none.

    Returns:
        The biomarkers; None for a film without a mask, or of one grey level.
    """
    if prediction.status not in (OK, NO_LUNG) or prediction.mask is None:
        return None
    film, constant = normalised_at(SEGMENTATION_SIZE, limit)(reading.pixels, reading.padding)
    return None if constant else biomarkers(film, prediction.mask)
