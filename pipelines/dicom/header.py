"""What a DICOM header says of its pixels, with the standard's defaults for what it leaves out.

Values that make no sense count as missing. An attribute without which nothing sensible is left is
named; text of the file is never repeated.
"""

import re
from dataclasses import dataclass

import pydicom

from pipelines import status as statuses
from pipelines.dicom.numbers import number, numbers, text, whole
from pipelines.film_error import FilmError
from pipelines.sizes import MAX_PIXELS

#: Bits of a word that the decoders know.
_WORDS = (1, 8, 16, 32, 64)
#: Where overlays may say that they lie in bits that the film does not use (PS3.3, C.9.2.1.1).
OVERLAY_POSITIONS = tuple(0x60000102 + (group << 16) for group in range(0, 32, 2))
#: Attributes that are read here.
ATTRIBUTES = (
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation",
    "PresentationLUTShape", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PixelPaddingValue", "PixelPaddingRangeLimit",
)  # fmt: skip


@dataclass(frozen=True)
class ImageHeader:
    """What a header says of one grey image; None where it says nothing that can be.

    Attributes:
        rows: height in pixels.
        columns: width in pixels.
        inverted: whether the least value is white (MONOCHROME1).
        allocated: bits of a word.
        stored: bits of it that are the film's.
        high: the highest of these, counted from 0.
        signed: whether they are in two's complement.
        overlaid: whether an overlay lies in the other bits.
        padding: values that stand for no pixel.
        padding_limit: the other end of a range of them that begins with the first of `padding`.
    """

    rows: int
    columns: int
    inverted: bool
    allocated: int | None
    stored: int | None
    high: int | None
    signed: bool | None
    overlaid: bool
    padding: tuple[int, ...]
    padding_limit: int | None


def read_image_header(dataset: pydicom.Dataset) -> ImageHeader:
    """Read what is needed to decode the pixels of a film.

    Args:
        dataset: holds what is there of `ATTRIBUTES` and `OVERLAY_POSITIONS`.

    Returns:
        The header.

    Raises:
        FilmError: the object is no single grey film of a bearable size, or does not say so.
    """
    rows, columns = (_side(dataset, name) for name in ("Rows", "Columns"))
    if rows * columns > MAX_PIXELS:
        raise FilmError(
            statuses.TOO_LARGE,
            f"{columns} x {rows} pixels exceed the {MAX_PIXELS // 10**6} megapixels that are "
            "read; reduce the film",
        )
    frames = whole(dataset, "NumberOfFrames") or 1
    if frames != 1:
        raise FilmError(
            statuses.UNSUPPORTED, f"the DICOM object holds {frames} frames; export the one film"
        )
    limits = (whole(dataset, "PixelPaddingRangeLimit"),)
    signed = whole(dataset, "PixelRepresentation")
    allocated = whole(dataset, "BitsAllocated")
    return ImageHeader(
        rows,
        columns,
        _inverted(dataset),
        allocated if allocated in _WORDS else None,
        _within(whole(dataset, "BitsStored"), 1, 64),
        _within(whole(dataset, "HighBit"), 0, 63),
        bool(signed) if signed in (0, 1) else None,
        any(_position(dataset, tag) for tag in OVERLAY_POSITIONS),
        tuple(int(each) for each in numbers(dataset, "PixelPaddingValue") if each == int(each)),
        *limits,
    )


def _within(value: int | None, least: int, most: int) -> int | None:
    return value if value is not None and least <= value <= most else None


def _position(dataset: pydicom.Dataset, tag: int) -> int:
    try:
        return int(dataset[tag].value)
    except Exception:  # no such overlay, or it does not say
        return 0


def _side(dataset: pydicom.Dataset, name: str) -> int:
    found = number(dataset, name)
    if found is None or not 1 <= found < 2**16 or found != int(found):
        raise FilmError(
            statuses.UNREADABLE,
            f"the DICOM header does not say how many {name} the film has; export it again",
        )
    return int(found)


def _inverted(dataset: pydicom.Dataset) -> bool:
    """Tell whether the least value is white; FilmError where the image is not grey."""
    samples = whole(dataset, "SamplesPerPixel")
    named = re.sub(r"[^A-Z0-9]", "", text(dataset, "PhotometricInterpretation"))
    if not named and samples in (None, 0, 1):
        # Required beside MONOCHROME1 and 2 in digital radiographs (PS3.3, C.8.11.3).
        named = {"INVERSE": "MONOCHROME1", "IDENTITY": "MONOCHROME2"}.get(
            text(dataset, "PresentationLUTShape"), ""
        )
        if not named:
            raise FilmError(
                statuses.UNSUPPORTED,
                "the DICOM header lacks PhotometricInterpretation, without which nobody can tell "
                "black from white; export the film as MONOCHROME2",
            )
    if samples not in (None, 0, 1) or named not in ("MONOCHROME1", "MONOCHROME2"):
        raise FilmError(
            statuses.UNSUPPORTED,
            "the DICOM image is in colour or of unknown polarity (PhotometricInterpretation, "
            "SamplesPerPixel); export it as MONOCHROME2",
        )
    return named == "MONOCHROME1"
