"""Small files that ask for much memory, time or depth: decompression bombs and lying headers."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pydicom
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from tools.hostile.seeds import Seed, chunk, encoded, png, seeds

_SIDE = 8000  # squared: the 64 megapixels that are still read
_MIB = 1 << 20


def _zeros(size: int) -> bytes:
    """Compresses zeros without holding them, as a stream of zlib."""
    packer = zlib.compressobj(9)
    part = bytes(_MIB)
    return b"".join([*(packer.compress(part) for _ in range(size // _MIB)), packer.flush()])


def _png_of_zeros(side: int, depth: int, colour: int, size: int) -> bytes:
    """Make a PNG whose header names one size and whose pixels have another."""
    whole = png(side, side, b"", depth, colour)
    start = whole.index(b"IDAT") - 4
    return whole[:start] + chunk(b"IDAT", _zeros(size)) + chunk(b"IEND")


def _with_chunk(name: bytes, data: bytes) -> bytes:
    whole = seeds()["PNG 8 bit"].content
    return whole[:33] + chunk(name, data) + whole[33:]


def _resized_jpeg(content: bytes, height: int, width: int) -> bytes:
    """Make a JPEG whose frame header names another size."""
    for mark in (b"\xff\xc0", b"\xff\xc2", b"\xff\xc3"):
        if (at := content.find(mark)) >= 0:
            return content[: at + 5] + struct.pack(">HH", height, width) + content[at + 9 :]
    raise ValueError("the JPEG has no frame header")


def scans(count: int, side: int = _SIDE) -> bytes:
    """Make a progressive JPEG that goes over the whole film again and again.

    Args:
        count: Scans.
        side: Height and width.

    Returns:
        The content of the file.
    """
    grey = Image.fromarray(np.full((side, side), 77, np.uint8))
    content = encoded(grey, "JPEG", progressive=True)
    last, end = content.rindex(b"\xff\xda"), content.rindex(b"\xff\xd9")
    more = count - content.count(b"\xff\xda")
    return content[:end] + content[last:end] * more + content[end:]


def _object(name: str) -> pydicom.Dataset:
    return pydicom.dcmread(BytesIO(seeds()[name].content))


def _written(dataset: pydicom.Dataset) -> bytes:
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _lying_stream(name: str, change: Callable[[bytes], bytes], side: int | None = None) -> bytes:
    """Make a DICOM object whose compressed stream was changed, and its header perhaps too."""
    dataset = _object(name)
    stream = next(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1))
    dataset.PixelData = encapsulate([change(stream)])
    if side:
        dataset.Rows = dataset.Columns = side
    return _written(dataset)


def _larger_jpeg2000(stream: bytes) -> bytes:
    at = stream.index(b"\xff\x51") + 6
    sizes = list(struct.unpack(">8I", stream[at : at + 32]))
    sizes[0] = sizes[1] = sizes[4] = sizes[5] = 60000  # of the image and of its tiles
    return stream[:at] + struct.pack(">8I", *sizes) + stream[at + 32 :]


def _deflated(size: int) -> bytes:
    """Make a deflated object with one private element of zeros."""
    dataset = _object("DICOM explicit")
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    head = _written(dataset)
    head = head[: 144 + struct.unpack("<I", head[140:144])[0]]
    packer = zlib.compressobj(9, wbits=-15)
    start = packer.compress(struct.pack("<HH2sHI", 9, 0x1001, b"OB", 0, size))
    start += packer.flush(zlib.Z_FULL_FLUSH)  # from here on, equal parts are coded alike
    part = packer.compress(bytes(_MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + start + part * (size // _MIB) + packer.flush()


def _declared(length: int) -> bytes:
    whole = seeds()["DICOM explicit"].content
    at = whole.rindex(b"\xe0\x7f\x10\x00OW\0\0") + 8
    return whole[:at] + struct.pack("<I", length) + whole[at + 4 :]


def _nested(depth: int) -> bytes:
    whole = seeds()["DICOM explicit"].content
    start = whole.rindex(b"\xe0\x7f\x10\x00OW\0\0")
    level = struct.pack("<HH2sHI", 0x28, 0x3010, b"SQ", 0, 2**32 - 1)
    level += struct.pack("<HHI", 0xFFFE, 0xE000, 2**32 - 1)
    return whole[:start] + level * depth + whole[start:]


def _fragments(count: int) -> bytes:
    dataset = _object("DICOM RLE")
    whole = _written(dataset)
    end = whole.rindex(b"\xfe\xff\xdd\xe0")
    return whole[:end] + b"\xfe\xff\x00\xe0\0\0\0\0" * count + whole[end:]


def _wrapped(stream: bytes, syntax: str) -> bytes:
    dataset = _object("DICOM JPEG baseline")
    dataset.PixelData = encapsulate([stream])
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return _written(dataset)


#: By name: suffix, and what makes the file.
BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "PNG: 64 megapixels of zeros": (".png", lambda: _png_of_zeros(_SIDE, 8, 0, 65 * _MIB)),
    "PNG: 64 megapixels, four channels of 16 bit": (
        ".png", lambda: _png_of_zeros(_SIDE, 16, 6, 490 * _MIB),
    ),
    "PNG: 60000 x 60000": (".png", lambda: _png_of_zeros(60000, 8, 0, _MIB)),
    "PNG: 64 x 64 with 1 GiB of pixels": (".png", lambda: _png_of_zeros(64, 8, 0, 1024 * _MIB)),
    "PNG: text of 1 GiB": (
        ".png", lambda: _with_chunk(b"zTXt", b"text\0\0" + _zeros(1024 * _MIB)),
    ),
    "PNG: colour profile of 1 GiB": (
        ".png", lambda: _with_chunk(b"iCCP", b"profile\0\0" + _zeros(1024 * _MIB)),
    ),
    "PNG: 200,000 empty chunks": (
        ".png", lambda: _png_of_zeros(64, 8, 0, _MIB)[:33] + chunk(b"noTh") * 200_000,
    ),
    "JPEG: 65500 x 65500": (
        ".jpg", lambda: _resized_jpeg(seeds()["JPEG grey"].content, 65500, 65500),
    ),
    "JPEG: 8000 x 8000 without their data": (
        ".jpg", lambda: _resized_jpeg(seeds()["JPEG grey"].content, _SIDE, _SIDE),
    ),
    "JPEG: 64 megapixels, 100 scans": (".jpg", lambda: scans(100)),
    "JPEG: 64 megapixels, 5,000 scans": (".jpg", lambda: scans(5000)),
    "JPEG: 64 MiB of 0xFF": (".jpg", lambda: b"\xff\xd8" + b"\xff" * (64 * _MIB)),
    "JPEG: 64 MiB of empty segments": (
        ".jpg", lambda: b"\xff\xd8" + b"\xff\xe1\0\2" * (16 * _MIB),
    ),
    "DICOM: deflated zeros, 4 GiB": (".dcm", lambda: _deflated(4095 * _MIB)),
    "DICOM: pixels of 4 GiB declared": (".dcm", lambda: _declared(2**32 - 2)),
    "DICOM: pixels of unknown length declared": (".dcm", lambda: _declared(2**32 - 1)),
    "DICOM: 50,000 sequences in each other": (".dcm", lambda: _nested(50_000)),
    "DICOM: a million fragments": (".dcm", lambda: _fragments(1_000_000)),
    "DICOM JPEG 2000: 60000 x 60000 in the stream": (
        ".dcm", lambda: _lying_stream("DICOM JPEG 2000", _larger_jpeg2000),
    ),
    "DICOM JPEG lossless: 65535 x 65535 in the stream": (
        ".dcm",
        lambda: _lying_stream(
            "DICOM JPEG lossless", lambda stream: _resized_jpeg(stream, 65535, 65535)
        ),
    ),
    "DICOM JPEG lossless: 8000 x 8000 without their data": (
        ".dcm",
        lambda: _lying_stream(
            "DICOM JPEG lossless", lambda stream: _resized_jpeg(stream, _SIDE, _SIDE), _SIDE
        ),
    ),
    "DICOM JPEG: 5,000 scans": (".dcm", lambda: _wrapped(scans(5000), JPEGBaseline8Bit)),
    "DICOM RLE that is JPEG lossless": (
        ".dcm", lambda: _wrapped(seeds()["JPEG grey"].content, RLELossless),
    ),
    "DICOM JPEG 2000 that is JPEG": (
        ".dcm", lambda: _wrapped(seeds()["JPEG grey"].content, JPEG2000Lossless),
    ),
    "DICOM JPEG lossless that is progressive": (
        ".dcm", lambda: _wrapped(seeds()["JPEG progressive"].content, JPEGLosslessSV1),
    ),
}  # fmt: skip


def bomb(name: str) -> Seed:
    """Make one of `BOMBS`.

    Args:
        name: Its name there.

    Returns:
        The file; whether it is read is not said.
    """
    suffix, make = BOMBS[name]
    return Seed(suffix, make(), readable=False)
