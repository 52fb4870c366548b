"""Decode the pixels of a DICOM object to words, as they are stored."""

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian

from pipelines import status as statuses
from pipelines.dicom import codings, streams
from pipelines.dicom.header import ImageHeader
from pipelines.dicom.parsing import Pixels, join_fragments
from pipelines.dicom.syntaxes import PLAIN
from pipelines.film_error import FilmError

_FLOATS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}
_CUT_OFF = "the DICOM file is cut off within its pixels; fetch it again"


def decode(header: ImageHeader, syntax: UID, pixels: Pixels) -> npt.NDArray[np.generic]:
    """Decode the pixels of a film; bits are neither masked nor shifted.

    Args:
        header: of the image.
        syntax: transfer syntax of the object.
        pixels: the element that holds them.

    Returns:
        Words [H, W], signed where the header says so, or floats.

    Raises:
        FilmError: the pixels are cut off, damaged, not those that the header describes, or of a
            coding that nothing here decodes.
    """
    promised = codings.family(syntax)
    joined = join_fragments(pixels.data)
    if promised == PLAIN and str(syntax) != codings.WRAPPED:
        return _decode_plain(header, syntax, pixels)
    data, short = joined if joined is not None else (bytes(pixels.data), _is_short(pixels))
    if promised == PLAIN:
        wrapped = Pixels(pixels.keyword, "OW", len(data), memoryview(data))
        if short:
            raise FilmError(statuses.UNREADABLE, _CUT_OFF)
        return _decode_plain(header, ExplicitVRLittleEndian, wrapped)
    found = streams.read_stream(data)
    if found is None and len(data) >= _plain_bytes(header) > 0 and _may_be_plain(header, data):
        raise codings.mismatch(syntax, PLAIN)
    if found is None and promised != streams.RLE and len(data) > 64 and not short:
        raise FilmError(
            statuses.UNREADABLE,
            f"the DICOM header names the coding {codings.name(syntax)}, but the pixels do not "
            "begin as that does; fetch or export the film again",
        )
    if found is not None and found.kind == streams.JPEG_XL:
        raise codings.mismatch(syntax, found.kind)
    if found is None or not found.end or (short and found.kind == streams.RLE):
        raise FilmError(statuses.UNREADABLE, _CUT_OFF)
    return _decode_stream(header, syntax, data, found, promised)


def _container(bits: int | None) -> int:
    """Bits of the word that holds so many."""
    return 8 if (bits or 16) <= 8 else 16 if (bits or 16) <= 16 else 32


def _is_short(pixels: Pixels) -> bool:
    return pixels.stated is not None and pixels.stated > len(pixels.data)


def _plain_bytes(header: ImageHeader) -> int:
    """Bytes that the pixels have uncompressed; 0 where the header does not say."""
    bits = header.allocated or _container(header.stored)
    return (header.rows * header.columns * bits + 7) // 8


def _may_be_plain(header: ImageHeader, data: bytes) -> bool:
    """Whether there are just as many bytes as uncompressed pixels have, but for some padding."""
    return len(data) <= _plain_bytes(header) + 8


def _decode_plain(header: ImageHeader, syntax: UID, pixels: Pixels) -> npt.NDArray[np.generic]:
    data = pixels.data
    bits = _FLOATS.get(pixels.keyword) or header.allocated or _bits_by_length(header, pixels)
    expected = (header.rows * header.columns * bits + 7) // 8
    joined = join_fragments(data)
    stream = joined[0] if joined is not None else bytes(data[: max(expected, 64)])
    if joined is not None or len(data) < expected:
        found = streams.read_stream(stream)
        if found is not None and (joined is not None or found.kind != streams.RLE):
            raise codings.mismatch(syntax, found.kind)
    if len(data) < expected:
        if pixels.stated is None or _is_short(pixels):
            raise FilmError(statuses.UNREADABLE, _CUT_OFF)
        raise _wrong_size()
    even = expected + expected % 2  # a last byte that is swapped with its neighbour needs it
    if len(data) >= 2 * even and pixels.stated is not None:
        raise _wrong_size()
    dataset = _clean(header, syntax, bits)
    dataset.add_new(pixels.keyword, pixels.vr or ("OW" if bits > 8 else "OB"), bytes(data[:even]))
    return _decoded(dataset, syntax)


def _bits_by_length(header: ImageHeader, pixels: Pixels) -> int:
    """Tell the bits of a word by the length of the pixels, where the header does not."""
    places = header.rows * header.columns
    length = len(pixels.data) if pixels.stated is None else pixels.stated
    for size in (1, 2, 4):
        if 0 <= length - size * places <= places * size % 2:
            return 8 * size
    if header.stored is not None and length < places * _container(header.stored) // 8:
        return _container(header.stored)  # cut off
    raise FilmError(
        statuses.UNREADABLE,
        "the DICOM header does not say how long a word is (BitsAllocated), nor does the length of "
        "its pixels; export the film again",
    )


def _decode_stream(
    header: ImageHeader, syntax: UID, data: bytes, found: streams.Stream, promised: str
) -> npt.NDArray[np.generic]:
    if found.kind != streams.RLE and streams.read_stream(data[found.end :].lstrip(b"\0")):
        raise FilmError(
            statuses.UNSUPPORTED, "the DICOM object holds several frames; export the one film"
        )
    if all(found.size) and found.size != (header.rows, header.columns):
        raise _wrong_size()
    if found.components > 1:
        raise FilmError(
            statuses.UNSUPPORTED,
            "the DICOM pixels are in colour, against their header; export the film in grey",
        )
    bits = header.allocated or _container(header.stored)
    if found.precision:  # the stream knows
        bits = _container(found.precision)
    dataset = _clean(header, syntax, bits, found)
    dataset.PixelData = encapsulate([data[: found.end] + bytes(found.end % 2)])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    try:
        return _decoded(dataset, syntax)
    except Exception:
        if found.kind != promised:
            raise codings.mismatch(syntax, found.kind) from None
        raise


def _clean(
    header: ImageHeader, syntax: UID, bits: int, found: streams.Stream | None = None
) -> Dataset:
    """Make an object that holds no more than a decoder needs, all of it valid."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = header.rows, header.columns
    dataset.BitsAllocated = bits
    stored = (found.precision if found is not None else 0) or header.stored or bits
    dataset.BitsStored = min(stored, bits)
    dataset.HighBit = dataset.BitsStored - 1
    signed = header.signed
    if signed is None:
        signed = bool(found is not None and found.signed)
    dataset.PixelRepresentation = int(signed)
    little = syntax != ExplicitVRBigEndian
    dataset.set_original_encoding(False, little)
    return dataset


def _decoded(dataset: Dataset, syntax: UID) -> npt.NDArray[np.generic]:
    options: Any = {"correct_unused_bits": False, "allow_excess_frames": False}
    words, _ = get_decoder(syntax).as_array(dataset, raw=True, **options)
    if words.shape != (dataset.Rows, dataset.Columns):
        raise _wrong_size()
    return words


def _wrong_size() -> FilmError:
    return FilmError(
        statuses.UNREADABLE,
        "the DICOM pixels do not have the size that the header states (Rows, Columns, "
        "BitsAllocated); export the film again",
    )
