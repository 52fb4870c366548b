"""The film that a DICOM result belongs to: whose it is, and what it is referred to by."""

from dataclasses import dataclass
from pathlib import Path

import pydicom

from cxr_tf.scoring.dicom.orientation import FRONTAL, MirroredError, read_orientation
from cxr_tf.scoring.dicom.values import is_storage_class, is_uid, is_valid, quoted
from pipelines.dicom.parsing import quiet
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
    """A film that no DICOM result can belong to.

    The message names attributes; of values it quotes those alone that a result must refer to.
    """


@dataclass(frozen=True)
class Source:
    """The header of a film, without its pixels.

    Attributes:
        header: patient, study, series and instance, text as UTF-8; nothing else of the file.
        orientation: where rows and columns point; that of a frontal film if not said.
        notes: what was left out of the header, or taken from elsewhere; attributes, no values.
    """

    header: pydicom.Dataset
    orientation: tuple[str, str] = FRONTAL
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.header.Rows), int(self.header.Columns)

    def bare(self) -> "Source":
        """Give the source without anything that a result can do without."""
        header = pydicom.Dataset()
        for name in (*_NEEDED, "Rows", "Columns", "SpecificCharacterSet"):
            setattr(header, name, self.header[name].value)
        for name in _MAY_BE_EMPTY:
            setattr(header, name, "")
        note = "all values of patient and study left out of the DICOM objects (some are invalid)"
        return Source(header, self.orientation, (*self.notes, note))


def read_source(path: Path) -> Source | None:
    """Read the header of a film that results may belong to.

    Optional values that are invalid are left out: no object can be written with them, and what
    they mean is not for us to guess.

    Args:
        path: any file.

    Returns:
        The source; None for a file that is no DICOM file.

    Raises:
        SourceError: the header names no study, series or instance, or not by valid UIDs, or its
            rows run to the patient's right, so that the model's left is not the patient's.
    """
    found = read_header(path, (*_BELONGS_TO, *_NAMES_IT, *_ABOUT_IT))
    if found is None:
        return None
    with quiet():  # pydicom's warnings quote the header
        return _source_of(found)


def _source_of(found: pydicom.Dataset) -> Source:
    """Take from a header what results carry on; see `read_source`."""
    notes = _from_file_meta(found)
    _check_needed(found)
    try:
        orientation, odd = read_orientation(found.get("PatientOrientation"))
    except MirroredError as error:
        raise SourceError(str(error)) from error
    header = pydicom.Dataset()
    left_out = ["PatientOrientation"] if odd else []
    for name in _NEEDED:
        setattr(header, name, found[name].value)
    for name in (*_BELONGS_TO, *_NAMES_IT, *_ABOUT_IT):
        if name in header or name not in found or name == "PatientOrientation":
            continue
        if found[name].is_empty or is_valid(found[name]):
            header.add(found[name])
        else:
            left_out.append(name)
    if found.get("PatientOrientation") and not odd:
        header.PatientOrientation = list(orientation)
    for name in _MAY_BE_EMPTY:
        if name not in header:
            setattr(header, name, "")
    header.SpecificCharacterSet = "ISO_IR 192"
    if left_out:
        notes.append(f"{', '.join(sorted(left_out))} left out of the DICOM objects (invalid)")
    return Source(header, orientation, tuple(notes))


def _from_file_meta(found: pydicom.Dataset) -> list[str]:
    """Take from the file's own head what the object lacks or has anonymised; return notes."""
    notes = []
    for name, usable in (("SOPClassUID", is_storage_class), ("SOPInstanceUID", is_uid)):
        other = found.file_meta.get(f"MediaStorage{name}")
        if not usable(found.get(name)) and usable(other):
            setattr(found, name, other)
            notes.append(f"{name} taken from the file's meta information")
    return notes


def _check_needed(found: pydicom.Dataset) -> None:
    """Refuse a header that no result can refer to."""
    missing = [name for name in _NEEDED if not found.get(name)]
    if missing:
        raise SourceError(f"the header lacks {', '.join(missing)}, which a result must refer to")
    values = {name: found[name].value for name in _NEEDED}
    wrong = [f"{name} is {quoted(value)}" for name, value in values.items() if not is_uid(value)]
    if wrong:
        raise SourceError(f"{'; '.join(wrong)}: no valid UID, which a result must refer to")
    if not is_storage_class(kind := values["SOPClassUID"]):
        raise SourceError(
            f"SOPClassUID is {quoted(kind)}: no kind of object that the standard knows, as which a "
            "result must refer to the film"
        )
    for name in ("Rows", "Columns"):
        if not isinstance(found.get(name), int):
            raise SourceError(f"{name} is {quoted(found.get(name))}: no number of pixels")
