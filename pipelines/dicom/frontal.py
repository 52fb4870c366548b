"""Frontal chest films only: what the header of a DICOM object says against it.

Nothing but the defined terms listed here is ever repeated in a reason: a header may hold anything.
"""

import re

import pydicom

from pipelines import views
from pipelines.dicom.codes import OTHER_PARTS, OTHER_VIEWS
from pipelines.dicom.refusals import refusal

#: Attributes that the rule looks at.
ATTRIBUTES = (
    "SOPClassUID", "Modality", "ViewPosition", "ViewCodeSequence", "PatientOrientation",
    "BodyPartExamined", "AnatomicRegionSequence",
)  # fmt: skip

_MODALITIES = ("CR", "DX", "RG")
#: Defined terms of other modalities and kinds of objects (PS3.3, C.7.3.1.1.1).
_OTHER_MODALITIES = frozenset(
    "AR AU BI BMD CT CTPROTOCOL DG DOC ECG EPS ES FID GM HC HD IO IOL IVOCT IVUS KER KO LEN LS "
    "M3D MG MR NM OAM OCT OP OPM OPT OPTBSV OPTENF OPV OSS OT PA PLAN POS PR PT PX REG RESP RF "
    "RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF STAIN "
    "TEXTUREMAP TG US VA XA XC".split()
)
#: Storage classes of other modalities, asked where the modality is not given (PS3.4, B.5).
_OTHER_CLASSES = tuple(
    f"1.2.840.10008.5.1.4.1.1.{family}"
    for family in "1.2 1.3 2 3 4 6 12 13 20 66 77 88 128 130 481".split()
)
#: SNOMED codes of frontal views, today's and former ones.
_FRONTAL_CODES = frozenset("272479007 399348003 399033003 R-10202 R-10206 R-10214 R-40888".split())
_TO_FRONT_OR_BACK = re.compile(r"[AP][A-Z]{0,2}")
_FRONTAL_FILM, _CHEST_FILM = "give a frontal film (PA or AP)", "give a chest film"
_RADIOGRAPH = "give a radiograph (CR, DX or RG)"


def reason_against(dataset: pydicom.Dataset) -> str:
    """Tell why an object is no frontal chest film, by what its header says.

    What a header leaves out refuses nothing, and neither does a word that is not known: many
    exports drop these attributes or have words of their own. A film is refused for a modality of
    another kind, a view that is not frontal, or a part of the body that is not the chest.

    Args:
        dataset: holds what is there of `ATTRIBUTES`.

    Returns:
        One line: the reason and the remedy; '' where nothing stands against it.
    """
    return _other_kind(dataset) or _other_view(dataset) or _other_part(dataset)


def _other_kind(dataset: pydicom.Dataset) -> str:
    modality = _text(dataset, "Modality").upper()
    if modality in _MODALITIES:
        return ""
    if modality in _OTHER_MODALITIES:
        return refusal("Modality", f"modality {modality}", _RADIOGRAPH)
    storage = _text(dataset, "SOPClassUID")
    if any(storage == family or storage.startswith(f"{family}.") for family in _OTHER_CLASSES):
        return refusal("SOPClassUID", "another modality", _RADIOGRAPH)
    return ""


def _other_view(dataset: pydicom.Dataset) -> str:
    view = _text(dataset, "ViewPosition")
    if found := views.other_view(view):
        return refusal("ViewPosition", f"view {found}", _FRONTAL_FILM)
    if views.is_frontal(view):
        return ""
    values, meanings = _codes(dataset, "ViewCodeSequence")
    if OTHER_VIEWS.intersection(values):
        return refusal("ViewCodeSequence", "another view code", _FRONTAL_FILM)
    if found := next(filter(None, map(views.other_view, meanings)), ""):
        return refusal("ViewCodeSequence", f"view {found}", _FRONTAL_FILM)
    if any(map(views.is_frontal, meanings)) or _FRONTAL_CODES.intersection(values):
        return ""
    # Rows and columns of a frontal film run to a side, to head or feet, never to front or back.
    directions = _text(dataset, "PatientOrientation").upper().split()
    if any(_TO_FRONT_OR_BACK.fullmatch(each) for each in directions):
        return refusal("PatientOrientation", "a view from the side", _FRONTAL_FILM)
    return ""


def _other_part(dataset: pydicom.Dataset) -> str:
    part = _text(dataset, "BodyPartExamined")
    values, meanings = _codes(dataset, "AnatomicRegionSequence")
    if any(map(views.names_chest, (part, *meanings))):
        return ""
    if found := views.other_part(part):
        return refusal("BodyPartExamined", f"the body part {found}", _CHEST_FILM)
    if found := next(filter(None, map(views.other_part, meanings)), ""):
        return refusal("AnatomicRegionSequence", f"the body part {found}", _CHEST_FILM)
    if OTHER_PARTS.intersection(values):
        return refusal("AnatomicRegionSequence", "another body part", _CHEST_FILM)
    return ""


def _text(dataset: pydicom.Dataset, name: str) -> str:
    """Give the values of an attribute as one text, '' where it is missing or empty."""
    value = dataset.get(name)
    if isinstance(value, pydicom.multival.MultiValue | list | tuple):
        value = " ".join(str(each) for each in value[:8])
    return "" if value is None else str(value).strip(" \0")


def _codes(dataset: pydicom.Dataset, name: str) -> tuple[set[str], list[str]]:
    """Give the code values of a sequence, and their meanings."""
    items = dataset.get(name) or ()
    if not isinstance(items, pydicom.Sequence):
        return set(), []
    some = list(items)[:8]
    return {_text(item, "CodeValue") for item in some}, [
        _text(item, "CodeMeaning") for item in some
    ]
