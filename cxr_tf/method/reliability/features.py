"""What a segmented film looks like, in numbers that a short formula can judge.

Positions and lengths are in units of the box around both lungs, so that a small film within a
wide frame is judged like a large one.
"""

import math

import tensorflow as tf

from cxr_tf.method.reliability.feature_names import FEATURES
from pipelines.labels import HEART, LEFT_LUNG, RIGHT_LUNG

#: Areas are compared with at least this share of the frame: nothing divides by zero.
_LEAST = 1e-3
#: A pixel whose most probable part has less than this is in doubt.
_SURE = 0.8


def _places(count: tf.Tensor) -> tf.Tensor:
    """Middles of rows or columns, in 0..1."""
    return (tf.cast(tf.range(count), tf.float32) + 0.5) / tf.cast(count, tf.float32)


def _mean_row(mask: tf.Tensor) -> tf.Tensor:
    """Mean row of a mask's pixels in 0..1; 0.5 of an empty mask."""
    along = tf.reduce_sum(mask, 1)
    area = tf.reduce_sum(along)
    mean = tf.reduce_sum(along * _places(tf.size(along))) / tf.maximum(area, 1.0)
    return tf.where(area > 0, mean, 0.5)


def _extent(mask: tf.Tensor, axis: int) -> tuple[tf.Tensor, tf.Tensor]:
    """First and last place of a mask along an axis, in 0..1; 0 and 1 of an empty mask."""
    there = tf.reduce_max(mask, 1 - axis)
    size = tf.cast(tf.size(there), tf.float32)
    first = tf.cast(tf.argmax(there), tf.float32) / size
    last = 1.0 - tf.cast(tf.argmax(there[::-1]), tf.float32) / size
    return first, last


def _mean(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean of the values in a mask; 0 of an empty mask."""
    return tf.reduce_sum(values * mask) / tf.maximum(tf.reduce_sum(mask), 1.0)


def uncertainty_map(probabilities: tf.Tensor) -> tf.Tensor:
    """Tell how unsure a segmentation is of each pixel: the entropy of its probabilities.

    Args:
        probabilities: float32 [..., 4].

    Returns:
        float32 [...]: 0 where one part is certain, 1 where all four are equally likely.
    """
    plain = tf.maximum(probabilities, 1e-6)
    return -tf.reduce_sum(plain * tf.math.log(plain), -1) / math.log(4.0)


def mask_features(probabilities: tf.Tensor, labels: tf.Tensor, film: tf.Tensor) -> tf.Tensor:
    """Describe a segmented film.

    `lungs_uneven` is how far one lung stands above the other, `taper` by how much more of the lungs
    lies in the lower third of their box than in the upper, `heart_share` the heart's share of heart
    and lungs, `heart_low` how far its middle lies below that of the lungs, `doubt` the pixels
    anywhere that no part is sure of, over the area of heart and lungs, `entropy` the mean entropy
    (1 for four equal probabilities) within heart and lungs, `contrast` how much darker the lungs
    are than the rest of their box.

    Args:
        probabilities: float32 [H, W, 4] of the segmentation.
        labels: uint8 [H, W], the label map made of them.
        film: float32 [S, S] in 0..255, the normalised film.

    Returns:
        float32 [7], finite, in the order of `FEATURES`.
    """
    heart, left, right = (
        tf.cast(labels == part, tf.float32) for part in (HEART, LEFT_LUNG, RIGHT_LUNG)
    )
    lungs = left + right
    shape = tf.shape(labels)
    pixels = tf.cast(tf.size(labels), tf.float32)
    lung_area, heart_area = (tf.reduce_sum(mask) / pixels for mask in (lungs, heart))
    found = lung_area + heart_area + _LEAST
    (top, bottom), (start, end) = _extent(lungs, 0), _extent(lungs, 1)
    height = bottom - top
    rows, columns = _places(shape[0]), _places(shape[1])
    along = tf.reduce_sum(lungs, 1) / pixels
    upper = tf.reduce_sum(tf.where(rows < top + height / 3.0, along, 0.0))
    lower = tf.reduce_sum(tf.where(rows > bottom - height / 3.0, along, 0.0))

    entropy = uncertainty_map(probabilities)
    doubtful = tf.cast(tf.reduce_max(probabilities, -1) < _SURE, tf.float32)

    grey = tf.image.resize(film[:, :, None], shape)[:, :, 0] / 255.0
    box = tf.cast((rows > top) & (rows < bottom), tf.float32)[:, None]
    box *= tf.cast((columns > start) & (columns < end), tf.float32)[None, :]
    values = {
        "lungs_uneven": tf.abs(_mean_row(left) - _mean_row(right)) / height,
        "taper": (lower - upper) / (lung_area + _LEAST),
        "heart_share": heart_area / found,
        "heart_low": (_mean_row(heart) - _mean_row(lungs)) / height,
        "doubt": tf.reduce_mean(doubtful) / found,
        "entropy": tf.reduce_sum(entropy * (lungs + heart)) / pixels / found,
        "contrast": _mean(grey, box * (1.0 - lungs)) - _mean(grey, lungs),
    }
    return tf.stack([values[name] for name in FEATURES])
