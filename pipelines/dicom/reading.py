"""Read the radiograph of a DICOM file as uint16 levels, bright where the body is dense.

Every step (modality LUT, VOI LUT, inversion) is a function of the stored value alone, so it is
applied to the distinct values of a film and not to its pixels. Only the attributes named here
are parsed, so overlays and what identifies the patient are not even read (`read_identifiers`
apart), and no message repeats text from a file.
"""

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.config import logger
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pipelines import status as statuses
from pipelines.dicom import frontal
from pipelines.sizes import MAX_PIXELS

_TOP = 65535
#: The level of pixels that are left out; the film itself then uses 1..65535.
_LEFT_OUT = 0
_NONE_LEFT_OUT = -1

_ATTRIBUTES = [
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames",
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "SmallestImagePixelValue", "LargestImagePixelValue", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "WindowCenter", "WindowWidth", "VOILUTFunction",
    "RescaleIntercept", "RescaleSlope", "ModalityLUTSequence", "VOILUTSequence",
    "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "FloatPixelData",
    "DoubleFloatPixelData", "PixelData", *frontal.ATTRIBUTES,
]  # fmt: skip
#: What tells a patient, an examination and a film apart.
IDENTIFIERS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0" + bytes(4)
_JPEG_SYNTAXES = tuple(f"1.2.840.10008.1.2.4.{family}" for family in "56789") + (
    "1.2.840.10008.1.2.4.20",
)
_JPEG_END = b"\xff\xd9"
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_LOCK = threading.Lock()


class FilmError(ValueError):
    """A film cannot be read.

    Args:
        status: one of `pipelines.status.STATUSES`.
        message: one line: the cause and the remedy, without any text from the file.
    """

    def __init__(self, status: str, message: str):
        super().__init__(message)
        self.status = status


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


def _parse(content: bytes) -> pydicom.Dataset:
    dataset = pydicom.dcmread(BytesIO(content), force=True, specific_tags=_ATTRIBUTES)
    if "TransferSyntaxUID" not in dataset.file_meta:  # written without the Part 10 header
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _refuse(dataset: pydicom.Dataset) -> None:
    """Raise FilmError where the object is no single grey film of a bearable size."""
    if "Rows" not in dataset or "Columns" not in dataset:
        raise FilmError(
            statuses.UNSUPPORTED, "the DICOM object holds no image; give the object with the film"
        )
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if rows * columns > MAX_PIXELS:
        raise FilmError(
            statuses.TOO_LARGE,
            f"{columns} x {rows} pixels exceed the {MAX_PIXELS // 10**6} megapixels that are "
            "read; reduce the film",
        )
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames != 1:
        raise FilmError(
            statuses.UNSUPPORTED, f"the DICOM object holds {frames} frames; export the one film"
        )
    photometric = str(dataset.get("PhotometricInterpretation", "")).strip()
    if int(dataset.get("SamplesPerPixel") or 1) != 1 or photometric not in (
        "MONOCHROME1",
        "MONOCHROME2",
    ):
        raise FilmError(
            statuses.UNSUPPORTED,
            "the DICOM image is in colour or of unknown polarity; export it as MONOCHROME2",
        )
    if not any(name in dataset for name in _PIXELS):
        raise FilmError(
            statuses.UNREADABLE, "the DICOM file ends before its pixels; fetch it again"
        )


def _check_fragments(dataset: pydicom.Dataset, content: bytes) -> None:
    """Raise FilmError where compressed pixels were cut off: decoders fill up what is missing.

    The fragments are followed to their delimiter (PS3.5, A.4); JPEG, JPEG-LS and JPEG 2000 streams
    end with the same mark.
    """
    cut_off = FilmError(
        statuses.UNREADABLE, "the compressed pixels of the DICOM file are cut off; fetch it again"
    )
    # The element as it stands in the file, which pydicom has not yet taken apart.
    element = dataset.get_item("PixelData")
    at, stream = getattr(element, "value_tell", len(content)), b""
    while content[at : at + 4] == _ITEM:
        end = at + 8 + int.from_bytes(content[at + 4 : at + 8], "little")
        stream, at = content[max(at + 8, end - 32) : end], end
    if content[at : at + 8] != _DELIMITER:
        raise cut_off
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    if syntax.startswith(_JPEG_SYNTAXES) and _JPEG_END not in stream:
        raise cut_off


def _distinct(
    stored: npt.NDArray[np.generic],
) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.integer]]:
    """Return the distinct stored values in ascending order, and each pixel's place in them."""
    if stored.dtype.kind in "iu":
        low = int(stored.min())
        if int(stored.max()) - low <= _TOP:
            offsets = stored.astype(np.int64) - low
            present = np.flatnonzero(np.bincount(offsets.ravel()))
            place = np.zeros(present[-1] + 1, np.int32)
            place[present] = np.arange(present.size)
            return present + low, place[offsets]
    values, places = np.unique(stored, return_inverse=True)
    return values, places.reshape(stored.shape)


def _is_padding(dataset: pydicom.Dataset, values: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Mark the stored values that stand for no pixel (PS3.3, C.7.5.1.1.2)."""
    ends = [dataset.get("PixelPaddingValue"), dataset.get("PixelPaddingRangeLimit")]
    if ends[0] is None or values.dtype.kind not in "iu":
        return np.zeros(values.shape, bool)
    ends = [int(end) for end in ends if end is not None]
    period = 2 ** int(dataset.BitsAllocated)
    if int(dataset.PixelRepresentation) == 1:  # some writers store it with the wrong sign
        ends = [end - period if end >= period // 2 else end for end in ends]
    else:
        ends = [end % period for end in ends]
    return (values >= min(ends)) & (values <= max(ends))


def _to_levels(values: npt.NDArray[np.float64], bottom: int) -> npt.NDArray[np.uint16]:
    """Stretch distinct values, ascending, to bottom..65535, strictly increasing where it can be.

    Whole numbers from 0 on keep their spacing; signed, fractional and wider ones go by rank, or
    linearly where there are more of them than levels.
    """
    room = _TOP - bottom
    span = values[-1] - values[0]
    if values.size == 1:
        levels = np.zeros(1, np.int64)
    elif values[0] >= 0 and span <= room and bool(np.all(values == np.rint(values))):
        levels = (values - values[0]).astype(np.int64) * room // int(span)
    elif values.size <= room + 1:
        levels = np.arange(values.size) * room // (values.size - 1)
    else:
        levels = np.rint((values - values[0]) / span * room).astype(np.int64)
    return (levels + bottom).astype(np.uint16)


def _map(dataset: pydicom.Dataset, voi: bool) -> tuple[npt.NDArray[np.uint16], int]:
    stored = dataset.pixel_array
    if stored.shape != (int(dataset.Rows), int(dataset.Columns)):
        raise FilmError(
            statuses.UNREADABLE, "the DICOM pixels do not have the size that the header states"
        )
    values, places = _distinct(stored)
    mapped = apply_modality_lut(values, dataset)
    if voi:
        if dataset.get("VOILUTSequence"):
            mapped = np.rint(mapped).astype(np.int64)
        mapped = apply_voi_lut(mapped, dataset)
    mapped = np.asarray(mapped, np.float64)
    left_out = _is_padding(dataset, values) | ~np.isfinite(mapped)
    if left_out.all():
        raise FilmError(statuses.CONSTANT, "every pixel of the DICOM image is marked as padding")
    bottom = 1 if left_out.any() else 0
    kept, order = np.unique(mapped[~left_out], return_inverse=True)
    levels = _to_levels(kept, bottom)[order]
    if str(dataset.PhotometricInterpretation).strip() == "MONOCHROME1":
        levels = (_TOP + bottom - levels.astype(np.int64)).astype(np.uint16)
    table = np.full(values.size, _LEFT_OUT, np.uint16)
    table[~left_out] = levels
    return table[places], _LEFT_OUT if bottom else _NONE_LEFT_OUT


def read_dicom(source: str | Path | bytes, voi: bool = False) -> tuple[npt.NDArray[np.uint16], int]:
    """Read the one grey image of a DICOM object.

    The modality LUT is applied, then the VOI LUT or window if asked for, then the inversion of
    MONOCHROME1. Pixels in the range of PixelPaddingValue get a level of their own. Overlays are
    left out, also those in unused bits of the pixels.

    Args:
        source: path of the file, or its whole content.
        voi: apply the first VOI LUT, or where there is none the first window; off by default,
            because clipping only loses ranks.

    Returns:
        pixels: uint16 [H, W] over the full range; the order of values is kept strictly unless
            there are more than 65,536 of them.
        padding: the level of the pixels to be left out, or -1 where there are none.

    Raises:
        FilmError: the header names no frontal chest film, or there is no image, several frames,
            colour, or the object is too large, cut off or not decodable.
        OSError: the file cannot be opened.
    """
    content = source if isinstance(source, bytes) else Path(source).read_bytes()
    with quiet():
        try:
            dataset = _parse(content)
            if reason := frontal.reason_against(dataset):
                raise FilmError(statuses.NOT_CHEST_FILM, reason)
            _refuse(dataset)
            if dataset.file_meta.TransferSyntaxUID.is_compressed:
                _check_fragments(dataset, content)
            return _map(dataset, voi)
        except (FilmError, MemoryError):
            raise
        except Exception as error:
            # pydicom and its decoders raise nearly every type, with text from the file.
            raise FilmError(
                statuses.UNREADABLE,
                f"the DICOM file is cut off, damaged or not decodable ({type(error).__name__}); "
                "fetch or export it again",
            ) from None


def read_header(path: str | Path, attributes: Sequence[str]) -> pydicom.Dataset | None:
    """Read some attributes of a DICOM file, but not its pixels.

    Args:
        path: any file.
        attributes: keywords.

    Returns:
        Those that the header gives, text decoded; None for a file that is no DICOM file or cannot
        be read.
    """
    path = Path(path)
    with quiet():
        try:
            dataset = pydicom.dcmread(
                path,
                stop_before_pixels=True,
                force=path.suffix.lower() in (".dcm", ".dicom"),
                specific_tags=[*attributes, "SpecificCharacterSet"],
            )
            dataset.decode()
        except Exception:  # whatever it is, `read_film` says it without text from the file
            return None
    given = any(name in dataset for name in attributes)
    return dataset if given or "TransferSyntaxUID" in dataset.file_meta else None


def read_identifiers(path: str | Path) -> dict[str, str] | None:
    """Read what identifies patient, examination and film of a DICOM file, in plain text.

    Args:
        path: any file.

    Returns:
        The values by `IDENTIFIERS`, '' where the header gives none; None for a file that is no
        DICOM file or cannot be read.
    """
    dataset = read_header(path, IDENTIFIERS)
    if dataset is None:
        return None
    found = {name: str(dataset.get(name) or "").strip() for name in IDENTIFIERS}
    return found if any(found.values()) or "TransferSyntaxUID" in dataset.file_meta else None
