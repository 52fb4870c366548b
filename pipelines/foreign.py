"""Tell by its first bytes what a file is that is no image, and what to do about it."""

import re
from typing import NamedTuple

from pipelines import status as statuses

#: Bytes that are looked at.
HEAD = 2048
_NAME_A_FILM = "name a PNG, JPEG, DICOM or raw JSRT file"
_EXPORT = "export the film as DICOM or PNG"
_UNPACK = "unpack it first"


class Foreign(NamedTuple):
    """A file that is no film.

    Attributes:
        status: `unreadable` for what is no image at all, `unsupported` for other data.
        message: one line: what it is, and the remedy.
    """

    status: str
    message: str


#: Offset, magic bytes, what it is, and the remedy.
_MAGIC = (
    (0, b"PK\x03\x04", "a ZIP archive", _UNPACK),
    (0, b"PK\x05\x06", "an empty ZIP archive", "fetch it again"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"\x1f\x8b", "a gzip file within another", _UNPACK),
    (0, b"BZh", "a bzip2 file", _UNPACK),
    (0, b"\xfd7zXZ\x00", "an xz file", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard file", _UNPACK),
    (344, b"n+1\x00", "a NIfTI file", _EXPORT),
    (344, b"ni1\x00", "the header of a NIfTI pair", _EXPORT),
    (4, b"n+2\x00\r\n\x1a\n", "a NIfTI-2 file", _EXPORT),
    (4, b"ni2\x00\r\n\x1a\n", "the header of a NIfTI-2 pair", _EXPORT),
    (0, b"NRRD000", "an NRRD file", _EXPORT),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", _EXPORT),
    (0, b"\x93NUMPY", "a NumPy array", "give it to Python's cxr_tf.load(…).score as an array"),
    (0, b"\xff\x0a", "a JPEG XL file", "convert to PNG"),
    (0, b"%PDF-", "a PDF file", _EXPORT),
    (0, b"%!PS", "a PostScript file", _EXPORT),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document", _EXPORT),
    (0, b"SQLite format 3\x00", "a database", _EXPORT),
)  # fmt: skip
#: The length of their header is the first number of Analyze 7.5 and NIfTI-1 headers.
_ANALYZE = ((348).to_bytes(4, "little"), (348).to_bytes(4, "big"))
_ANALYZE_BYTES = 348
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body|script|meta)\b", re.IGNORECASE)
_LFS = b"version https://git-lfs.github.com/spec/"
_ANNEX = re.compile(rb"(\.\./)*(\.git/annex/|/?annex/objects/)")


def recognise(content: bytes) -> Foreign | None:
    """Tell what a file is that has the marks of no image.

    Args:
        content: the file, or its first `HEAD` bytes.

    Returns:
        What it is; None where that is not known, or it may be a film without marks.
    """
    head = content[:HEAD]
    for offset, magic, named, remedy in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return Foreign(statuses.UNSUPPORTED, f"this is {named}, which is not read; {remedy}")
    if head[:4] in _ANALYZE and len(content) >= _ANALYZE_BYTES:
        return Foreign(
            statuses.UNSUPPORTED, f"this is the header of an Analyze file, not read; {_EXPORT}"
        )
    return _text(head)


def _text(head: bytes) -> Foreign | None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) and b"\0" in head:
        head = head.decode("utf-16", "ignore").encode()
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if bare.startswith(_LFS):
        return _no_image("a Git LFS pointer, not the file itself", "fetch it by `git lfs pull`")
    if _ANNEX.match(bare):
        return _no_image("a git-annex pointer, not the file itself", "fetch it by `git annex get`")
    if not _is_text(head):
        return None
    if _HTML.search(bare):
        return _no_image(
            "a web page (HTML), such as a login or error page",
            "fetch the film again, signed in if need be",
        )
    if bare.startswith(b"<"):
        return _no_image("XML text, such as a server's error", "fetch the film again")
    if bare[:1] in (b"{", b"["):
        return _no_image("JSON text, such as a server's answer", "fetch the film again")
    return _no_image("text", _NAME_A_FILM)


def _no_image(named: str, remedy: str) -> Foreign:
    return Foreign(statuses.UNREADABLE, f"this is no image but {named}; {remedy}")


def _is_text(head: bytes) -> bool:
    """Whether there are only characters that text has."""
    if not head.strip() or re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", head):
        return False
    try:
        head[:-3].decode()  # the last character may be cut
    except UnicodeDecodeError:
        return sum(byte >= 0x80 for byte in head) < len(head) / 10  # Latin-1
    return True
