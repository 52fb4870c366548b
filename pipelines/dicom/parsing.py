"""Parse a DICOM file up to its pixels, whether or not it is whole."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, NamedTuple

import pydicom
from pydicom.config import logger, strict_reading
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import RawDataElement
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from pipelines import status as statuses
from pipelines.dicom import frontal, header, luts
from pipelines.dicom.streams import read_stream
from pipelines.film_error import FilmError

_TAGS: list[str | int] = [
    *header.ATTRIBUTES, *header.OVERLAY_POSITIONS, *luts.ATTRIBUTES, *frontal.ATTRIBUTES,
]  # fmt: skip
#: FloatPixelData, DoubleFloatPixelData and PixelData.
_PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_UNDEFINED = 0xFFFFFFFF
#: How a table of offsets begins: with the offset 0, or not at all.
_TABLES = (b"", bytes(4))
_MAGIC, _MAGIC_AT = b"DICM", 128
_LOCK = threading.Lock()


class Pixels(NamedTuple):
    """The element that holds the pixels.

    Attributes:
        keyword: of the element.
        vr: its value representation, '' in implicit coding.
        stated: bytes that it says to have; None where it does not (undefined length).
        data: what there is of them; where the length is undefined, all up to the end of the file.
    """

    keyword: str
    vr: str
    stated: int | None
    data: memoryview


class Parsed(NamedTuple):
    """An object taken apart.

    Attributes:
        dataset: what is there of the attributes that are read.
        syntax: the transfer syntax; guessed where the object does not name one.
        pixels: None where there are none.
    """

    dataset: pydicom.Dataset
    syntax: UID
    pixels: Pixels | None


@contextmanager
def quiet() -> Iterator[None]:
    """Silence pydicom, whose warnings may quote the file.

    That changes the state of the whole process, hence the lock; pydicom's work would hold the
    interpreter's own lock anyway.
    """
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        disabled, logger.disabled = logger.disabled, True
        try:
            yield
        finally:
            logger.disabled = disabled


def is_dicom(content: bytes) -> bool:
    """Tell a DICOM file by its magic bytes, with or without the preamble before them.

    Args:
        content: at least the first 132 bytes.

    Returns:
        Whether they are there.
    """
    return content[_MAGIC_AT : _MAGIC_AT + 4] == _MAGIC or content[:4] == _MAGIC


def parse(content: bytes) -> Parsed:
    """Take an object apart; its pixels are not decoded, and what follows them is not read.

    Args:
        content: the whole file.

    Returns:
        The parts.

    Raises:
        FilmError: the file ends before its pixels, is no DICOM file, or holds no image.
    """
    whole = content[4:] if content[:4] == _MAGIC else content
    file = BytesIO(whole)
    try:
        with strict_reading():
            dataset = _read(file)
    except EOFError:
        raise _ended(content, "before its pixels") from None
    except Exception:  # strictness has more reasons than the end of the file
        file = BytesIO(whole)
        dataset = _read(file)
    buffer = dataset.buffer or file  # that of a deflated object is another
    at = buffer.tell()
    buffer.seek(0)
    body = buffer.read()
    pixels = _pixels(body, at, dataset.original_encoding[1] is not False)
    if pixels is None:
        _refuse_without(dataset, content, cut_off=at > len(body) or _is_short(dataset))
    return Parsed(dataset, _syntax(dataset), pixels)


def join_fragments(data: memoryview) -> tuple[bytes, bool] | None:
    """Join the fragments of compressed pixels (PS3.5, A.4).

    The first item, a table of offsets, is left out, unless it is the film. Neither a
    missing delimiter nor a last fragment without a length is a fault here: the stream itself says
    whether it is whole.

    Args:
        data: the value of the element.

    Returns:
        The stream, and whether a fragment ends behind the file; None where it has no fragments.
    """
    if data[:4] != _ITEM:
        return None
    parts, at, short = [], 0, False
    while data[at : at + 4] == _ITEM and len(data) >= at + 8:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if length == _UNDEFINED:
            rest = bytes(data[at + 8 :])
            end = rest.rfind(_DELIMITER)
            parts.append(rest if end < 0 else rest[:end])
            break
        short = at + 8 + length > len(data)
        parts.append(bytes(data[at + 8 : at + 8 + length]))
        at += 8 + length
    first = bytes(parts[0]) if parts else b""
    is_film = read_stream(first) is not None or (len(parts) == 1 and first[:4] not in _TABLES)
    return b"".join(parts if is_film else parts[1:]), short


def _read(file: BytesIO) -> pydicom.FileDataset:
    tags: list[BaseTag | int] = [Tag(tag) for tag in _TAGS]
    return read_partial(
        file, stop_when=lambda tag, *_: tag in _PIXELS, force=True, specific_tags=tags
    )


def _syntax(dataset: pydicom.FileDataset) -> UID:
    try:
        named = UID(str(dataset.file_meta.get("TransferSyntaxUID") or "").strip(" \0"))
    except Exception:  # whatever stands there instead
        named = UID("")
    if named:
        return named
    implicit, little = dataset.original_encoding  # written without the Part 10 header
    explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    return UID(ImplicitVRLittleEndian if implicit else explicit)


def _pixels(body: bytes, at: int, little: bool) -> Pixels | None:
    """Read the head of the element at which the parser stopped."""
    order = "little" if little else "big"
    group, element = (
        int.from_bytes(body[at + place : at + place + 2], order)  # type: ignore[arg-type]
        for place in (0, 2)
    )
    tag = group << 16 | element
    if tag not in _PIXELS or len(body) < at + 8:
        return None
    vr = body[at + 4 : at + 6]
    explicit = vr.isalpha() and vr.isupper()
    place = at + 8 if explicit and vr in (b"OB", b"OW", b"OF", b"OD", b"UN", b"OL") else at + 4
    short = explicit and place == at + 4  # a length of two bytes, by a writer that erred
    value = body[at + 6 : at + 8] if short else body[place : place + 4]
    stated = int.from_bytes(value, order)  # type: ignore[arg-type]
    data = memoryview(body)[place + 4 :]
    name = vr.decode() if explicit else ""
    if stated == _UNDEFINED:
        return Pixels(keyword_for_tag(tag), name, None, data)
    return Pixels(keyword_for_tag(tag), name, stated, data[:stated])


def _is_short(dataset: pydicom.Dataset) -> bool:
    """Whether the file ends within the last attribute that was read."""
    for tag in dataset.keys():
        element: Any = dataset.get_item(tag)  # raw, whatever pydicom's annotation says
        if isinstance(element, RawDataElement) and element.value is not None:
            if element.length not in (_UNDEFINED, len(element.value)):
                return True
    return False


def _refuse_without(dataset: pydicom.FileDataset, content: bytes, cut_off: bool) -> None:
    """Say why an object has no pixels; FilmError."""
    if reason := frontal.reason_against(dataset):
        raise FilmError(statuses.NOT_CHEST_FILM, reason)
    if cut_off or "Rows" in dataset:
        raise _ended(content, "before its pixels")
    if not is_dicom(content) and not len(dataset):
        raise FilmError(
            statuses.UNREADABLE, "this is no DICOM file, nor an image of another kind that is known"
        )
    raise FilmError(
        statuses.UNSUPPORTED,
        "the DICOM object holds no image, or its file is cut off; give the object with the film",
    )


def _ended(content: bytes, where: str) -> FilmError:
    if not is_dicom(content):
        return FilmError(
            statuses.UNREADABLE, "this is no DICOM file, or one that is cut off; fetch it again"
        )
    return FilmError(
        statuses.UNREADABLE, f"the DICOM file is cut off: it ends {where}; fetch it again"
    )
