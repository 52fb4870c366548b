"""Random changes to training examples, each a pure function of its seed."""

import math

import tensorflow as tf

#: Largest turn of a patch, as in the paper's authors' code.
DEGREES = 5.0


def example_seed(seed: int, epoch: tf.Tensor | int, index: tf.Tensor | int) -> tf.Tensor:
    """Give the seed of one example in one epoch: the same whatever was run before it.

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
    """Give projective parameters that turn, scale and shift a square about its middle.

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


def turn(seed: tf.Tensor, size: int, degrees: float, scale: tf.Tensor | float = 1.0) -> tf.Tensor:
    """Draw a turn of up to ±`degrees`, mirrored half of the time; then enlarge.

    Args:
        seed: int64 [2].
        size: side of the square in pixels.
        degrees: largest turn.
        scale: above 1 enlarges.

    Returns:
        float32 [8], for `warp`.
    """
    draws = tf.random.stateless_uniform([2], seed, -1.0, 1.0)
    angle = draws[0] * math.radians(degrees)
    turned = similarity(angle, tf.convert_to_tensor(scale), tf.zeros([2]), size)
    # Column c of a mirrored picture is column size - 1 - c of the other.
    across = tf.gather(turned, [0, 3])
    sign = tf.where(draws[1] < 0.0, -1.0, 1.0)
    moved = tf.where(draws[1] < 0.0, across * (size - 1), 0.0)
    (a, d), (x, y) = tf.unstack(across * sign), tf.unstack(moved)
    return tf.stack([a, turned[1], turned[2] + x, d, turned[4], turned[5] + y, 0.0, 0.0])


def rotate_and_flip(patch: tf.Tensor, seed: tf.Tensor, degrees: float = DEGREES) -> tf.Tensor:
    """Turn a patch by up to ±`degrees` and mirror it half of the time.

    Args:
        patch: float32 [S, S].
        seed: int64 [2].
        degrees: largest turn.

    Returns:
        float32 [S, S].
    """
    return warp(patch[None], turn(seed, patch.shape[0], degrees))[0]


def patch_turn(
    turn_seed: tf.Tensor,
    seed: tf.Tensor,
    size: int,
    strength: float = 1.0,
    degrees: float = DEGREES,
) -> tf.Tensor:
    """Draw the turn, mirror and enlargement of `vary_patch`.

    Args:
        turn_seed: int64 [2], of turn and mirror.
        seed: int64 [2], of the rest.
        size: side of the patch in pixels.
        strength: see `vary_patch`; 0 leaves the size.
        degrees: largest turn.

    Returns:
        float32 [8], for `warp`.
    """
    scale = tf.exp(tf.abs(_draws(seed, strength)[0]) * math.log(1.2))  # smaller: a black frame
    return turn(turn_seed, size, degrees, scale)


def _draws(seed: tf.Tensor, strength: float) -> tf.Tensor:
    return tf.random.stateless_uniform([6], seed, -1.0, 1.0) * strength


def vary_patch(
    patch: tf.Tensor,
    turn_seed: tf.Tensor,
    seed: tf.Tensor,
    strength: float = 1.0,
    degrees: float = DEGREES,
) -> tf.Tensor:
    """Turn and mirror a patch as `rotate_and_flip` does, and vary what tells a film's source.

    That is grey scale, sharpness, noise and size. Turn, mirror and size are one resampling. What is
    0, outside the lungs, stays 0 up to the interpolation.

    Args:
        patch: float32 [S, S] in 0..255.
        turn_seed: int64 [2], of turn and mirror.
        seed: int64 [2], of the rest.
        strength: 1 enlarges by at most 20 %, blurs as if the film had 40 % of its pixels a side,
            and changes gamma by at most 1.3, contrast by 1.2 and brightness by 8 %.
        degrees: largest turn.

    Returns:
        float32 [S, S] in 0..255.
    """
    size = patch.shape[0]
    draws = _draws(seed, strength)
    patch = warp(patch[None], patch_turn(turn_seed, seed, size, strength, degrees))[0]
    side = tf.cast(tf.round(size * tf.exp(tf.minimum(draws[1], 0.0) * math.log(2.5))), tf.int32)

    def coarse() -> tf.Tensor:
        small = tf.image.resize(patch[..., None], tf.stack([side, side]), antialias=True)
        return tf.ensure_shape(tf.image.resize(small, [size, size])[..., 0], [size, size])

    patch = tf.cond(side < size, coarse, lambda: patch)
    share = _to_power(patch / 255.0, tf.exp(draws[2] * math.log(1.3)))
    share = (share - 0.5) * tf.exp(draws[3] * math.log(1.2)) + 0.5 + 0.08 * draws[4]
    noise = tf.random.stateless_normal([size, size], tf.random.fold_in(seed, 1))
    share += 0.02 * tf.abs(draws[5]) * noise
    return tf.where(patch > 0.0, 255.0 * tf.clip_by_value(share, 0.0, 1.0), 0.0)


def is_compressed(key: tf.Tensor, share: float) -> tf.Tensor | bool:
    """Draw whether an example is cut from the compressed film.

    Args:
        key: int64 [2], of the example.
        share: of examples that are.

    Returns:
        bool scalar.
    """
    return bool(share) and tf.random.stateless_uniform([], tf.random.fold_in(key, 3)) < share


def augment_seeds(key: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Give the seeds of an example's turn and mirror, and of its other changes.

    Args:
        key: int64 [2], of the example.
    """
    return tf.random.fold_in(key, 1), tf.random.fold_in(key, 2)


def augmented(
    patch: tf.Tensor, turn_seed: tf.Tensor, seed: tf.Tensor, strength: float
) -> tf.Tensor:
    """Change a patch as training does: by `vary_patch`, or without strength turn and mirror alone.

    Args:
        patch: float32 [S, S] in 0..255.
        turn_seed: int64 [2], of turn and mirror.
        seed: int64 [2], of the rest.
        strength: see `vary_patch`; 0 for `rotate_and_flip`.

    Returns:
        float32 [S, S] in 0..255.
    """
    if strength:
        return vary_patch(patch, turn_seed, seed, strength)
    return rotate_and_flip(patch, turn_seed)


def _to_power(share: tf.Tensor, exponent: tf.Tensor) -> tf.Tensor:
    """`share ** exponent` for an exponent above 0, after clipping to 0..1; 3 times as fast."""
    return tf.exp(exponent * tf.math.log(tf.clip_by_value(share, 0.0, 1.0)))


def jpeg_quality(seed: tf.Tensor, lowest: int = 30, highest: int = 95) -> tf.Tensor:
    """Draw the quality of a JPEG.

    Args:
        seed: int64 [2].
        lowest: least quality, 1 to 100.
        highest: largest quality.

    Returns:
        int32 scalar.
    """
    return tf.random.stateless_uniform([], seed, lowest, highest + 1, tf.int32)


def compress_film(pixels: tf.Tensor, quality: tf.Tensor | int) -> tf.Tensor:
    """Store a film as a JPEG and read it again.

    Args:
        pixels: uint16 [H, W], not constant.
        quality: int32 scalar, 1 to 100.

    Returns:
        uint16 [H, W], 256 levels at most, from the least to the largest grey level of a uint16.
    """
    grey = tf.cast(pixels, tf.float32)
    low, high = tf.reduce_min(grey), tf.reduce_max(grey)
    grey = tf.cast(tf.round(255.0 * (grey - low) / tf.maximum(high - low, 1.0)), tf.uint8)
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
    share = _to_power(film / 255.0, tf.exp(draws[4] * math.log(1.4)))
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
