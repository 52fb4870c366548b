"""What every writer of phantoms needs: numbered patients, marked folders, files of each kind."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from pydicom.config import disable_value_validation
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    generate_uid,
)

from pipelines.adapters import PHANTOM_MARKER
from tools.phantoms.chest import Phantom, phantom

LICENCE = "CC0 (generated)"
NOTICE = (
    "The films in this folder are PHANTOMS: generated drawings for testing software, not\n"
    "radiographs of people. Models trained on them and figures measured on them say nothing\n"
    f"about radiographs. Licence: {LICENCE}.\n"
)


def generator(seed: int, layout: str, patient: int) -> np.random.Generator:
    """Give each patient of each layout a stream of its own: no two layouts share a patient."""
    return np.random.default_rng([seed, *layout.encode(), patient])


def draw(
    cycle: Sequence[str], films: int, seed: int, layout: str, size: int
) -> Iterator[tuple[int, str, Phantom]]:
    """Draw phantoms whose classes go round a cycle.

    Args:
        cycle: Classes.
        films: Number of films.
        seed: Of the patients.
        layout: Name of the layout.
        size: Height and width in pixels.

    Yields:
        Number from 0, class and phantom.
    """
    for number in range(films):
        label = cycle[number % len(cycle)]
        yield number, label, phantom(label, generator(seed, layout, number), size)


def make_folder(path: Path) -> Path:
    """Make a folder and those above it, and return it."""
    path.mkdir(parents=True, exist_ok=True)
    return path


def mark(out: Path) -> None:
    """Make a folder whose films count as phantoms."""
    (make_folder(out) / PHANTOM_MARKER).write_text(NOTICE, encoding="utf-8")


def eight_bit(pixels: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """Keep the upper eight bits."""
    return (pixels >> 8).astype(np.uint8)


def resize(image: np.ndarray, shape: tuple[int, int], how: int) -> np.ndarray:
    """Resize to (width, height) by one of OpenCV's interpolations."""
    return np.asarray(cv2.resize(image, shape, interpolation=how))


def write_image(path: Path, image: np.ndarray) -> None:
    """Write a PNG or JPEG, and its folder.

    Args:
        path: Its suffix tells the format.
        image: uint8 or, for PNG, uint16 [H, W].

    Raises:
        OSError: It cannot be written.
    """
    make_folder(path.parent)
    jpeg = path.suffix in (".jpg", ".jpeg")
    options = [cv2.IMWRITE_JPEG_QUALITY, 95] if jpeg else [cv2.IMWRITE_PNG_COMPRESSION, 3]
    if not cv2.imwrite(str(path), image, options):
        raise OSError(f"{path}: cannot be written; check that the folder is writable")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV with a header."""
    import pandas as pd

    table = pd.DataFrame(list(rows), columns=list(header), dtype=object)
    table.to_csv(path, index=False, lineterminator="\n")


def write_dicom(
    path: Path,
    pixels: npt.NDArray[np.uint16],
    *,
    key: str,
    inverted: bool = False,
    jpeg: bool = False,
    **elements: str,
) -> None:
    """Write a computed radiograph with generated identifiers.

    Args:
        path: The file; its folder must exist.
        pixels: uint16 [H, W], bright where the body is dense.
        key: Identifiers are derived from it.
        inverted: MONOCHROME1 instead of MONOCHROME2.
        jpeg: 8 bit in baseline JPEG instead of 12 bit, explicit little endian.
        **elements: Further elements by keyword, such as `PatientAge`; values are not checked.
    """
    uids = [generate_uid(entropy_srcs=[key, part]) for part in ("instance", "series", "study")]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = uids[0]
    meta.TransferSyntaxUID = JPEGBaseline8Bit if jpeg else ExplicitVRLittleEndian
    dicom = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    dicom.SOPClassUID = ComputedRadiographyImageStorage
    dicom.SOPInstanceUID, dicom.SeriesInstanceUID, dicom.StudyInstanceUID = uids
    dicom.PatientName, dicom.PatientID = "PHANTOM^GENERATED", f"PHANTOM {key}"
    dicom.PatientBirthDate = dicom.PatientSex = dicom.AccessionNumber = ""
    dicom.StudyDate = dicom.StudyTime = dicom.StudyID = dicom.ReferringPhysicianName = ""
    dicom.SeriesNumber = dicom.InstanceNumber = 1
    dicom.Modality, dicom.Manufacturer = "CR", "generated phantom"
    dicom.BodyPartExamined, dicom.ViewPosition = "CHEST", "PA"
    dicom.ImageType = ["DERIVED", "SECONDARY"]
    dicom.ImageComments = "PHANTOM: generated drawing, no radiograph of a person"
    dicom.SamplesPerPixel = 1
    dicom.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    dicom.Rows, dicom.Columns = pixels.shape
    stored = 8 if jpeg else 12
    dicom.BitsAllocated, dicom.BitsStored, dicom.HighBit = (8 if jpeg else 16), stored, stored - 1
    dicom.PixelRepresentation = 0
    values = pixels >> (16 - stored)
    values = (1 << stored) - 1 - values if inverted else values
    if jpeg:
        done, code = cv2.imencode(".jpg", values.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 95])
        if not done:
            raise OSError(f"{path}: cannot be encoded as JPEG; check OpenCV")
        dicom.PixelData = encapsulate([code.tobytes()])
    else:
        dicom.PixelData = values.astype("<u2").tobytes()
    with disable_value_validation():  # releases have ages such as `51`
        for name, value in elements.items():
            setattr(dicom, name, value)
        dicom.save_as(path, enforce_file_format=True)
