import struct

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipelines.headers import header_status, read_header
from pipelines.sizes import MAX_PIXELS
from tests.protocol import check_op
from tests.samples import (
    chunk,
    dicom_bytes,
    dicom_dataset,
    encode,
    insert_chunk,
    ramp,
    tiff_orientation,
    with_exif,
)

PNG = encode(ramp(), "PNG")
JPEG = encode(ramp(), "JPEG")
PROGRESSIVE = encode(ramp(), "JPEG", mode="RGB", progressive=True, quality=95)
COLOUR = encode(ramp(), "JPEG", mode="RGB", subsampling=2)


def status(content):
    return header_status(tf.constant(content)).numpy().decode()


def png_of(height, width):
    """A PNG whose header states a size; its pixels are not those."""
    size = struct.pack(">II", width, height) + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", b"?") + chunk(b"IEND")


def jpeg_with_frame(**fields):
    """The sample JPEG with fields of its frame header (SOF0) written anew."""
    content = bytearray(JPEG)
    at = content.index(b"\xff\xc0")
    if "mark" in fields:
        content[at + 1] = fields["mark"]
    if "precision" in fields:
        content[at + 4] = fields["precision"]
    if "size" in fields:
        content[at + 5 : at + 9] = struct.pack(">HH", *fields["size"])
    return bytes(content)


@pytest.mark.parametrize(("content", "kind"), [(PNG, b"png"), (COLOUR, b"jpeg")])
def test_good_headers_in_all_four_ways(content, kind):
    header = check_op(lambda data: tuple(read_header(data)), content)
    assert [field.numpy() for field in header] == [b"ok", kind, 40, 56, 1, False]


def test_bad_headers_in_all_four_ways():
    bad = [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"junk" * 99, PNG[:-1]]
    found = check_op(lambda batch: tf.map_fn(header_status, batch), bad)
    assert set(found.numpy()) == {b"unreadable"}


@pytest.mark.parametrize("content", [PNG, JPEG, PROGRESSIVE, COLOUR])
def test_a_file_cut_off_anywhere_is_unreadable(content):
    statuses = tf.map_fn(
        header_status, tf.constant([content[:end] for end in range(len(content))])
    ).numpy()
    assert set(statuses) == {b"unreadable"}
    assert status(content) == "ok"


def test_bytes_behind_the_end_of_the_image_do_no_harm():
    assert status(PNG + b"\0tail") == "ok"
    assert status(JPEG + bytes(100)) == "ok"
    assert status(JPEG + JPEG) == "ok"


def test_the_end_mark_of_a_thumbnail_is_not_taken_for_the_end_of_the_film():
    whole = with_exif(JPEG, tiff_orientation(1) + JPEG)
    assert status(whole) == "ok"
    assert status(whole[:-2]) == "unreadable"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (encode(ramp(), "GIF"), "unsupported"),
        (encode(ramp(), "BMP"), "unsupported"),
        (encode(ramp(), "WEBP", mode="RGB"), "unsupported"),
        (encode(ramp(), "TIFF"), "unsupported"),
        (encode(ramp(), "JPEG2000"), "unsupported"),
        (dicom_bytes(dicom_dataset(ramp())), "unsupported"),
        (b"%PDF-1.7\n", "unsupported"),
        (b"BMI of the patients\n" * 9, "unreadable"),
        (b"<html>not found</html>", "unreadable"),
        (PNG.replace(b"\r\n", b"\n", 1), "unreadable"),
        (jpeg_with_frame(mark=0xC3), "unsupported"),
        (jpeg_with_frame(mark=0xC9), "unsupported"),
        (jpeg_with_frame(precision=12), "unsupported"),
        (jpeg_with_frame(size=(0, 56)), "unreadable"),
        (png_of(0, 5), "unreadable"),
        (png_of(2**31, 1), "unreadable"),
    ],
)
def test_other_formats_and_codings(content, expected):
    assert status(content) == expected


def test_an_animated_png_is_unsupported():
    frames = [Image.fromarray(ramp()), Image.fromarray(255 - ramp())]
    content = encode(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert b"acTL" in content
    assert status(content) == "unsupported"
    assert bool(read_header(tf.constant(content)).animated)


def test_the_limit_of_64_megapixels_is_read_before_decoding():
    assert status(png_of(8000, 8000)) == "ok"
    assert 8000 * 8000 == MAX_PIXELS
    assert status(png_of(8000, 8001)) == "too_large"
    assert status(png_of(2**31 - 1, 2**31 - 1)) == "too_large"
    assert status(jpeg_with_frame(size=(12000, 12000))) == "too_large"
    assert status(encode(np.zeros((12000, 12000), bool), "PNG")) == "too_large"


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [3, 4])
@pytest.mark.parametrize("value", range(1, 9))
def test_the_exif_orientation_is_found(order, kind, value):
    block = tiff_orientation(value, order, kind)
    expected = "ok" if value == 1 else "unsupported"
    for content in (with_exif(JPEG, block), insert_chunk(PNG, b"eXIf", block)):
        header = read_header(tf.constant(content))
        assert (int(header.orientation), header.status.numpy()) == (value, b"ok")
        assert status(content) == expected


@pytest.mark.parametrize("value", [0, 9, 600])
def test_an_orientation_outside_1_to_8_counts_as_none(value):
    assert status(with_exif(JPEG, tiff_orientation(value))) == "ok"


@pytest.mark.parametrize("length", [0, 1, 7, 9, 30])
def test_a_damaged_exif_block_does_no_harm(length):
    block = b"II*\0\xff\xff\xff\x7f" + b"\xff" * 40
    assert status(with_exif(JPEG, block[:length])) == "ok"


def test_many_chunks_are_walked_to_the_end():
    content = PNG
    for _ in range(3000):
        content = content[:33] + chunk(b"tEXt", b"k\0v") + content[33:]
    assert status(content) == "ok"
    assert status(content[:-1]) == "unreadable"


@settings(max_examples=60, deadline=None)
@given(
    runs=st.lists(
        st.tuples(
            st.sampled_from([b"IDAT", b"IDAT", b"tEXt", b"acTL", b"IEND"]),
            st.integers(0, 9),
            st.sampled_from([1, 2, 3, 511, 512, 513, 1100]),
        ),
        max_size=6,
    ),
    cut=st.integers(0, 30),
)
def test_runs_of_chunks_are_passed_as_one_by_one(runs, cut):
    """Chunks of pixels of one length are passed many at once."""
    parts = [(kind, length) for kind, length, count in runs for _ in range(count)]
    content = PNG[:33] + b"".join(chunk(kind, bytes(length)) for kind, length in parts)
    content = content[: len(content) - cut] if cut < len(content) - 33 else content
    at, pixels, animated, ended = 33, False, False, False
    for kind, length in parts:
        if at + 12 > len(content):
            break
        at += 12 + length
        pixels |= kind == b"IDAT"
        animated |= kind == b"acTL"
        if kind == b"IEND" and at <= len(content):
            ended = True
            break
    whole = "unsupported" if animated else "ok"
    assert status(content) == (whole if ended and pixels else "unreadable")


@settings(max_examples=100, deadline=None)
@given(
    base=st.sampled_from([b"", PNG, JPEG, PROGRESSIVE]),
    at=st.integers(0, 800),
    patch=st.binary(max_size=40),
)
def test_no_content_makes_it_fail(base, at, patch):
    content = base[:at] + patch + base[at + len(patch) :]
    assert status(content) in {"ok", "unreadable", "unsupported", "too_large"}
