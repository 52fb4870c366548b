"""The compressed streams of DICOM: what they are, and whether they are whole.

Decoders fill up what is missing, so a stream is followed to its end mark. No coded data look like
that mark: in JPEG a byte 0xFF is followed by 0x00, in JPEG-LS and JPEG 2000 by less than 0x90
(T.81, B.1.1.5; T.87, C.1; T.800, B.10.1). Segments that may hold anything are stepped over.
"""

import re
from typing import NamedTuple

JPEG, JPEG_LS, JPEG_2000, JPEG_XL, RLE = "JPEG", "JPEG-LS", "JPEG 2000", "JPEG XL", "RLE"

#: A mark of a segment: no stuffed byte, no fill byte, no restart mark.
_MARK = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")
_END = b"\xff\xd9"
_START_OF_TILE, _START_OF_DATA = b"\xff\x90", b"\xff\x93"
_JPEG_2000_START = b"\xff\x4f\xff\x51"
_BOXES = (b"\x00\x00\x00\x0cjP  ", JPEG_2000), (b"\x00\x00\x00\x0cJXL ", JPEG_XL)
_JPEG_LS_FRAME = 0xF7
#: More segments, and parts of tiles, than any film has.
_MAX_SEGMENTS = 100_000


class Stream(NamedTuple):
    """What the beginning of a stream says, and where it ends.

    Attributes:
        kind: `JPEG`, `JPEG-LS`, `JPEG 2000`, `JPEG XL` or `RLE`.
        end: bytes up to and with the end mark; 0 where it is missing. All bytes of a kind that
            has no end mark.
        precision: bits of a sample, 0 where it is not told.
        size: rows and columns, 0 where they are not told.
        components: colours, 0 where they are not told.
        signed: whether samples are in two's complement; None where the stream does not tell.
    """

    kind: str
    end: int
    precision: int = 0
    size: tuple[int, int] = (0, 0)
    components: int = 0
    signed: bool | None = None


def read_stream(data: bytes) -> Stream | None:
    """Tell what a compressed stream is, and follow it to its end.

    Args:
        data: the fragments of one frame, joined.

    Returns:
        What was found; None where no coding is recognised.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return _read_jpeg(data)
    for box, kind in _BOXES:
        if data.startswith(box):
            start = data.find(_JPEG_2000_START) if kind == JPEG_2000 else -1
            return _read_jpeg_2000(data, start) if start > 0 else Stream(kind, 0)
    if data.startswith(_JPEG_2000_START):
        return _read_jpeg_2000(data, 0)
    if data.startswith(b"\xff\x0a"):
        return Stream(JPEG_XL, len(data))
    return Stream(RLE, len(data)) if _is_rle(data) else None


def _read_jpeg(data: bytes) -> Stream:
    """Walk the segments of JPEG and JPEG-LS from SOI to EOI (T.81, annex B; T.87, annex C)."""
    found, at = Stream(JPEG, 0), 2
    for _ in range(_MAX_SEGMENTS):
        mark = _MARK.search(data, at)
        if mark is None:
            break
        code, at = data[mark.start() + 1], mark.end()
        if code == 0xD9:
            return found._replace(end=at)
        if code == 0xD8:
            continue
        if (0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC)) or code == _JPEG_LS_FRAME:
            kind = JPEG_LS if code == _JPEG_LS_FRAME else JPEG
            size = (_number(data, at + 3, 2), _number(data, at + 5, 2))
            found = Stream(kind, 0, _number(data, at + 2, 1), size, _number(data, at + 7, 1))
        at += max(_number(data, at, 2), 2)
    return found


def _read_jpeg_2000(data: bytes, start: int) -> Stream:
    """Walk the parts of the tiles from SOC to EOC (T.800, annex A)."""
    size = start + 2  # of the image, the first segment
    width, height, left, top = (_number(data, size + place, 4) for place in (6, 10, 14, 18))
    components, depth = _number(data, size + 38, 2), _number(data, size + 40, 1)
    at = size
    while data[at : at + 1] == b"\xff" and data[at : at + 2] != _START_OF_TILE:
        at += 2 + max(_number(data, at + 2, 2), 2)
    sides = (height - top, width - left)
    found = Stream(JPEG_2000, 0, (depth & 127) + 1, sides, components, bool(depth >> 7))
    if data[at : at + 2] != _START_OF_TILE:
        return found
    first = data.find(_START_OF_DATA, at)
    for _ in range(_MAX_SEGMENTS):
        length = _number(data, at + 6, 4)
        at += length
        if at >= len(data):
            return found
        if length < 12 or data[at : at + 2] not in (_START_OF_TILE, _END):
            at = data.find(_END, first) if first >= 0 else -1  # the length is none, or a lie
        if data[at : at + 2] == _END and at > 0:
            return found._replace(end=at + 2)
        if at < 0:
            return found
    return found


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size])


def _is_rle(data: bytes) -> bool:
    """Tell RLE by the header of its segments (PS3.5, G.5)."""
    header = [int.from_bytes(data[at : at + 4], "little") for at in range(0, 64, 4)]
    count, offsets = header[0], header[1:]
    return (
        len(data) >= 64
        and 1 <= count <= 15
        and offsets[0] == 64
        and offsets[:count] == sorted(offsets[:count])
        and not any(offsets[count:])
    )
