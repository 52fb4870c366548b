"""Decode films and masks in the graph: PNG, JPEG, raw JSRT films, GIF masks.

The levels of a film are uint16 over the full range 0..65535, bright where the body is dense:
every 8-bit value v is v x 257. Core operations only: the functions work in `tf.function`, in
tf.data and in TensorFlow Serving.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from pipelines import status as statuses
from pipelines.as_written import as_written
from pipelines.headers import Header, header_status, read_header, upright_status
from pipelines.sizes import MAX_PIXELS

__all__ = [
    "JSRT_BYTES",
    "JSRT_SIZE",
    "MAX_PIXELS",
    "Header",
    "decode_film",
    "decode_jsrt",
    "decode_mask",
    "guard",
    "header_status",
    "read_header",
]

#: Rows and columns of a raw JSRT film, which has no header.
JSRT_SIZE = 2048
JSRT_BYTES = 2 * JSRT_SIZE**2
_JSRT_TOP = 4095


def _checked(condition: tf.Tensor, image_bytes: tf.Tensor, *message: Any) -> tf.Tensor:
    """Return the bytes, decoded only once the condition was found to hold."""
    check = tf.debugging.Assert(condition, list(message))
    with tf.control_dependencies([check]):
        return tf.identity(image_bytes)


def _grey(levels: tf.Tensor, scale: int = 1) -> tf.Tensor:
    """Turn [H, W, 1..4] to grey uint16 [H, W] of scaled levels in integers; alpha is dropped."""

    def from_colour() -> tf.Tensor:
        red, green, blue = (tf.cast(levels[..., i], tf.int32) for i in range(3))
        total = 299 * scale * red + 587 * scale * green + 114 * scale * blue
        return tf.cast((total + 500) // 1000, tf.uint16)

    def from_grey() -> tf.Tensor:
        return tf.cast(levels[..., 0], tf.uint16) * scale

    return tf.cond(tf.shape(levels)[2] >= 3, from_colour, from_grey)


def _grey_png(image_bytes: tf.Tensor) -> tf.Tensor:
    return _grey(tf.io.decode_png(image_bytes, channels=0, dtype=tf.uint16))


def _grey_jpeg(image_bytes: tf.Tensor) -> tf.Tensor:
    levels = tf.io.decode_jpeg(image_bytes, channels=0, dct_method="INTEGER_ACCURATE")
    return _grey(levels, 257)


def decode_film(image_bytes: tf.Tensor, any_orientation: bool = False) -> tf.Tensor:
    """Decode a PNG or JPEG film whose header was found good.

    Args:
        image_bytes: string scalar, the whole file.
        any_orientation: decode films with an EXIF orientation other than 1 too, as they are
            stored; the caller turns them upright.

    Returns:
        uint16 [H, W]: 8-bit values times 257; colour as (299 R + 587 G + 114 B + 500) // 1000 of
        such levels; alpha dropped.

    Raises:
        tf.errors.InvalidArgumentError: `header_status` is not `ok`, or the data are damaged.
    """
    header = read_header(image_bytes)
    status = header.status if any_orientation else upright_status(header)
    image_bytes = _checked(
        status == statuses.OK,
        image_bytes,
        "The film cannot be decoded; its status and kind are:",
        status,
        header.kind,
    )
    pixels = tf.cond(
        header.kind == "png", lambda: _grey_png(image_bytes), lambda: _grey_jpeg(image_bytes)
    )
    return tf.ensure_shape(pixels, [None, None])


def decode_mask(image_bytes: tf.Tensor) -> tf.Tensor:
    """Decode a mask from a PNG or from the first frame of a GIF.

    Foreground is what lies above half of the mask's own maximum: the releases store masks as
    0/1, 0/255, 0/65535 or with softened edges.

    Args:
        image_bytes: string scalar, the whole file.

    Returns:
        bool [H, W]; all false where the maximum is 0.

    Raises:
        tf.errors.InvalidArgumentError: the file is neither, too large, cut off or damaged.
    """
    header = read_header(image_bytes)
    is_gif = header.kind == "gif"
    small = header.height * header.width <= MAX_PIXELS
    image_bytes = _checked(
        (is_gif & small) | ((header.kind == "png") & (header.status == statuses.OK)),
        image_bytes,
        "A mask must be a whole PNG or GIF file; status and kind of this one are:",
        header.status,
        header.kind,
    )

    def first_frame() -> tf.Tensor:
        frame = tf.io.decode_image(image_bytes, channels=3, expand_animations=False)
        return _grey(tf.ensure_shape(frame, [None, None, 3]), 257)

    pixels = tf.cond(is_gif, first_frame, lambda: _grey_png(image_bytes))
    pixels = tf.cast(tf.ensure_shape(pixels, [None, None]), tf.int32)
    return 2 * pixels > tf.reduce_max(pixels)


def decode_jsrt(image_bytes: tf.Tensor) -> tf.Tensor:
    """Decode a raw film of the JSRT release (.IMG): big-endian, 12 bit, bright where air is.

    Args:
        image_bytes: string scalar, exactly `JSRT_BYTES` long; it has no header.

    Returns:
        uint16 [2048, 2048], inverted to bright where the body is dense, over the full range.

    Raises:
        tf.errors.InvalidArgumentError: the length is another, or a value exceeds 12 bits.
    """
    size = tf.strings.length(image_bytes)
    image_bytes = _checked(
        size == JSRT_BYTES, image_bytes, "A raw JSRT film has 8388608 bytes; this file has:", size
    )
    values = tf.cast(tf.io.decode_raw(image_bytes, tf.uint16, little_endian=False), tf.int32)
    top = tf.reduce_max(values)
    check = tf.debugging.Assert(
        top <= _JSRT_TOP, ["The values of a raw JSRT film end at 4095; here occurs:", top]
    )
    with tf.control_dependencies([check]):
        pixels = (_JSRT_TOP - values) * 65535 // _JSRT_TOP
    return tf.cast(tf.reshape(pixels, [JSRT_SIZE, JSRT_SIZE]), tf.uint16)


def guard(function: Callable[[Any], Any], value: Any, fallback: Any) -> Any:
    """Apply a function in the graph, and return a fallback where one of its operations fails.

    A graph has no exceptions, but a dataset can drop the elements that fail. Let `function`
    reduce its result to a fixed shape where the graph is exported.

    Args:
        function: maps `value` to a nest of tensors.
        value: a nest of tensors.
        fallback: a nest of tensors of the same structure, types and (where fixed) shapes.

    Returns:
        `function(value)` or `fallback`.

    Raises:
        ValueError: the fallback does not fit what the function returns.
    """
    done = tf.data.Dataset.from_tensors(value).map(as_written(function)).ignore_errors()
    spare = tf.data.Dataset.from_tensors(fallback)
    expected, given = done.element_spec, spare.element_spec
    tf.nest.assert_same_structure(expected, given)
    for wanted, offered in zip(tf.nest.flatten(expected), tf.nest.flatten(given), strict=True):
        if wanted.dtype != offered.dtype or not wanted.shape.is_compatible_with(offered.shape):
            raise ValueError(
                f"The fallback of guard() is {offered}, but the function returns {wanted}: "
                "give both the same type and shape."
            )
    return done.concatenate(spare).take(1).get_single_element()
