"""What is no single film: too small, stretched, or without grey levels; in the graph.

The bounds were chosen on the 1,992 films of the development data, so that none of them is refused
but the seven that the data itself calls degraded (16 to 36 levels): the least has 156 pixels on
its shorter side and 68 levels, the longest has sides of 2.23 to 1, and the two fullest bands hold
at most 78 % of a film.
"""

import tensorflow as tf

from pipelines.full_range import PARTS, to_full_range
from pipelines.levels import LEVELS, NO_PADDING
from pipelines.status import CONSTANT, OK, UNSUPPORTED

#: Pixels on the shorter side, at least.
LEAST_SIDE = 150
#: The longer side over the shorter one, at most.
MOST_STRETCHED = 2.5
#: Grey levels outside padding, at least.
LEAST_LEVELS = 64
#: Levels of 8 bits that one shade of a black and white film spreads over, where it went through
#: JPEG; those of its two shades lie at least `_APART` from each other.
_BAND = 16
_APART = 64
#: Share of a film that its two fullest bands may hold.
MOST_IN_TWO_BANDS = 0.90


def _said(*parts: tf.Tensor | str) -> tf.Tensor:
    """Put a sentence together."""
    return tf.strings.join([x if isinstance(x, str) else tf.strings.as_string(x) for x in parts])


def share_of_two_bands(counts: tf.Tensor) -> tf.Tensor:
    """Give the share of a film's pixels that lie in its two fullest bands of levels.

    Args:
        counts: int32 [65536], of the levels of a film that uses their range.

    Returns:
        float32 scalar.
    """
    parts = tf.reduce_sum(tf.reshape(counts, [PARTS, -1]), 1)
    below = tf.pad(tf.cumsum(parts), [[1, 0]])
    bands = below[_BAND:] - below[:-_BAND]
    places = tf.range(tf.size(bands))
    apart = tf.abs(places[:, None] - places) >= _APART
    fullest = tf.reduce_max(tf.where(apart, bands[:, None] + bands, 0))
    return tf.cast(fullest / tf.maximum(below[-1], 1), tf.float32)


def film_fault(
    pixels: tf.Tensor, padding: tf.Tensor | int = NO_PADDING
) -> tuple[tf.Tensor, tf.Tensor]:
    """Say why something is no single film, by its size and its levels alone.

    Args:
        pixels: uint16 [H, W].
        padding: int32 scalar, the level to be left out; -1 for none.

    Returns:
        The status, string scalar: `ok`, `constant` (fewer than two levels, which is asked first)
        or `unsupported`; and the reason as a sentence, '' for the first two.
    """
    return fault_of_range(*to_full_range(pixels, padding))


def fault_of_range(pixels: tf.Tensor, padding: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Say what `film_fault` says, of a film that went through `to_full_range` before.

    Args:
        pixels: uint16 [H, W].
        padding: int32 scalar, the level to be left out; -1 for none.

    Returns:
        Status and reason.
    """
    height, width = tf.unstack(tf.shape(pixels))
    shorter, longer = tf.minimum(height, width), tf.maximum(height, width)
    counts = tf.math.bincount(
        tf.reshape(tf.cast(pixels, tf.int32), [-1]), minlength=LEVELS, maxlength=LEVELS
    )
    counts = tf.where(tf.range(LEVELS) == padding, 0, counts)
    levels = tf.math.count_nonzero(counts, dtype=tf.int32)
    stretched = tf.cast(longer, tf.float32) / tf.cast(tf.maximum(shorter, 1), tf.float32)
    two = share_of_two_bands(counts)
    frame = _said("the picture has ", width, " x ", height, " pixels")
    times = tf.strings.as_string(stretched, precision=1)
    reasons = [
        (shorter < LEAST_SIDE, _said(
            frame, f", and a film needs at least {LEAST_SIDE} on its shorter side: give the film "
            "at its own size",
        )),
        (stretched > MOST_STRETCHED, _said(
            frame, ", sides of ", times, f" to 1, and a film has at most {MOST_STRETCHED} to 1: "
            "give one film in its own proportions",
        )),
        (levels < LEAST_LEVELS, _said(
            "the picture has ", levels, f" grey levels, and a film at least {LEAST_LEVELS}: give "
            "the film as it was taken, neither reduced to few shades nor to black and white",
        )),
        (two > MOST_IN_TWO_BANDS, _said(
            tf.strings.as_string(100.0 * two, precision=0), " % of the picture are of two shades, "
            f"and of a film at most {100 * MOST_IN_TWO_BANDS:.0f} %: give the film as it was "
            "taken, not in black and white",
        )),
    ]  # fmt: skip
    status, reason = tf.constant(OK), tf.constant("")
    for wrong, words in reversed(reasons):
        status, reason = tf.where(wrong, UNSUPPORTED, status), tf.where(wrong, words, reason)
    constant = levels < 2
    return tf.where(constant, CONSTANT, status), tf.where(constant, "", reason)
