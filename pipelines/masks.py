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
    square = tf.image.resize(labels[:, :, None], [size, size], method="nearest")[:, :, 0]
    return tf.ensure_shape(square, [size, size])


def lungs(labels: tf.Tensor) -> tf.Tensor:
    """Left and right lung together, the heart left out.

    Args:
        labels: uint8 [...].

    Returns:
        bool [...].
    """
    return (labels == LEFT_LUNG) | (labels == RIGHT_LUNG)


def lung_fraction(labels: tf.Tensor) -> tf.Tensor:
    """Share of a 256 x 256 label map that is lung.

    Args:
        labels: uint8 [256, 256].

    Returns:
        float32 scalar in 0..1.
    """
    area = tf.reduce_sum(tf.cast(lungs(labels), tf.float32))
    return area / float(SEGMENTATION_SIZE * SEGMENTATION_SIZE)


def lungs_at_full_size(labels: tf.Tensor, side: int = CLASSIFICATION_SIZE) -> tf.Tensor:
    """Lung mask of a 256 x 256 label map, enlarged by nearest neighbour.

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


CONTENTS = ("lungs", "whole", "outside", "mask")


def select_content(film: tf.Tensor, lung_mask: tf.Tensor, content: str = "lungs") -> tf.Tensor:
    """Choose what of a film the classifier sees: the lungs, or what an ablation asks for.

    Args:
        film: float32 [S, S] in 0..255.
        lung_mask: bool [S, S].
        content: `lungs` blanks the rest (section II-B); `whole` keeps everything (Table XVI);
            `outside` blanks the lungs; `mask` gives the lung mask itself, 0 or 255 (section V-F).

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
    return masked_film(film, lung_mask)
