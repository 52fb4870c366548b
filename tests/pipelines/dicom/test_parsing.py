"""Fragments and ends of compressed pixels: what decoders read is read, what is cut off is not."""

import struct

import numpy as np
import pytest
from pydicom.encaps import generate_frames
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from pipelines.dicom.reading import read_dicom
from pipelines.film_error import FilmError
from tests.pipelines.dicom.test_codings import wrapped
from tests.samples import dicom_bytes, dicom_dataset, encode, ramp
from tools.hostile.jpeg_lossless import jpeg_lossless

GREY = ramp(top=4095, dtype=np.uint16)
ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
END = DELIMITER + bytes(4)


def stream_of(syntax):
    if syntax == JPEGBaseline8Bit:
        return encode(ramp(), "JPEG", quality=95)
    if syntax == JPEGLosslessSV1:
        return jpeg_lossless(GREY, 12)
    dataset = dicom_dataset(GREY, stored_bits=12)
    dataset.compress(syntax)
    return next(generate_frames(dataset.PixelData, number_of_frames=1))


def film(syntax, fragments, end=END, table=b""):
    """The file whose pixels are these fragments, then `end`."""
    pixels = ramp() if syntax == JPEGBaseline8Bit else GREY
    whole = wrapped(pixels, b"\0\0", syntax, 8 if syntax == JPEGBaseline8Bit else 12)
    head = whole[: whole.index(b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff") + 12]
    items = (ITEM + struct.pack("<I", len(each)) + each for each in (table, *fragments))
    return head + b"".join(items) + end


JPEGS = (JPEGBaseline8Bit, JPEGLosslessSV1, JPEG2000Lossless)
STREAMS = {syntax: stream_of(syntax) for syntax in (*JPEGS, RLELossless)}
BARE = {syntax: STREAMS[syntax].rstrip(b"\0") for syntax in JPEGS}
CLEAN = {
    syntax: read_dicom(film(syntax, [stream + bytes(len(stream) % 2)])).pixels
    for syntax, stream in STREAMS.items()
}


def even(part):
    return part + bytes(len(part) % 2)


def halves(stream, at):
    return [stream[:at], stream[at:]]


@pytest.mark.parametrize("syntax", JPEGS, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize(
    "fragments",
    [
        lambda s: [s + bytes(64)],
        lambda s: [s + bytes(4096)],
        lambda s: [s + b"\xff" * 64],
        lambda s: [s + b"padding of another kind " * 9],
        lambda s: [s, b""],
        lambda s: [s, bytes(64)],
        lambda s: [s, b"", b"", bytes(2)],
        lambda s: [b"", s],
        lambda s: halves(s, len(s) - 1),
        lambda s: halves(s, len(s) - 2),
        lambda s: [*halves(s, len(s) - 1), bytes(64), b""],
        lambda s: [s[:99], s[99:200], s[200:]],
    ],
    ids=[
        "64 zeros", "4096 zeros", "64 times FF", "text", "empty fragment", "zero fragment",
        "three of them", "empty first", "mark split", "mark alone", "split and padded", "three",
    ],
)  # fmt: skip
def test_the_end_of_a_stream_wherever_it_lies(syntax, fragments):
    found = read_dicom(film(syntax, fragments(BARE[syntax])))
    np.testing.assert_array_equal(found.pixels, CLEAN[syntax])


@pytest.mark.parametrize("syntax", STREAMS, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize(
    "end",
    [b"", DELIMITER, DELIMITER + b"\xff\xff\xff\xff", DELIMITER + b"\1\0\0\0", b"\xfe", bytes(8)],
    ids=["none", "no length", "undefined length", "a length", "half", "zeros"],
)
def test_the_delimiter_may_be_missing_or_odd(syntax, end):
    found = read_dicom(film(syntax, [even(STREAMS[syntax])], end))
    np.testing.assert_array_equal(found.pixels, CLEAN[syntax])


@pytest.mark.parametrize("syntax", JPEGS, ids=lambda syntax: syntax.name)
def test_a_fragment_without_a_length_and_pixels_without_fragments(syntax):
    stream = even(STREAMS[syntax])
    content = film(syntax, [stream])
    at = content.rindex(ITEM) + 4
    open_ended = content[:at] + b"\xff\xff\xff\xff" + content[at + 4 :]
    np.testing.assert_array_equal(read_dicom(open_ended).pixels, CLEAN[syntax])
    head = content[: content.index(ITEM) - 4]
    bare = head + struct.pack("<I", len(stream)) + stream
    np.testing.assert_array_equal(read_dicom(bare).pixels, CLEAN[syntax])


@pytest.mark.parametrize("syntax", STREAMS, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("missing", [1, 2, 3, 40, 300])
@pytest.mark.parametrize("padding", [b"", bytes(64), b"\xff" * 64])
def test_what_is_cut_off_stays_refused_whatever_is_put_behind_it(syntax, missing, padding):
    stream = STREAMS[syntax] if syntax == RLELossless else BARE[syntax]
    short = stream[: len(stream) - missing - (2 if syntax == RLELossless else 0)]
    for fragments in ([even(short + padding)], [even(short), padding]):
        for end in (END, b""):
            if syntax == RLELossless and padding:
                continue  # no end mark: what follows are pixels, as far as anybody can tell
            with pytest.raises(FilmError) as refusal:
                read_dicom(film(syntax, fragments, end))
            assert refusal.value.status == "unreadable"


@pytest.mark.parametrize("marks", [b"\xff\xd9" * 3, b"\xff\xd8\xff\xd9"])
def test_an_end_mark_in_a_comment_is_not_the_end(marks):
    body = b"\xff\xfe" + struct.pack(">H", len(marks) + 2) + marks
    stream = BARE[JPEGBaseline8Bit]
    stream = stream[:2] + body + stream[2:]
    found = read_dicom(film(JPEGBaseline8Bit, [even(stream)]))
    np.testing.assert_array_equal(found.pixels, CLEAN[JPEGBaseline8Bit])
    with pytest.raises(FilmError, match="cut off"):
        read_dicom(film(JPEGBaseline8Bit, [even(stream[:-30])]))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, *STREAMS])
def test_a_file_that_ends_within_its_pixels_says_so(syntax):
    if syntax in STREAMS:
        content = film(syntax, [even(STREAMS[syntax])])
        start, end = content.rindex(ITEM) - 8, len(content) - 12
    else:
        dataset = dicom_dataset(GREY, stored_bits=12)
        dataset.file_meta.TransferSyntaxUID = syntax
        content = dicom_bytes(dataset)
        start, end = len(content) - 2 * GREY.size, len(content) - 1
    for cut in {*range(start, end, 97), end}:
        with pytest.raises(FilmError, match="cut off") as refusal:
            read_dicom(content[:cut])
        assert refusal.value.status == "unreadable"


def test_a_file_that_ends_within_an_attribute_says_so():
    dataset = dicom_dataset(GREY, stored_bits=12)
    content = dicom_bytes(dataset)
    at = content.index(b"MONOCHROME2")
    with pytest.raises(FilmError, match="cut off: it ends before its pixels") as refusal:
        read_dicom(content[: at + 4])
    assert refusal.value.status == "unreadable"


def test_several_frames_that_the_header_conceals():
    two = [even(STREAMS[JPEGBaseline8Bit])] * 2
    with pytest.raises(FilmError, match="several frames") as refusal:
        read_dicom(film(JPEGBaseline8Bit, two))
    assert refusal.value.status == "unsupported"


def test_the_magic_bytes_may_stand_at_the_very_beginning():
    content = dicom_bytes(dicom_dataset(GREY, stored_bits=12))
    np.testing.assert_array_equal(read_dicom(content[128:]).pixels, read_dicom(content).pixels)
