"""A film before any network sees it: decoded, normalised, at the sizes of both networks."""

from typing import NamedTuple

import tensorflow as tf

from cxr_tf.method.traced import traced_once
from cxr_tf.method.triage_options import TriageOptions
from pipelines.decode import MAX_PIXELS, decode_film, guard, header_status
from pipelines.full_range import FullRange, to_full_range
from pipelines.normalise import NO_PADDING, normalise_full_range
from pipelines.single_film import film_fault
from pipelines.status import CONSTANT, OK, TOO_LARGE, UNREADABLE


class PreparedFilm(NamedTuple):
    """A film as the networks take it.

    Attributes:
        status: string scalar, `ok` or why the film cannot be used.
        small: float32 [S, S] in 0..255, for the segmentation.
        large: float32 [L, L] in 0..255, for the classification; L is 1024 by default.
        reason: string scalar, a sentence where the status needs one, or ''.
    """

    status: tf.Tensor
    small: tf.Tensor
    large: tf.Tensor
    reason: tf.Tensor


class Preparation:
    """Prepares films as the networks' training did."""

    def __init__(self, size: int, options: TriageOptions):
        """Remember what decides how a film is prepared.

        Args:
            size: side of the film that the segmentation sees, in pixels.
            options: how the films are prepared.
        """
        self._small = [size, size]
        self._options = options
        self._normalised = traced_once(
            self._prepared, tf.TensorSpec([None, None], tf.uint16), tf.TensorSpec([], tf.int32)
        )

    def of_bytes(self, image: tf.Tensor) -> PreparedFilm:
        """Prepare the content of a PNG or JPEG file; what cannot be decoded gets a status.

        Args:
            image: string scalar.
        """
        header = header_status(image)

        def decode(image: tf.Tensor) -> PreparedFilm:
            return PreparedFilm(*self._normalised(decode_film(image), tf.constant(NO_PADDING)))

        film = guard(decode, image, self._blank(UNREADABLE))
        return film._replace(status=tf.where(header == OK, film.status, header))

    def of_pixels(self, pixels: tf.Tensor, padding: tf.Tensor) -> PreparedFilm:
        """Prepare a decoded film.

        Args:
            pixels: uint16 [H, W], bright where dense.
            padding: int32 scalar, grey level to leave out; -1 for none.
        """
        count = tf.size(pixels, out_type=tf.int64)
        prepared = tf.case(
            [
                (count == 0, lambda: self._blank(UNREADABLE)),
                (count > MAX_PIXELS, lambda: self._blank(TOO_LARGE)),
            ],
            lambda: self._normalised(pixels, padding),
        )
        return PreparedFilm(*prepared)

    def _prepared(self, pixels: tf.Tensor, padding: tf.Tensor) -> PreparedFilm:
        film = to_full_range(pixels, padding)
        status, reason = film_fault(film)
        return PreparedFilm(
            *tf.cond(
                status == OK,
                lambda: self._at_both_sizes(film),
                lambda: self._blank(status, reason),
            )
        )

    def _at_both_sizes(self, film: FullRange) -> PreparedFilm:
        sizes = (self._small[0], self._options.film_size)
        limit = self._options.resolution_limit or None
        (small, large), constant = normalise_full_range(film, sizes, limit, self._options.enhance)
        return PreparedFilm(tf.where(constant, CONSTANT, OK), small, large, tf.constant(""))

    def _blank(self, status: tf.Tensor | str, reason: tf.Tensor | str = "") -> PreparedFilm:
        large = tf.zeros([self._options.film_size] * 2)
        small = tf.zeros(self._small)
        return PreparedFilm(
            tf.convert_to_tensor(status), small, large, tf.convert_to_tensor(reason)
        )
