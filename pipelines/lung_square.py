"""The square around the lungs: a field of view that shows them alike in every film."""

import tensorflow as tf

from pipelines.normalise import resize

#: The field of view that is this square.
LUNGS = "lungs"
#: Side of the square over that of the smallest one around the lungs.
_ROOM = 1.06


def lung_square(lung_mask: tf.Tensor) -> tf.Tensor:
    """Find the square around the lungs, a little larger than they are; it may go beyond the film.

    Args:
        lung_mask: bool [H, W] with at least one true pixel.

    Returns:
        int32 [3]: first row, first column, and side in pixels.
    """
    ends = []
    for axis in (1, 0):
        places = tf.cast(tf.where(tf.reduce_any(lung_mask, axis))[:, 0], tf.int32)
        ends.append(tf.stack([places[0], places[-1] + 1]))
    first, last = tf.unstack(tf.stack(ends, 1))
    longest = tf.cast(tf.reduce_max(last - first), tf.float32)
    side = tf.cast(tf.math.ceil(longest * _ROOM), tf.int32)
    return tf.concat([(first + last - side) // 2, side[None]], 0)


def cut_square(film: tf.Tensor, square: tf.Tensor) -> tf.Tensor:
    """Cut a square out of a film.

    Args:
        film: [H, W], of any type.
        square: int32 [3], see `lung_square`.

    Returns:
        [side, side] of the same type, 0 outside the film.
    """
    # One row and column of zeros stand for all that lies outside.
    padded = tf.pad(film, [[0, 1], [0, 1]])
    for axis in (0, 1):
        places = square[axis] + tf.range(square[2])
        outside = film.shape[axis]
        inside = (places >= 0) & (places < outside)
        padded = tf.gather(padded, tf.where(inside, places, outside), axis=axis)
    return padded


def reduce_view(
    seen: tf.Tensor, lung_mask: tf.Tensor, field_of_view: str, size: int
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Reduce what a classifier of whole films looks at.

    Args:
        seen: float32 [S, S] in 0..255, what it may see of the film.
        lung_mask: bool [S, S] with at least one true pixel.
        field_of_view: `film`, or `lungs` for the square around them.
        size: side of the result in pixels.

    Returns:
        float32 [size, size] in 0..255, and the square, see `lung_square`; None for the whole film.
    """
    if field_of_view != LUNGS:
        return resize(seen, size), None
    square = lung_square(lung_mask)
    return resize(cut_square(seen, square), size), square
