"""Read the radiograph of a DICOM file as uint16 levels, bright where the body is dense.

Every step (modality LUT, VOI LUT, inversion) is a function of the stored value alone, so it is
applied to the distinct values of a film and not to its pixels. Only the attributes that are needed
are parsed, so overlays and what identifies the patient are not even read (`read_identifiers`
apart), and no message repeats text from a file.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pydicom

from pipelines import status as statuses
from pipelines.dicom import frontal
from pipelines.dicom.decoding import decode
from pipelines.dicom.header import ImageHeader, read_image_header
from pipelines.dicom.luts import has_window, to_modality, to_window
from pipelines.dicom.parsing import Parsed, parse, quiet
from pipelines.dicom.words import distinct, read_words
from pipelines.film_error import FilmError
from pipelines.levels import TOP, shares_to_levels, to_levels

#: The level of pixels that are left out; the film itself then uses 1..65535.
_LEFT_OUT = 0
_NONE_LEFT_OUT = -1
_NO_WINDOW = "the window of the DICOM header makes no sense and was not applied (--voi)"
#: What tells a patient, an examination and a film apart.
IDENTIFIERS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


class DicomFilm(NamedTuple):
    """The image of a DICOM object.

    Attributes:
        pixels: uint16 [H, W] over the full range; the order of values is kept strictly unless
            there are more than 65,536 of them, or a window was asked for.
        padding: the level of the pixels to be left out, or -1 where there are none.
        warning: what to know of it, in one line; '' where there is nothing.
    """

    pixels: npt.NDArray[np.uint16]
    padding: int
    warning: str


def _map(parsed: Parsed, header: ImageHeader, voi: bool) -> DicomFilm:
    assert parsed.pixels is not None, "objects without pixels were refused"
    stored = decode(header, parsed.syntax, parsed.pixels)
    words, places = distinct(stored)
    bits, signed = 8 * stored.dtype.itemsize, stored.dtype.kind == "i"
    values, left_out, warning = read_words(words, header, bits, signed)
    mapped = to_modality(np.asarray(values, np.float64), parsed.dataset)
    shares = False
    if voi:
        windowed = to_window(mapped, parsed.dataset)
        if windowed is not None:
            mapped, shares = windowed
        elif has_window(parsed.dataset):
            warning = f"{warning}; {_NO_WINDOW}" if warning else _NO_WINDOW
    left_out = left_out | ~np.isfinite(mapped)
    if left_out.all():
        raise FilmError(statuses.CONSTANT, "every pixel of the DICOM image is marked as padding")
    bottom = 1 if left_out.any() else 0
    kept, order = np.unique(mapped[~left_out], return_inverse=True)
    levels = (shares_to_levels if shares else to_levels)(kept, bottom)[order]
    if header.inverted:
        levels = (TOP + bottom - levels.astype(np.int64)).astype(np.uint16)
    table = np.full(words.size, _LEFT_OUT, np.uint16)
    table[~left_out] = levels
    return DicomFilm(table[places], _LEFT_OUT if bottom else _NONE_LEFT_OUT, warning)


def read_dicom(
    source: str | Path | bytes, voi: bool = False, header_check: bool = True
) -> DicomFilm:
    """Read the one grey image of a DICOM object.

    The modality LUT is applied, then the VOI LUT or window if asked for, then the inversion of
    MONOCHROME1. Pixels in the range of PixelPaddingValue get a level of their own. Overlays are
    left out, also those in unused bits of the pixels. What the header leaves out gets the
    standard's default, what makes no sense in it is passed over.

    Args:
        source: path of the file, or its whole content.
        voi: apply the first VOI LUT, or where there is none the first window; off by default,
            because clipping only loses ranks.
        header_check: refuse what the header says is no frontal chest film; see `frontal`.

    Returns:
        The film.

    Raises:
        FilmError: the header names no frontal chest film, or there is no image, several frames,
            colour, or the object is too large, cut off or not decodable.
        OSError: the file cannot be opened.
    """
    content = source if isinstance(source, bytes) else Path(source).read_bytes()
    with quiet():
        try:
            parsed = parse(content)
            if header_check and (reason := frontal.reason_against(parsed.dataset)):
                raise FilmError(statuses.NOT_CHEST_FILM, reason)
            return _map(parsed, read_image_header(parsed.dataset), voi)
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
