"""The film that a DICOM result belongs to: whose it is, and what it is referred to by."""

from dataclasses import dataclass
from pathlib import Path

import pydicom

from pipelines.dicom.reading import read_header

#: Attributes of patient and study that a result carries as the film does (PS3.3, C.7.1 and C.7.2).
_BELONGS_TO = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
    "PatientIdentityRemoved", "DeidentificationMethod", "PatientAge", "StudyInstanceUID",
    "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber",
    "StudyDescription",
)  # fmt: skip
_NAMES_IT = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Modality", "Rows", "Columns")
_ABOUT_IT = ("PatientOrientation", "BurnedInAnnotation")
_NEEDED = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
#: Type 2 of the standard: present, empty where the film does not say.
_MAY_BE_EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "ReferringPhysicianName", "StudyID", "AccessionNumber",
)  # fmt: skip


class SourceError(ValueError):
    """A film that no DICOM result can belong to; the message holds nothing of the file."""


@dataclass(frozen=True)
class Source:
    """The header of a film, without its pixels.

    Attributes:
        header: patient, study, series and instance, text as UTF-8; nothing else of the file.
    """

    header: pydicom.Dataset

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.header.Rows), int(self.header.Columns)

    @property
    def orientation(self) -> tuple[str, str]:
        """Where rows and columns point (PS3.3, C.7.6.1.1.1); that of a frontal film if not said."""
        given = self.header.get("PatientOrientation") or ("L", "F")
        return str(given[0]), str(given[1])


def read_source(path: Path) -> Source | None:
    """Read the header of a film that results may belong to.

    Args:
        path: any file.

    Returns:
        The source; None for a file that is no DICOM file.

    Raises:
        SourceError: the header names no study, series or instance, or its rows run to the
            patient's right, so that the model's left is not the patient's.
    """
    found = read_header(path, (*_BELONGS_TO, *_NAMES_IT, *_ABOUT_IT))
    if found is None:
        return None
    missing = [name for name in _NEEDED if not found.get(name)]
    if missing:
        raise SourceError(f"the header lacks {', '.join(missing)}, which a result must refer to")
    header = pydicom.Dataset()
    for name in (*_BELONGS_TO, *_NAMES_IT, *_ABOUT_IT):
        if name in found:
            header.add(found[name])
    for name in _MAY_BE_EMPTY:
        if name not in header:
            setattr(header, name, "")
    header.SpecificCharacterSet = "ISO_IR 192"
    source = Source(header)
    if not source.orientation[0].startswith("L") or not source.orientation[1].startswith("F"):
        raise SourceError(
            "PatientOrientation is not L\\F: the film does not lie as the model takes it, the "
            "patient's left at its right; turn it and its header"
        )
    return source
