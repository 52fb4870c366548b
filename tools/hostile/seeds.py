"""Small good films in every format that is read, from phantoms: what `fuzz` damages."""

import struct
import tempfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pydicom
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from tools.hostile.jpeg_lossless import jpeg_lossless
from tools.phantoms.chest import phantom
from tools.phantoms.files import eight_bit, write_dicom

#: Side in pixels: the least that a phantom has, so that many files can be tried.
SIZE = 64


class Seed(NamedTuple):
    """A film's file.

    Attributes:
        suffix: of its name.
        content: its bytes.
        readable: False for what is refused although it is whole.
    """

    suffix: str
    content: bytes
    readable: bool = True


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    """Encode a picture by Pillow.

    Args:
        image: The picture.
        form: Pillow's name of the format.
        **options: Of its writer.

    Returns:
        The content of the file.
    """
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def chunk(name: bytes, data: bytes = b"") -> bytes:
    """Make one chunk of a PNG.

    Args:
        name: Four letters.
        data: What it holds.
    """
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(
    height: int, width: int, scanlines: bytes, depth: int, colour: int = 0, interlace: int = 0
) -> bytes:
    """Make a PNG of ready scan lines, which need not fit the header.

    Args:
        height: Rows that the header names.
        width: Columns that the header names.
        scanlines: Each behind its filter byte.
        depth: Bits a sample.
        colour: Type of colour, 0 grey.
        interlace: 1 for Adam7.
    """
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    data = zlib.compress(scanlines, 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND")


def _interlaced(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Write a PNG in the seven passes of Adam7 (PNG specification, section 8.2)."""
    passes = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2))
    lines = b""
    for top, down, left, right in (*passes, (1, 2, 0, 1)):
        lines += b"".join(b"\0" + row.tobytes() for row in pixels[top::down, left::right])
    height, width = pixels.shape
    return png(height, width, lines, 8, interlace=1)


def _pictures(deep: npt.NDArray[np.uint16]) -> dict[str, Seed]:
    grey = Image.fromarray(eight_bit(deep))
    colour = Image.merge("RGB", [grey, grey.rotate(90), grey])
    alpha = colour.convert("RGBA")
    pngs = {
        "PNG 8 bit": encoded(grey, "PNG"),
        "PNG 16 bit": encoded(Image.fromarray(deep), "PNG"),
        "PNG palette": encoded(colour.quantize(16), "PNG"),
        "PNG RGBA": encoded(alpha, "PNG"),
        "PNG 1 bit": encoded(grey.convert("1"), "PNG"),
        "PNG interlaced": _interlaced(eight_bit(deep)),
    }
    jpegs = {
        "JPEG grey": encoded(grey, "JPEG"),
        "JPEG colour": encoded(colour, "JPEG"),
        "JPEG progressive": encoded(colour, "JPEG", progressive=True),
    }
    return {name: Seed(".png", content) for name, content in pngs.items()} | {
        name: Seed(".jpg", content) for name, content in jpegs.items()
    }


def _saved(dataset: pydicom.Dataset, syntax: str) -> bytes:
    file = BytesIO()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _objects(deep: npt.NDArray[np.uint16]) -> dict[str, Seed]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.dcm"
        write_dicom(path, deep, key="hostile seed")
        plain = path.read_bytes()

    twelve_bit = (deep >> 4).astype(np.uint16)

    def fresh() -> pydicom.Dataset:
        read = pydicom.dcmread(BytesIO(plain))
        dataset = pydicom.Dataset({element.tag: element for element in read})
        dataset.file_meta = read.file_meta
        return dataset

    def wrapped(stream: bytes, syntax: str) -> bytes:
        dataset = fresh()
        dataset.PixelData = encapsulate([stream])
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
        return _saved(dataset, syntax)

    def compressed(syntax: str) -> bytes:
        dataset = fresh()
        dataset.compress(syntax)
        return _saved(dataset, syntax)

    swapped = fresh()
    swapped.PixelData = swapped.pixel_array.byteswap().tobytes()
    grey = fresh()
    grey.BitsAllocated = grey.BitsStored = 8
    grey.HighBit = 7
    grey.PixelData = encapsulate([encoded(Image.fromarray(eight_bit(deep)), "JPEG")])
    grey["PixelData"].VR, grey["PixelData"].is_undefined_length = "OB", True
    frames = fresh()
    frames.NumberOfFrames, frames.PixelData = 2, 2 * frames.PixelData
    contents = {
        "DICOM explicit": plain,
        "DICOM implicit": _saved(fresh(), ImplicitVRLittleEndian),
        "DICOM big endian": _saved(swapped, ExplicitVRBigEndian),
        "DICOM deflated": _saved(fresh(), DeflatedExplicitVRLittleEndian),
        "DICOM RLE": compressed(RLELossless),
        "DICOM JPEG 2000": compressed(JPEG2000Lossless),
        "DICOM JPEG lossless": wrapped(jpeg_lossless(twelve_bit, 12), JPEGLosslessSV1),
        "DICOM JPEG baseline": _saved(grey, JPEGBaseline8Bit),
    }
    return {name: Seed(".dcm", content) for name, content in contents.items()} | {
        "DICOM two frames": Seed(".dcm", _saved(frames, ExplicitVRLittleEndian), readable=False)
    }


def seeds() -> dict[str, Seed]:
    """Make the films: deterministic, a few kB each but for the raw JSRT film of 8 MiB.

    Returns:
        Files by the name of their format.
    """
    deep = phantom("normal", np.random.default_rng(0), SIZE).pixels
    raw = np.kron(4095 - (deep >> 4), np.ones((2048 // SIZE,) * 2, np.uint16))
    return {
        **_pictures(deep),
        **_objects(deep),
        "JSRT raw": Seed(".img", raw.astype(">u2").tobytes()),
    }
