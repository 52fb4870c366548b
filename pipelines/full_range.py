"""Films that use a small part of the levels, stretched to all of them; in the graph.

The readers stretch what they know the depth of. A 16-bit PNG, or an array, may hold the levels
0..255 of a film of 8 bits: every row then varies by less than what counts as blank border
(`pipelines.normalise.content_box`).
"""

import tensorflow as tf

from pipelines.levels import LEVELS, NO_PADDING, TOP

#: Equal parts that the range of levels is seen in: one for each level of a film of 8 bits.
PARTS = 256
#: A film with levels in more of these parts uses the range. One of 8 bits that is accepted at all
#: has at least as many levels, each in a part of its own; one of 14 bits in 16 has just as many.
FEW_PARTS = 64


def to_full_range(
    pixels: tf.Tensor, padding: tf.Tensor | int = NO_PADDING
) -> tuple[tf.Tensor, tf.Tensor]:
    """Spread the levels of a film over the full range by rank, where they use little of it.

    A film with levels in more than `FEW_PARTS` of `PARTS` parts of the range comes back as it is.
    So do films of one level.

    Args:
        pixels: uint16 [H, W].
        padding: int32 scalar, the level to be left out; -1 for none.

    Returns:
        uint16 [H, W], strictly in the order of the input, over 0..65535; and the level that now
        stands for padding, int32 scalar: 0 where a film with padding was stretched, which then
        begins at 1.
    """
    pixels, padding = tf.convert_to_tensor(pixels), tf.convert_to_tensor(padding, tf.int32)
    whole = tf.cast(pixels, tf.int32)
    counts = tf.math.bincount(tf.reshape(whole, [-1]), minlength=LEVELS, maxlength=LEVELS)
    padded = (tf.range(LEVELS) == padding) & (counts > 0)
    used = (counts > 0) & ~padded
    parts = tf.math.count_nonzero(tf.reduce_any(tf.reshape(used, [PARTS, -1]), 1))
    levels = tf.math.count_nonzero(used)

    def spread() -> tuple[tf.Tensor, tf.Tensor]:
        there = tf.reduce_any(padded)
        bottom = tf.cast(there, tf.int64)
        ranks = tf.cumsum(tf.cast(used, tf.int64), exclusive=True)
        table = ranks * (TOP - bottom) // tf.maximum(levels - 1, 1) + bottom
        table = tf.cast(tf.where(padded, tf.zeros([], tf.int64), table), tf.int32)
        return tf.cast(tf.gather(table, whole), tf.uint16), tf.where(there, 0, NO_PADDING)

    little = (parts <= FEW_PARTS) & (levels > 1)
    stretched, level = tf.cond(little, spread, lambda: (pixels, padding))
    return tf.ensure_shape(stretched, pixels.shape), level
