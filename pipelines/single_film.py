"""What is no single film: too small, stretched, or without grey levels; in the graph.

The bounds were chosen on the 1,992 films of the development data, so that none of them is refused
but the seven that the data itself calls degraded (16 to 36 levels): the least has 156 pixels on
its shorter side and 68 levels, the longest has sides of 2.23 to 1, and the two fullest bands hold
at most 78 % of a film.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from pipelines.full_range import PARTS, FullRange
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
    places = np.arange(PARTS - _BAND + 1)
    apart = np.abs(places[:, None] - places) >= _APART
    fullest = tf.reduce_max(tf.where(apart, bands[:, None] + bands, 0))
    return tf.cast(fullest / tf.maximum(below[-1], 1), tf.float32)


def film_fault(film: FullRange) -> tuple[tf.Tensor, tf.Tensor]:
    """Say why something is no single film, by its size and its levels alone.

    Args:
        film: over the full range of levels.

    Returns:
        The status, string scalar: `ok`, `constant` (fewer than two levels, which is asked first)
        or `unsupported`; and the reason as a sentence, '' for the first two.
    """
    height, width = tf.unstack(tf.shape(film.pixels))
    shorter, longer = tf.minimum(height, width), tf.maximum(height, width)
    levels = tf.math.count_nonzero(film.counts, dtype=tf.int32)
    stretched = tf.cast(longer, tf.float32) / tf.cast(tf.maximum(shorter, 1), tf.float32)
    two = share_of_two_bands(film.counts)

    def unsupported(*words: Any) -> Callable[[], tuple[tf.Tensor, tf.Tensor]]:
        return lambda: (tf.constant(UNSUPPORTED), _said(*words))

    times = tf.strings.as_string(stretched, precision=1)
    percent = tf.strings.as_string(100.0 * two, precision=0)
    frame = ("the picture has ", width, " x ", height, " pixels")
    return tf.case(
        [
            (levels < 2, lambda: (tf.constant(CONSTANT), tf.constant(""))),
            (shorter < LEAST_SIDE, unsupported(
                *frame, f", and a film needs at least {LEAST_SIDE} on its shorter side: give the "
                "film at its own size",
            )),
            (stretched > MOST_STRETCHED, unsupported(
                *frame, ", sides of ", times, f" to 1, and a film has at most {MOST_STRETCHED} "
                "to 1: give one film in its own proportions",
            )),
            (levels < LEAST_LEVELS, unsupported(
                "the picture has ", levels, f" grey levels, and a film at least {LEAST_LEVELS}: "
                "give the film as it was taken, neither reduced to few shades nor to black and "
                "white",
            )),
            (two > MOST_IN_TWO_BANDS, unsupported(
                percent, " % of the picture are of two shades, and of a film at most "
                f"{100 * MOST_IN_TWO_BANDS:.0f} %: give the film as it was taken, not in black and "
                "white",
            )),
        ],
        lambda: (tf.constant(OK), tf.constant("")),
    )  # fmt: skip
