"""Read what the header of a film says, in the graph, before a byte of it is decoded.

PNG chunks and JPEG segments are walked to their end, so a file that was cut off anywhere is
found out, and so are its size, its EXIF orientation and an animation. Core operations only:
the functions work in `tf.function`, in tf.data and in TensorFlow Serving.
"""

from typing import NamedTuple

import tensorflow as tf

from pipelines import status as statuses
from pipelines.sizes import MAX_PIXELS

#: More chunks than any PNG film has, and segments than any JPEG; they bound the time that a
#: hostile file can take.
MAX_PARTS = 100_000
MAX_SEGMENTS = 10_000
#: Chunks of one length that are passed at once. Encoders write the pixels in hundreds of them.
_RUN = 512
#: Encoders write up to some twenty scans. Each goes over the whole film, however short it is.
MAX_SCANS = 100

_PNG, _JPEG, _GIF, _BMP = "png", "jpeg", "gif", "bmp"
#: Kind, offset and bytes of the marks by which files are told apart; the first match counts.
_MAGIC = (
    (_PNG, 0, b"\x89PNG\r\n\x1a\n"),
    (_JPEG, 0, b"\xff\xd8\xff"),
    ("dicom", 128, b"DICM"),
    (_GIF, 0, b"GIF87a"),
    (_GIF, 0, b"GIF89a"),
    ("webp", 8, b"WEBP"),
    ("tiff", 0, b"II*\x00"),
    ("tiff", 0, b"MM\x00*"),
    ("tiff", 0, b"II+\x00"),
    ("jpeg2000", 0, b"\x00\x00\x00\x0cjP  "),
    ("jpeg2000", 0, b"\xff\x4f\xff\x51"),
    ("jpegxl", 0, b"\x00\x00\x00\x0cJXL "),
    ("heif", 4, b"ftyp"),
    ("psd", 0, b"8BPS"),
    ("pdf", 0, b"%PDF-"),
)
#: Zero bytes behind the file, so that reading past its end needs no special case.
_SLACK = b"\x00" * 160
_BMP_HEADER_SIZES = (12, 40, 52, 56, 64, 108, 124)
#: Frames that are not coded by Huffman codes of 8-bit samples are not decoded (T.81, Table B.1).
_BASELINE_FRAMES = (0xC0, 0xC1, 0xC2)
_EXIF_ORIENTATION = 0x0112


class Header(NamedTuple):
    """What the header of a film says.

    Attributes:
        status: string scalar: `ok`, `unreadable`, `unsupported` or `too_large`, whatever the
            orientation is.
        kind: string scalar: `png`, `jpeg`, `gif`, `dicom`, …; empty where no mark is known.
        height: int64 scalar, rows as stored; 0 unless the kind is `png`, `jpeg` or `gif`.
        width: int64 scalar, columns as stored; 0 likewise.
        orientation: int32 scalar, EXIF orientation 1..8 (1: as stored).
        animated: bool scalar, whether it is a PNG with an animation (acTL chunk).
    """

    status: tf.Tensor
    kind: tf.Tensor
    height: tf.Tensor
    width: tf.Tensor
    orientation: tf.Tensor
    animated: tf.Tensor


def _number(data: tf.Tensor, at: tf.Tensor, size: int, little: bool = False) -> tf.Tensor:
    """Read unsigned numbers of `size` bytes at `at` (any shape) as int64; 0 past the end."""
    at = tf.cast(at, tf.int64)[..., tf.newaxis] + tf.range(size, dtype=tf.int64)
    octets = tf.gather(data, tf.clip_by_value(at, 0, tf.size(data, tf.int64) - 1))
    powers = [256**i for i in range(size)]
    scale = tf.constant(powers if little else powers[::-1], tf.int64)
    return tf.reduce_sum(tf.cast(octets, tf.int64) * scale, -1)


def _one_of(value: tf.Tensor, choices: tuple[int, ...]) -> tf.Tensor:
    return tf.reduce_any(value == tf.constant(choices, tf.int64))


def _kind(padded: tf.Tensor, data: tf.Tensor) -> tf.Tensor:
    is_bmp = (tf.strings.substr(padded, 0, 2) == b"BM") & _one_of(
        _number(data, 14, 4, little=True), _BMP_HEADER_SIZES
    )
    kind = tf.where(is_bmp, _BMP, "")
    for name, offset, magic in reversed(_MAGIC):
        kind = tf.where(tf.strings.substr(padded, offset, len(magic)) == magic, name, kind)
    return kind


def _orientation(data: tf.Tensor, tiff: tf.Tensor) -> tf.Tensor:
    """Read the orientation from the first directory of the TIFF block at `tiff` (-1: none)."""

    def search() -> tf.Tensor:
        little = _number(data, tiff, 2) == 0x4949

        def number(at: tf.Tensor, size: int) -> tf.Tensor:
            return tf.where(little, _number(data, at, size, True), _number(data, at, size))

        directory = tiff + number(tiff + 4, 4)
        count = tf.minimum(number(directory, 2), 1024)
        entries = directory + 2 + 12 * tf.range(count)
        value = tf.where(
            number(entries + 2, 2) == 4,  # LONG; the standard says SHORT
            number(entries + 8, 4),
            number(entries + 8, 2),
        )
        value = tf.boolean_mask(value, number(entries, 2) == _EXIF_ORIENTATION)
        value = tf.concat([value, tf.ones([1], tf.int64)], 0)[0]
        return tf.where((value >= 1) & (value <= 8), value, 1)

    found = tf.cond(tiff >= 0, search, lambda: tf.ones([], tf.int64))
    return tf.cast(found, tf.int32)


def _status(*faults: tuple[tf.Tensor, str]) -> tf.Tensor:
    """Return the status of the first fault that holds, or `ok`."""
    status = tf.constant(statuses.OK)
    for holds, name in reversed(faults):
        status = tf.where(holds, name, status)
    return status


def _read_png(data: tf.Tensor, size: tf.Tensor) -> Header:
    """Walk the chunks of a PNG from the signature to IEND (PNG specification, section 5)."""

    def name(text: bytes) -> int:
        return int.from_bytes(text, "big")

    def head(at: tf.Tensor) -> tf.Tensor:
        """Length and name of the chunk at a place, in one number."""
        return _number(data, at, 8)

    def step(
        at: tf.Tensor,
        here: tf.Tensor,
        count: tf.Tensor,
        ended: tf.Tensor,
        pixels: tf.Tensor,
        animated: tf.Tensor,
        exif: tf.Tensor,
    ) -> tuple[tf.Tensor, ...]:
        length = tf.bitwise.bitwise_and(tf.bitwise.right_shift(here, 32), 0xFFFFFFFF)
        chunk = tf.bitwise.bitwise_and(here, 0xFFFFFFFF)
        following = at + 12 + length
        there = head(following)

        def passed() -> tuple[tf.Tensor, ...]:
            """Pass all chunks from here on that are of pixels and as long as this one."""
            alike = head(at + tf.range(_RUN, dtype=tf.int64) * (12 + length)) == here
            run = tf.reduce_sum(tf.math.cumprod(tf.cast(alike, tf.int64)))
            behind = at + run * (12 + length)
            return behind, head(behind), run

        is_pixels = chunk == name(b"IDAT")
        behind, there, run = tf.cond(
            is_pixels & (there == here), passed, lambda: (following, there, tf.ones([], tf.int64))
        )
        return (
            behind,
            there,
            count + run,
            (chunk == name(b"IEND")) & (behind <= size),
            pixels | is_pixels,
            animated | (chunk == name(b"acTL")),
            tf.where((chunk == name(b"eXIf")) & (exif < 0), at + 8, exif),
        )

    no, first = tf.constant(False), tf.constant(8, tf.int64)
    _, _, _, ended, pixels, animated, exif = tf.while_loop(
        lambda at, here, count, ended, *_: ~ended & (at + 12 <= size) & (count < MAX_PARTS),
        step,
        (first, head(first), tf.zeros([], tf.int64), no, no, no, tf.constant(-1, tf.int64)),
        parallel_iterations=1,
    )
    height, width = _number(data, 20, 4), _number(data, 16, 4)
    valid = (
        (_number(data, 12, 4) == name(b"IHDR"))
        & (tf.minimum(height, width) > 0)
        & (tf.maximum(height, width) < 2**31)
    )
    status = _status(
        (~valid, statuses.UNREADABLE),
        (height * width > MAX_PIXELS, statuses.TOO_LARGE),
        (~ended | ~pixels, statuses.UNREADABLE),
        (animated, statuses.UNSUPPORTED),
    )
    return Header(status, tf.constant(_PNG), height, width, _orientation(data, exif), animated)


def _read_jpeg(data: tf.Tensor, size: tf.Tensor) -> Header:
    """Walk the segments of a JPEG from SOI to EOI (T.81, annex B)."""
    code = data[1:]
    # Neither a stuffed byte, nor a fill byte, nor a restart mark: the head of a segment. Told on
    # the bytes themselves, or a file full of 0xFF would take thirty times its size in memory.
    is_head = (data[:-1] == 255) & (code != 0) & (code != 255) & ((code < 0xD0) | (code > 0xD7))
    heads = tf.where(is_head)[:, 0]
    last = tf.size(heads, tf.int64) - 1

    def head(at: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        index = tf.searchsorted(heads, at[tf.newaxis], out_type=tf.int64)[0]
        return tf.gather(heads, tf.minimum(index, last)), index <= last

    def step(
        at: tf.Tensor,
        ended: tf.Tensor,
        _: tf.Tensor,
        frame: tf.Tensor,
        scans: tf.Tensor,
        exif: tf.Tensor,
    ) -> tuple[tf.Tensor, ...]:
        at, found = head(at)
        code = _number(data, at + 1, 1)
        alone = _one_of(code, (0x01, 0xD8))
        is_frame = (code >= 0xC0) & (code <= 0xCF) & ~_one_of(code, (0xC4, 0xC8, 0xCC))
        is_exif = (
            (code == 0xE1)
            & (_number(data, at + 4, 4) == int.from_bytes(b"Exif", "big"))
            & (_number(data, at + 8, 2) == 0)
        )
        length = tf.where(alone, tf.zeros([], tf.int64), tf.maximum(_number(data, at + 2, 2), 2))
        return (
            at + 2 + length,
            found & (code == 0xD9),
            found,
            tf.where(found & is_frame & (frame < 0), at, frame),
            scans + tf.cast(found & (code == 0xDA), tf.int64),
            tf.where(found & is_exif & (exif < 0), at + 10, exif),
        )

    nowhere = tf.constant(-1, tf.int64)
    _, ended, _, frame, scans, exif = tf.while_loop(
        lambda at, ended, found, *_: ~ended & found,
        step,
        (
            tf.zeros([], tf.int64),
            tf.constant(False),
            tf.constant(True),
            nowhere,
            tf.zeros([], tf.int64),
            nowhere,
        ),
        maximum_iterations=MAX_SEGMENTS,
        parallel_iterations=1,
    )
    height, width = _number(data, frame + 5, 2), _number(data, frame + 7, 2)
    decodable = (
        _one_of(_number(data, frame + 1, 1), _BASELINE_FRAMES)
        & (_number(data, frame + 4, 1) == 8)
        & _one_of(_number(data, frame + 9, 1), (1, 3, 4))
    )
    status = _status(
        ((frame < 0) | (frame + 10 > size), statuses.UNREADABLE),
        (~decodable, statuses.UNSUPPORTED),
        (tf.minimum(height, width) < 1, statuses.UNREADABLE),
        (height * width > MAX_PIXELS, statuses.TOO_LARGE),
        (scans > MAX_SCANS, statuses.UNSUPPORTED),
        (~ended | (scans < 1), statuses.UNREADABLE),
    )
    return Header(
        status, tf.constant(_JPEG), height, width, _orientation(data, exif), tf.constant(False)
    )


def _read_other(data: tf.Tensor, kind: tf.Tensor) -> Header:
    """Refuse all other kinds; the size of a GIF is read because masks may be GIF files."""
    is_gif = kind == _GIF
    return Header(
        tf.where(kind == "", statuses.UNREADABLE, statuses.UNSUPPORTED),
        kind,
        tf.where(is_gif, _number(data, 8, 2, little=True), 0),
        tf.where(is_gif, _number(data, 6, 2, little=True), 0),
        tf.constant(1, tf.int32),
        tf.constant(False),
    )


def _read(image_bytes: tf.Tensor) -> Header:
    size = tf.cast(tf.strings.length(image_bytes), tf.int64)
    padded = tf.strings.join([image_bytes, _SLACK])
    data = tf.io.decode_raw(padded, tf.uint8)
    kind = _kind(padded, data)
    return tf.cond(
        kind == _PNG,
        lambda: _read_png(data, size),
        lambda: tf.cond(
            kind == _JPEG, lambda: _read_jpeg(data, size), lambda: _read_other(data, kind)
        ),
    )


#: It has no Python to translate, which alone would take a second.
_read_in_graph = tf.function(_read, input_signature=[tf.TensorSpec([], tf.string)], autograph=False)


def read_header(image_bytes: tf.Tensor) -> Header:
    """Read the header of a film without decoding it; no content makes it fail.

    Args:
        image_bytes: string scalar, the whole file.

    Returns:
        Header; a file that is cut off anywhere has the status `unreadable`.
    """
    return Header(*_read_in_graph(image_bytes))


def upright_status(header: Header) -> tf.Tensor:
    """Give the status of a film whose header was read, where only upright films are taken.

    Args:
        header: from `read_header`.

    Returns:
        String scalar: the header's status, `unsupported` for an orientation other than 1.
    """
    turned = (header.status == statuses.OK) & (header.orientation != 1)
    return tf.where(turned, statuses.UNSUPPORTED, header.status)


def header_status(image_bytes: tf.Tensor) -> tf.Tensor:
    """Tell from its header whether a film can be decoded in the graph.

    Args:
        image_bytes: string scalar, the whole file.

    Returns:
        String scalar: `ok`, `unreadable` (empty, no image, cut off), `unsupported` (neither PNG
        nor JPEG, animated, an EXIF orientation other than 1, a JPEG coding other than 8-bit
        baseline or progressive) or `too_large` (more than `MAX_PIXELS`).
    """
    return upright_status(read_header(image_bytes))
