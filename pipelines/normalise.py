"""Normalise a film: histogram equalisation, gamma 0.5, resize (the paper's section II-A).

The levels of a film are uint16 over the full range 0..65535, whatever its depth was: the
readers stretch them, `pipelines.full_range` those of a film that uses little of it, and
equalisation depends on their order alone. A blank border and padding take no part in the
histogram; the geometry is never cropped.
"""

import tensorflow as tf

from pipelines.full_range import FullRange, count_levels, to_full_range
from pipelines.levels import LEVELS as LEVELS
from pipelines.levels import NO_PADDING as NO_PADDING
from pipelines.sizes import CLASSIFICATION_SIZE, SEGMENTATION_SIZE

GAMMA = 0.5
#: Rows and columns whose spread is at most 2/255 of the range are blank border.
BLANK_SPREAD = 2 * 257


def content_box(pixels: tf.Tensor) -> tf.Tensor:
    """Find the film inside its blank border.

    Outer rows, then outer columns, are peeled while their maximum exceeds their minimum by at
    most 2/255 of the range, until nothing changes.

    Args:
        pixels: uint16 [H, W].

    Returns:
        int32 [4]: top, left, bottom, right (the last two exclusive); an empty box where all of
        the film is blank.
    """
    pixels = tf.cast(pixels, tf.int32)
    shape = tf.shape(pixels)

    def span(window: tf.Tensor, axis: int, start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        spread = tf.reduce_max(window, axis) - tf.reduce_min(window, axis)
        rich = tf.reshape(tf.where(spread > BLANK_SPREAD), [-1])
        rich = tf.cast(rich, tf.int32)
        found = tf.size(rich) > 0
        first = tf.cond(found, lambda: rich[0], lambda: 0)
        last = tf.cond(found, lambda: rich[-1] + 1, lambda: 0)
        return start + first, start + last

    def peel(box: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        top, left, bottom, right = tf.unstack(box)
        top, bottom = span(pixels[top:bottom, left:right], 1, top)
        left, right = tf.cond(
            bottom > top,
            lambda: span(pixels[top:bottom, left:right], 0, left),
            lambda: (left, left),
        )
        peeled = tf.stack([top, left, bottom, right])
        empty = (bottom <= top) | (right <= left)
        return peeled, tf.reduce_any(peeled != box) & ~empty

    def peeled() -> tf.Tensor:
        box, _ = tf.while_loop(
            lambda box, changed: changed, peel, (whole, tf.size(pixels) > 0), parallel_iterations=1
        )
        return box

    def is_rich(line: tf.Tensor) -> tf.Tensor:
        return tf.reduce_max(line) - tf.reduce_min(line) > BLANK_SPREAD

    def has_no_border() -> tf.Tensor:
        lines = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
        return tf.reduce_all([is_rich(line) for line in lines])

    whole = tf.stack([0, 0, shape[0], shape[1]])
    # Most films have no border: four lines tell so without a look at the rest.
    without = tf.cond(tf.size(pixels) > 0, has_no_border, lambda: tf.constant(False))
    return tf.cond(without, lambda: whole, peeled)


def histogram(film: FullRange) -> tf.Tensor:
    """Count the levels of a film without its blank border and padding.

    Args:
        film: over the full range of levels.

    Returns:
        int64 [65536].
    """
    box = content_box(film.pixels)

    def inside() -> tf.Tensor:
        top, left, bottom, right = tf.unstack(box)
        return count_levels(tf.cast(film.pixels[top:bottom, left:right], tf.int32), film.padding)

    whole = tf.concat([[0, 0], tf.shape(film.pixels)], 0)
    counts = tf.cond(tf.reduce_all(box == whole), lambda: film.counts, inside)
    return tf.cast(counts, tf.int64)


def table_from_histogram(counts: tf.Tensor) -> tf.Tensor:
    """Turn level counts into the equalisation table before gamma.

    `e(v) = 255 clip((cdf(v) - cdf_min) / (N - cdf_min), 0, 1)`, where `cdf_min` counts the lowest
    level present.

    Args:
        counts: int64 [65536].

    Returns:
        float64 [65536] in 0..255; all zero where fewer than two levels are present.
    """
    cumulative = tf.cumsum(counts)
    total = cumulative[-1]
    lowest = tf.reduce_min(tf.where(cumulative > 0, cumulative, total))
    above = tf.cast(cumulative - lowest, tf.float64)
    share = tf.math.divide_no_nan(above, tf.cast(total - lowest, tf.float64))
    return 255.0 * tf.clip_by_value(share, 0.0, 1.0)


def equalise(film: FullRange) -> tuple[tf.Tensor, tf.Tensor]:
    """Equalise a film and correct its gamma (steps 1 to 3 of section II-A).

    Args:
        film: over the full range of levels.

    Returns:
        The film, float32 [H, W] in 0..255, and whether it is constant (bool scalar): it has then
        fewer than two levels outside border and padding, and the film returned is zero.
    """
    counts = histogram(film)
    constant = tf.math.count_nonzero(counts) < 2
    table = 255.0 * tf.pow(table_from_histogram(counts) / 255.0, tf.constant(GAMMA, tf.float64))
    levels = tf.cast(film.pixels, tf.int32)[
        :, :, None
    ]  # by `gather_nd`, which is faster than `gather`
    return tf.gather_nd(tf.cast(table, tf.float32), levels), constant


def limit_resolution(film: tf.Tensor, limit: int | None) -> tf.Tensor:
    """Reduce a film by area so that its longer side is at most `limit`.

    Args:
        film: float32 [H, W].
        limit: pixels, or None to leave the film as it is.

    Returns:
        float32 [H', W'], in the proportions of the input to the nearest pixel.
    """
    if limit is None:
        return film
    shape = tf.shape(film)
    longer = tf.reduce_max(shape)

    def reduce() -> tf.Tensor:
        scale = limit / tf.cast(longer, tf.float64)
        size = tf.maximum(tf.cast(tf.round(tf.cast(shape, tf.float64) * scale), tf.int32), 1)
        return tf.image.resize(film[None, :, :, None], size, method="area")[0, :, :, 0]

    return tf.cond(longer > limit, reduce, lambda: film)


def resize(film: tf.Tensor, size: int) -> tf.Tensor:
    """Resize a film to a square, bilinear with anti-aliasing (step 4 of section II-A).

    Args:
        film: float32 [H, W] in 0..255.
        size: side of the square in pixels.

    Returns:
        float32 [size, size] in 0..255.
    """
    rows = _resize_rows(film, size)
    square = tf.transpose(_resize_rows(tf.transpose(rows), size))
    return tf.clip_by_value(tf.ensure_shape(square, [size, size]), 0.0, 255.0)


def _resize_rows(film: tf.Tensor, count: int) -> tf.Tensor:
    """Change the number of rows [H, W] -> [count, W].

    The columns pass as channels: TensorFlow takes one row after the other, but loops over the
    pixels of a row one by one. So a film goes through once as it is and once transposed, with the
    same bits as in one call and in a fifth of the time.
    """
    columns = film[:, None, :]
    return tf.image.resize(columns, [count, 1], method="bilinear", antialias=True)[:, 0, :]


def normalise(
    pixels: tf.Tensor,
    padding: tf.Tensor | int = NO_PADDING,
    sizes: tuple[int, ...] = (SEGMENTATION_SIZE, CLASSIFICATION_SIZE),
    resolution_limit: int | None = None,
    enhance: bool = True,
) -> tuple[tuple[tf.Tensor, ...], tf.Tensor]:
    """Run the paper's four steps and give the film at each size asked for.

    Args:
        pixels: uint16 [H, W]; where they use little of the range they are stretched first.
        padding: int32 scalar, the level to leave out of the histogram; -1 for none.
        sizes: see `normalise_full_range`.
        resolution_limit: see `normalise_full_range`.
        enhance: see `normalise_full_range`.

    Returns:
        One float32 [size, size] in 0..255 for each size, and whether the film is constant.
    """
    return normalise_full_range(to_full_range(pixels, padding), sizes, resolution_limit, enhance)


def normalise_full_range(
    film: FullRange,
    sizes: tuple[int, ...],
    resolution_limit: int | None = None,
    enhance: bool = True,
) -> tuple[tuple[tf.Tensor, ...], tf.Tensor]:
    """Run the paper's four steps on a film whose levels are known to use the range.

    Args:
        film: over the full range of levels.
        sizes: sides of the squares wanted, in pixels.
        resolution_limit: longest side kept before the resize, or None.
        enhance: False skips steps 2 and 3 and scales the levels linearly (Table V, row "-").

    Returns:
        One float32 [size, size] in 0..255 for each size, and whether the film is constant.
    """
    image, constant = equalise(film)
    if not enhance:
        image = tf.cast(film.pixels, tf.float32) / 257.0
    image = limit_resolution(image, resolution_limit)
    return tuple(resize(image, size) for size in sizes), constant
