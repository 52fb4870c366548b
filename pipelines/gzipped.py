"""Unpack a gzipped film within bounds."""

import zlib
from pathlib import PurePosixPath

from pipelines import status as statuses
from pipelines.film_error import FilmError

MAGIC = b"\x1f\x8b"
SUFFIX = ".gz"
#: No more is unpacked: 64 megapixels of 32 bits.
MAX_BYTES = 256 << 20
_GZIP = 31  # header and check sum of gzip, the largest window
_MAX_MEMBERS = 1000


def unpack(content: bytes) -> bytes:
    """Unpack a gzip file.

    Args:
        content: the whole file.

    Returns:
        What it holds, all its members joined.

    Raises:
        FilmError: it is cut off, damaged, or holds more than `MAX_BYTES`.
    """
    parts, room = [], MAX_BYTES + 1
    try:
        for _ in range(_MAX_MEMBERS):
            member = zlib.decompressobj(_GZIP)
            part = member.decompress(content, room)
            parts.append(part)
            room -= len(part)
            if room <= 0:
                raise FilmError(
                    statuses.TOO_LARGE,
                    f"the gzip file holds more than {MAX_BYTES >> 20} MiB; unpack it yourself",
                )
            if not member.eof:
                raise FilmError(statuses.UNREADABLE, "the gzip file is cut off; fetch it again")
            content = member.unused_data
            if not content.startswith(MAGIC):  # padding may follow the last member
                break
    except zlib.error:
        raise FilmError(statuses.UNREADABLE, "the gzip file is damaged; fetch it again") from None
    return b"".join(parts)


def suffix_of(name: str) -> str:
    """Give the suffix of a file's name, with the one before .gz.

    Args:
        name: of a file, or its path or address.

    Returns:
        Such as `.dcm` or `.dcm.gz`, lower case; '' where there is none.
    """
    path = PurePosixPath(name.lower())
    return "".join(path.suffixes[-2:]) if path.suffix == SUFFIX else path.suffix
