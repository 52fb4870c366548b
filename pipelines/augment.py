"""Random changes to training examples, each a pure function of its seed."""

import math

import tensorflow as tf


def example_seed(seed: int, epoch: tf.Tensor | int, index: tf.Tensor | int) -> tf.Tensor:
    """Seed of one example in one epoch: the same whatever was run before it.

    Args:
        seed: seed of the run.
        epoch: int64 scalar.
        index: int64 scalar, the example's place in the epoch.

    Returns:
        int64 [2], a seed for stateless operations.
    """
    base = tf.constant([seed, 0], tf.int64)
    folded = tf.random.fold_in(base, tf.cast(epoch, tf.int64))
    return tf.random.fold_in(folded, tf.cast(index, tf.int64))


def similarity(angle: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor, size: int) -> tf.Tensor:
    """Projective parameters that turn, scale and shift a square about its middle.

    Args:
        angle: radians, float32 scalar.
        scale: above 1 enlarges, float32 scalar.
        shift: float32 [2]: rows, columns in pixels.
        size: side of the square in pixels.

    Returns:
        float32 [8]: the map from output to input coordinates that TensorFlow's transform takes.
    """
    middle = (size - 1) / 2.0
    cosine, sine = tf.cos(angle) / scale, tf.sin(angle) / scale
    down, right = shift[0], shift[1]
    offset_x = middle - cosine * (middle + right) + sine * (middle + down)
    offset_y = middle - sine * (middle + right) - cosine * (middle + down)
    return tf.stack([cosine, -sine, offset_x, sine, cosine, offset_y, 0.0, 0.0])


def warp(images: tf.Tensor, transform: tf.Tensor, interpolation: str = "BILINEAR") -> tf.Tensor:
    """Apply one projective transform to images of one size; zero comes in from outside.

    Args:
        images: [n, S, S], any type that the transform operation takes.
        transform: float32 [8] or [n, 8].
        interpolation: `BILINEAR` or `NEAREST`.

    Returns:
        [n, S, S] of the same type.
    """
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=images[..., None],
        transforms=tf.reshape(transform, [-1, 8]),
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation=interpolation,
        fill_mode="CONSTANT",
    )
    return tf.ensure_shape(warped[..., 0], images.shape)


def rotate_and_flip(patch: tf.Tensor, seed: tf.Tensor, degrees: float = 5.0) -> tf.Tensor:
    """Turn a patch by up to ±`degrees` and mirror it half of the time.

    Args:
        patch: float32 [S, S].
        seed: int64 [2].
        degrees: largest turn.

    Returns:
        float32 [S, S].
    """
    draws = tf.random.stateless_uniform([2], seed, -1.0, 1.0)
    size = patch.shape[0]
    transform = similarity(draws[0] * math.radians(degrees), tf.ones([]), tf.zeros([2]), size)
    turned = warp(patch[None], transform)[0]
    return tf.cond(draws[1] < 0.0, lambda: turned[:, ::-1], lambda: turned)


def vary_patch(patch: tf.Tensor, seed: tf.Tensor, strength: float = 1.0) -> tf.Tensor:
    """Vary what tells a film's source rather than its disease: grey scale, sharpness, noise, size.

    What is 0, outside the lungs, stays 0 up to the interpolation.

    Args:
        patch: float32 [S, S] in 0..255.
        seed: int64 [2].
        strength: 1 enlarges by at most 20 %, blurs as if the film had 40 % of its pixels a side,
            and changes gamma by at most 1.3, contrast by 1.2 and brightness by 8 %.

    Returns:
        float32 [S, S] in 0..255.
    """
    size = patch.shape[0]
    draws = tf.random.stateless_uniform([6], seed, -1.0, 1.0) * strength
    scale = tf.exp(tf.abs(draws[0]) * math.log(1.2))  # smaller would show a black frame
    patch = warp(patch[None], similarity(tf.zeros([]), scale, tf.zeros([2]), size))[0]
    side = tf.cast(tf.round(size * tf.exp(tf.minimum(draws[1], 0.0) * math.log(2.5))), tf.int32)
    coarse = tf.image.resize(patch[..., None], tf.stack([side, side]), antialias=True)
    patch = tf.ensure_shape(tf.image.resize(coarse, [size, size])[..., 0], [size, size])
    share = tf.pow(tf.clip_by_value(patch / 255.0, 0.0, 1.0), tf.exp(draws[2] * math.log(1.3)))
    share = (share - 0.5) * tf.exp(draws[3] * math.log(1.2)) + 0.5 + 0.08 * draws[4]
    noise = tf.random.stateless_normal([size, size], tf.random.fold_in(seed, 1))
    share += 0.02 * tf.abs(draws[5]) * noise
    return tf.where(patch > 0.0, 255.0 * tf.clip_by_value(share, 0.0, 1.0), 0.0)


def compress_film(
    pixels: tf.Tensor, seed: tf.Tensor, lowest: int = 30, highest: int = 95
) -> tf.Tensor:
    """Store a film as a JPEG and read it again.

    Args:
        pixels: uint16 [H, W], not constant.
        seed: int64 [2].
        lowest: least quality, 1 to 100.
        highest: largest quality.

    Returns:
        uint16 [H, W], 256 levels at most, from the least to the largest grey level of a uint16.
    """
    grey = tf.cast(pixels, tf.float32)
    low, high = tf.reduce_min(grey), tf.reduce_max(grey)
    grey = tf.cast(tf.round(255.0 * (grey - low) / tf.maximum(high - low, 1.0)), tf.uint8)
    quality = tf.random.stateless_uniform([], seed, lowest, highest + 1, tf.int32)
    code = tf.raw_ops.EncodeJpegVariableQuality(images=grey[..., None], quality=quality)
    return tf.cast(tf.io.decode_jpeg(code, 1)[..., 0], tf.uint16) * 257


def vary_film(
    film: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor, strength: float = 1.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """Vary a film and its label map alike: turn, scale, shift, gamma, contrast, blur-free noise.

    No mirroring: it would swap the patient's sides.

    Args:
        film: float32 [S, S] in 0..255.
        labels: uint8 [S, S].
        seed: int64 [2].
        strength: 1 turns by at most 8 degrees, scales by 15 %, shifts by 6 % of the side.

    Returns:
        The film, float32 [S, S] in 0..255, and its labels, uint8 [S, S].
    """
    size = film.shape[0]
    draws = tf.random.stateless_uniform([8], seed, -1.0, 1.0) * strength
    transform = similarity(
        draws[0] * math.radians(8.0),
        tf.exp(draws[1] * math.log(1.15)),
        draws[2:4] * (0.06 * size),
        size,
    )
    film = warp(film[None], transform)[0]
    labels = warp(labels[None], transform, "NEAREST")[0]
    share = tf.pow(tf.clip_by_value(film / 255.0, 0.0, 1.0), tf.exp(draws[4] * math.log(1.4)))
    share = (share - 0.5) * tf.exp(draws[5] * math.log(1.2)) + 0.5 + 0.06 * draws[6]
    noise = tf.random.stateless_normal([size, size], tf.random.fold_in(seed, 1))
    share += 0.02 * tf.abs(draws[7]) * noise
    return 255.0 * tf.clip_by_value(share, 0.0, 1.0), labels


def frame_film(
    film: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor, share: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Put some films into a blank frame, as scans and collimated films have one, and stretch them.

    Each side has a margin half of the time, of up to 40 % of the film; what is left is at least
    half as wide and high as before. Of five frames one is white.

    Args:
        film: float32 [S, S] in 0..255.
        labels: uint8 [S, S].
        seed: int64 [2].
        share: of films that get a frame.

    Returns:
        The film, float32 [S, S] in 0..255, and its labels, uint8 [S, S]; the frame is background.
    """
    size = film.shape[0]
    draws = tf.random.stateless_uniform([6], seed)
    margins = 0.4 * tf.maximum(2.0 * draws[:4] - 1.0, 0.0)
    both = margins[:2] + margins[2:]
    margins *= tf.tile(0.5 / tf.maximum(both, 0.5), [2])
    top, left = margins[0] * (size - 1), margins[1] * (size - 1)
    height, width = 1.0 - margins[0] - margins[2], 1.0 - margins[1] - margins[3]
    transform = tf.stack([1 / width, 0.0, -left / width, 0.0, 1 / height, -top / height, 0.0, 0.0])
    rows, columns = tf.range(size, dtype=tf.float32), tf.range(size, dtype=tf.float32)
    rows, columns = (rows - top) / height, (columns - left) / width
    inside = ((rows >= 0) & (rows <= size - 1))[:, None] & ((columns >= 0) & (columns <= size - 1))
    blank = tf.where(draws[5] < 0.2, 255.0, 0.0)

    def framed() -> tuple[tf.Tensor, tf.Tensor]:
        small = warp(film[None], transform)[0]
        return tf.where(inside, small, blank), warp(labels[None], transform, "NEAREST")[0]

    return tf.cond(draws[4] < share, framed, lambda: (film, labels))
