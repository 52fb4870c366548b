"""Draw patch centres within the lungs and cut the patches (section II-B)."""

import tensorflow as tf

from pipelines.masks import lungs, lungs_at_full_size, middle_pixel
from pipelines.sizes import PATCH_SIZE

#: Points tried for the centres of a film. With lungs on 1 % of it 655 fall on a lung on average.
CANDIDATES = 1 << 16
#: Of these, the first ones, which most often are enough for a few centres.
FIRST_CANDIDATES = 1 << 9


def draw_centres(lung_mask: tf.Tensor, seed: tf.Tensor | int, count: int) -> tf.Tensor:
    """Draw patch centres uniformly and with replacement from the lung pixels.

    Points are drawn over the whole film, and the first that fall on a lung are taken; where too
    few do, the rest is drawn from the lung pixels alone. So a mask that differs by a few pixels,
    as it may between processors, has almost the same centres; drawn by their number in a list of
    lung pixels they would all be others. The draw is stateless (Philox keyed by `(seed, 0)`) and
    never depends on a film's place in a batch; the first k of K centres are those that a draw of
    k gives.

    Args:
        lung_mask: bool [H, W] with at least one true pixel.
        seed: int64 scalar.
        count: number of centres.

    Returns:
        int32 [count, 2]: row, column.
    """
    lungs = tf.reshape(lung_mask, [-1])
    width = tf.shape(lung_mask, out_type=tf.int64)[1]
    points = _draw(seed, 0, CANDIDATES, tf.size(lungs, tf.int64))
    hits = tf.boolean_mask(points, tf.gather(lungs, points))[:count]

    def filled() -> tf.Tensor:
        pixels = tf.where(lungs)[:, 0]
        rest = tf.gather(pixels, _draw(seed, 1, count, tf.size(pixels, tf.int64)))
        return tf.concat([hits, rest[tf.size(hits) :]], 0)

    places = tf.cond(tf.size(hits) < count, filled, lambda: hits)
    centres = tf.stack([places // width, places % width], 1)
    return tf.ensure_shape(tf.cast(centres, tf.int32), [count, 2])


def centres_in_lungs(labels: tf.Tensor, seed: tf.Tensor | int, count: int, side: int) -> tf.Tensor:
    """Give the centres of `draw_centres` in the lungs of a label map without enlarging it.

    Args:
        labels: uint8 [256, 256] with at least one pixel of lung.
        seed: int64 scalar.
        count: number of centres.
        side: of the film in pixels, a multiple of that of the label map.

    Returns:
        int32 [count, 2]: row, column at `side`.
    """
    points = _draw(seed, 0, FIRST_CANDIDATES, tf.constant(side * side, tf.int64))
    points = tf.cast(tf.stack([points // side, points % side], 1), tf.int32)
    known = tf.gather_nd(labels, points // (side // labels.shape[0]))
    hits = tf.boolean_mask(points, lungs(known))[:count]
    centres = tf.cond(
        tf.shape(hits)[0] < count,
        lambda: draw_centres(lungs_at_full_size(labels, side), seed, count),
        lambda: hits,
    )
    return tf.ensure_shape(centres, [count, 2])


def _draw(seed: tf.Tensor | int, stream: int, count: int, size: tf.Tensor) -> tf.Tensor:
    """Draw whole numbers from 0 to size - 1, int64 [count]."""
    key = tf.stack([tf.cast(seed, tf.int64), tf.constant(stream, tf.int64)])
    drawn = tf.random.stateless_uniform([count], key, None, None, tf.uint32, alg="philox")
    return tf.cast(drawn, tf.int64) * size // 2**32


def grid_centres(lung_mask: tf.Tensor, stride: tf.Tensor | int) -> tf.Tensor:
    """Lay a square grid over the film and keep the points that fall on a lung.

    Where none does, the lung pixel nearest to the middle of all lung pixels stands in for them.

    Args:
        lung_mask: bool [H, W] with at least one true pixel.
        stride: distance between neighbours in pixels; from `LEAST_STRIDE` on, a film of 1024 x
            1024 has at most `MOST_PATCHES` points.

    Returns:
        int32 [n, 2]: row, column, in row-major order.
    """
    start = stride // 2
    points = tf.cast(tf.where(lung_mask[start::stride, start::stride]), tf.int32) * stride + start

    return tf.cond(
        tf.shape(points)[0] > 0,
        lambda: points,
        lambda: tf.cast(middle_pixel(lung_mask)[None], tf.int32),
    )


def cut_patches(film: tf.Tensor, centres: tf.Tensor, size: int = PATCH_SIZE) -> tf.Tensor:
    """Cut the window `[c - size/2, c + size/2)` around each centre, zero outside the film.

    Args:
        film: float32 [H, W].
        centres: int32 [n, 2]: row, column.
        size: side of a patch in pixels, even.

    Returns:
        float32 [n, size, size].
    """
    half = size // 2
    padded = tf.pad(film, [[half, half], [half, half]])
    return tf.map_fn(
        lambda centre: tf.slice(padded, centre, [size, size]),
        centres,
        fn_output_signature=tf.TensorSpec([size, size], film.dtype),
    )


#: Mean and standard deviation of ImageNet's three channels, in units of the full range.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_SD = (0.229, 0.224, 0.225)
SCALINGS = ("raw255", "imagenet")


def network_input(patches: tf.Tensor, scaling: str) -> tf.Tensor:
    """Scale grey patches and repeat them over three channels.

    Args:
        patches: float32 [n, S, S] in 0..255.
        scaling: `raw255` leaves the range (as the authors' code does); `imagenet` takes off
            ImageNet's mean and divides by its standard deviation.

    Returns:
        float32 [n, S, S, 3].

    Raises:
        ValueError: the scaling is unknown.
    """
    if scaling not in SCALINGS:
        raise ValueError(f"input scaling {scaling!r} is unknown; choose one of {SCALINGS}")
    channels = tf.repeat(patches[..., None], 3, axis=-1)
    if scaling == "raw255":
        return channels
    return (channels / 255.0 - tf.constant(IMAGENET_MEAN)) / tf.constant(IMAGENET_SD)
