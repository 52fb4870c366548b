"""Films that use a small part of the levels, stretched to all of them; in the graph.

The readers stretch what they know the depth of. A 16-bit PNG, or an array, may hold the levels
0..255 of a film of 8 bits: every row then varies by less than what counts as blank border
(`pipelines.normalise.content_box`).
"""

from typing import NamedTuple

import tensorflow as tf

from pipelines.levels import LEVELS, NO_PADDING, TOP

#: Equal parts that the range of levels is seen in: one for each level of a film of 8 bits.
PARTS = 256
#: A film with levels in more of these parts uses the range. One of 8 bits that is accepted at all
#: has at least as many levels, each in a part of its own; one of 14 bits in 16 has just as many.
FEW_PARTS = 64


class FullRange(NamedTuple):
    """A film over the full range of levels.

    Attributes:
        pixels: uint16 [H, W].
        padding: int32 scalar, the level to be left out; -1 for none.
        counts: int32 [65536], how many pixels have each level; 0 for padding.
    """

    pixels: tf.Tensor
    padding: tf.Tensor
    counts: tf.Tensor


def count_levels(pixels: tf.Tensor, padding: tf.Tensor | int = NO_PADDING) -> tf.Tensor:
    """Count the pixels of each level.

    Args:
        pixels: int32, of any shape.
        padding: int32 scalar, the level to be left out; -1 for none.

    Returns:
        int32 [65536], 0 for padding.
    """
    counts = tf.math.bincount(tf.reshape(pixels, [-1]), minlength=LEVELS, maxlength=LEVELS)
    return tf.where(tf.range(LEVELS) == padding, 0, counts)


def to_full_range(pixels: tf.Tensor, padding: tf.Tensor | int = NO_PADDING) -> FullRange:
    """Spread the levels of a film over the full range by rank, where they use little of it.

    A film with levels in more than `FEW_PARTS` of `PARTS` parts of the range comes back as it is.
    So do films of one level.

    Args:
        pixels: uint16 [H, W].
        padding: int32 scalar, the level to be left out; -1 for none.

    Returns:
        The film, strictly in the order of the input, over 0..65535; its padding is 0 where a film
        with padding was stretched, which then begins at 1.
    """
    pixels, padding = tf.convert_to_tensor(pixels), tf.convert_to_tensor(padding, tf.int32)
    whole = tf.cast(pixels, tf.int32)
    counts = count_levels(whole, padding)
    used = counts > 0
    parts = tf.math.count_nonzero(tf.reduce_any(tf.reshape(used, [PARTS, -1]), 1))
    levels = tf.math.count_nonzero(used)

    def spread() -> FullRange:
        there = tf.reduce_sum(counts) < tf.size(pixels)
        bottom = tf.cast(there, tf.int64)
        ranks = tf.cumsum(tf.cast(used, tf.int64), exclusive=True)
        table = ranks * (TOP - bottom) // tf.maximum(levels - 1, 1) + bottom
        # Above the highest used level the ranks go on: none of these is asked for.
        table = tf.cast(tf.minimum(table, TOP), tf.int32)
        table = tf.where(tf.range(LEVELS) == padding, 0, table)
        moved = tf.math.unsorted_segment_sum(counts, table, LEVELS)
        stretched = tf.cast(tf.gather(table, whole), tf.uint16)
        return FullRange(stretched, tf.where(there, 0, NO_PADDING), moved)

    little = (parts <= FEW_PARTS) & (levels > 1)
    film = tf.cond(little, spread, lambda: FullRange(pixels, padding, counts))
    return film._replace(pixels=tf.ensure_shape(film.pixels, pixels.shape))
