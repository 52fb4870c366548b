"""Label maps of heart and lungs, and films with everything but the lungs blanked."""

import tensorflow as tf

from pipelines.labels import BACKGROUND, HEART, LEFT_LUNG, RIGHT_LUNG
from pipelines.sizes import CLASSIFICATION_SIZE, SEGMENTATION_SIZE

#: Below this share of the 256 x 256 mask a film has no lungs to look at.
LEAST_LUNG_FRACTION = 0.01


def label_map(heart: tf.Tensor, left_lung: tf.Tensor, right_lung: tf.Tensor) -> tf.Tensor:
    """Combine three masks of one film into a label map; lungs stand before the heart.

    Args:
        heart: bool [H, W].
        left_lung: bool [H, W], the patient's left.
        right_lung: bool [H, W].

    Returns:
        uint8 [H, W]: 0 background, 1 heart, 2 left lung, 3 right lung.
    """
    labels = tf.where(heart, tf.constant(HEART, tf.uint8), tf.constant(BACKGROUND, tf.uint8))
    labels = tf.where(left_lung, tf.constant(LEFT_LUNG, tf.uint8), labels)
    return tf.where(right_lung, tf.constant(RIGHT_LUNG, tf.uint8), labels)


def resize_labels(labels: tf.Tensor, size: int) -> tf.Tensor:
    """Resize a label map to a square by nearest neighbour.

    Args:
        labels: uint8 [H, W].
        size: side of the square in pixels.

    Returns:
        uint8 [size, size].
    """
    height, width = labels.shape
    if height and width and not (size % height or size % width):
        # The same in a seventh of the time.
        return tf.repeat(tf.repeat(labels, size // height, 0), size // width, 1)
    square = tf.image.resize(labels[:, :, None], [size, size], method="nearest")[:, :, 0]
    return tf.ensure_shape(square, [size, size])


def lungs(labels: tf.Tensor) -> tf.Tensor:
    """Join left and right lung; the heart is left out.

    Args:
        labels: uint8 [...].

    Returns:
        bool [...].
    """
    return (labels == LEFT_LUNG) | (labels == RIGHT_LUNG)


def lung_fraction(labels: tf.Tensor) -> tf.Tensor:
    """Compute the share of a 256 x 256 label map that is lung.

    Args:
        labels: uint8 [256, 256].

    Returns:
        float32 scalar in 0..1.
    """
    area = tf.reduce_sum(tf.cast(lungs(labels), tf.float32))
    return area / float(SEGMENTATION_SIZE * SEGMENTATION_SIZE)


def lungs_at_full_size(labels: tf.Tensor, side: int = CLASSIFICATION_SIZE) -> tf.Tensor:
    """Enlarge the lung mask of a 256 x 256 label map by nearest neighbour.

    Args:
        labels: uint8 [256, 256].
        side: of the film that patches are cut from, in pixels.

    Returns:
        bool [side, side].
    """
    return lungs(resize_labels(labels, side))


def middle_pixel(lung_mask: tf.Tensor) -> tf.Tensor:
    """Find the lung pixel nearest to the middle of all lung pixels.

    Args:
        lung_mask: bool [H, W] with at least one true pixel.

    Returns:
        int64 [2]: row, column.
    """
    pixels = tf.where(lung_mask)
    away = tf.cast(pixels, tf.float32) - tf.reduce_mean(tf.cast(pixels, tf.float32), 0)
    return pixels[tf.argmin(tf.reduce_sum(away**2, 1))]


def lungs_around(labels: tf.Tensor, centres: tf.Tensor, size: int, side: int) -> tf.Tensor:
    """Cut windows out of the enlarged lung mask without enlarging it.

    Args:
        labels: uint8 [256, 256].
        centres: int32 [n, 2]: row, column at `side`.
        size: side of a window in pixels, even.
        side: of the enlarged mask, a multiple of that of the label map.

    Returns:
        bool [n, size, size], False outside the film.
    """
    known = labels.shape[0]
    places = centres[:, :, None] - size // 2 + tf.range(size)
    # One row and column of background stand for all that lies outside.
    places = tf.where((places >= 0) & (places < side), places // (side // known), known)
    mask = tf.pad(lungs(labels), [[0, 1], [0, 1]])
    rows = tf.gather(mask, places[:, 0])
    return tf.gather(rows, places[:, 1], axis=2, batch_dims=1)


def masked_film(film: tf.Tensor, lung_mask: tf.Tensor) -> tf.Tensor:
    """Set a film to zero outside the lungs.

    Args:
        film: float32 [S, S] in 0..255.
        lung_mask: bool [S, S].

    Returns:
        float32 [S, S].
    """
    return tf.where(lung_mask, film, 0.0)


#: Lungs whose grey levels were moved and stretched alike in every film.
EVEN_LUNGS = "even_lungs"
CONTENTS = ("lungs", EVEN_LUNGS, "whole", "outside", "mask")
#: Mean and standard deviation of the grey levels of `EVEN_LUNGS`.
EVEN_MEAN, EVEN_SPREAD = 110.0, 50.0
#: Least standard deviation that is stretched to `EVEN_SPREAD`: below it there is little but noise.
_LEAST_SPREAD = 5.0


def lung_levels(film: tf.Tensor, lung_mask: tf.Tensor) -> tf.Tensor:
    """Measure the grey levels of a film's lungs.

    Args:
        film: float32 [S, S] in 0..255.
        lung_mask: bool [S, S] with at least one true pixel.

    Returns:
        float32 [2]: their mean, and their standard deviation, at least 5.
    """
    mean, variance = tf.nn.moments(tf.boolean_mask(film, lung_mask), [0])
    return tf.stack([mean, tf.maximum(tf.sqrt(variance), _LEAST_SPREAD)])


def even_levels(film: tf.Tensor, levels: tf.Tensor) -> tf.Tensor:
    """Move and stretch the grey levels of a film, or of a part of it, so that its lungs are even.

    Films of two hospitals are then alike in brightness and contrast of the lungs, whatever else
    they show; lungs keep the differences between their own regions.

    Args:
        film: float32 [...] in 0..255.
        levels: float32 [2], of `lung_levels` of the whole film.

    Returns:
        float32 [...] in 1..255, so that no lung is as black as what is blanked.
    """
    even = (film - levels[0]) / levels[1] * EVEN_SPREAD + EVEN_MEAN
    return tf.clip_by_value(even, 1.0, 255.0)


def select_content(
    film: tf.Tensor,
    lung_mask: tf.Tensor,
    content: str = "lungs",
    levels: tf.Tensor | None = None,
) -> tf.Tensor:
    """Choose what of a film the classifier sees: the lungs, or what an ablation asks for.

    Args:
        film: float32 [S, S] in 0..255.
        lung_mask: bool [S, S].
        content: `lungs` blanks the rest (section II-B); `even_lungs` does too, and makes their grey
            levels even (`even_levels`); `whole` keeps everything (Table XVI);
            `outside` blanks the lungs; `mask` gives the lung mask itself, 0 or 255 (section V-F).
        levels: of `lung_levels`, where `film` is a part of a film; None measures them.

    Returns:
        float32 [S, S] in 0..255.

    Raises:
        ValueError: the content is unknown.
    """
    if content not in CONTENTS:
        raise ValueError(f"content {content!r} is unknown; choose one of {CONTENTS}")
    if content == "whole":
        return film
    if content == "outside":
        return masked_film(film, ~lung_mask)
    if content == "mask":
        return masked_film(tf.fill(tf.shape(film), 255.0), lung_mask)
    if content == EVEN_LUNGS:
        film = even_levels(film, lung_levels(film, lung_mask) if levels is None else levels)
    return masked_film(film, lung_mask)
