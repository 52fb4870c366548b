"""Frontal chest films only: what the header of a DICOM object says against it.

Nothing but the defined terms listed here is ever repeated in a reason: a header may hold anything.
"""

import re

import pydicom

#: Attributes that the rule looks at.
ATTRIBUTES = ("SOPClassUID", "Modality", "ViewPosition", "ViewCodeSequence", "BodyPartExamined")

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
_FRONTAL = frozenset({"PA", "AP", "FRONTAL"})
#: Words that may stand beside these.
_HARMLESS = frozenset(
    "CHEST THORAX SUPINE ERECT UPRIGHT STANDING SITTING SEMIERECT PORTABLE MOBILE BED"
    " INSPIRATION EXPIRATION VIEW".split()
)
#: Views that are not frontal, as they may be named (PS3.3, C.8.1.1, C.8.7.10 and common names).
_OTHER_VIEWS = frozenset(
    "LL RL LLD RLD LLO RLO LAT LATERAL LEFT_LATERAL RIGHT_LATERAL OBLIQUE LAO RAO LPO RPO "
    "AXIAL LORDOTIC DECUBITUS TANGENTIAL CC MLO ML LM XCCL".split()
)
#: SNOMED codes of lateral, oblique and axial views (PS3.16, CID 4010), today's and former ones.
_OTHER_CODES = frozenset(
    "399067008 399173006 399198007 399182000 399184004 399236003 399135007 399356000 399006002 "
    "399038007 399059000 399312000 399160007 260427002 399061009 399004004 399132005 "
    "R-102CD R-10236 R-10232 R-102C1 R-10238 R-10234 R-10220 R-40985 R-10212 R-10210 R-10216 "
    "R-10208 R-10204 R-40783 R-10241 R-10246 R-10252".split()
)
#: Parts of the body that a chest film does not show (PS3.16, annex L), letters only.
_OTHER_PARTS = frozenset(
    "ABDOMEN ANKLE ARM BREAST CALCANEUS CERVICALSPINE CLAVICLE COCCYX CSPINE ELBOW EXTREMITY EYE "
    "FACE FEMUR FINGER FOOT FOREARM HAND HEAD HIP HUMERUS JAW KNEE KUB LEG LSPINE LSSPINE "
    "LUMBARSPINE MANDIBLE MAXILLA NECK NASALBONE ORBIT PATELLA PELVIS SACRUM SCAPULA SHOULDER "
    "SINUS SKULL SPINE SSPINE THIGH THORACICSPINE THUMB TIBIA TIBIAFIBULA TOE TSPINE WRIST "
    "ZYGOMA".split()
)


def reason_against(dataset: pydicom.Dataset) -> str:
    """Tell why an object is no frontal chest film, by what its header says.

    A header that does not say is believed: many exports drop these attributes. Only the modality
    must be one of CR, DX and RG where it is given, the view PA or AP, and the part of the body none
    that is plainly another.

    Args:
        dataset: holds what is there of `ATTRIBUTES`.

    Returns:
        One line: the reason and the remedy; '' where nothing stands against it.
    """
    modality = _text(dataset, "Modality").upper()
    if modality not in _MODALITIES:
        if modality:
            named = f"modality {modality}" if modality in _OTHER_MODALITIES else "another modality"
            return f"the DICOM header names {named}; give a radiograph (CR, DX or RG)"
        storage = _text(dataset, "SOPClassUID")
        if any(storage == family or storage.startswith(f"{family}.") for family in _OTHER_CLASSES):
            return "the DICOM object is of another modality; give a radiograph (CR, DX or RG)"
    view = _text(dataset, "ViewPosition").upper()
    words = set(re.findall(r"[A-Z0-9_]+", view))
    if not words <= _FRONTAL | _HARMLESS:
        known = sorted(words & _OTHER_VIEWS)
        named = f"view {' '.join(known)}" if known else "another view"
        return f"the DICOM header names {named}; give a frontal film (PA or AP)"
    if not words & _FRONTAL and _OTHER_CODES & _view_codes(dataset):
        return "the DICOM header's view code is not frontal; give a frontal film (PA or AP)"
    part = re.sub(r"[^A-Z]", "", _text(dataset, "BodyPartExamined").upper())
    if part in _OTHER_PARTS:
        return f"the DICOM header names the body part {part}; give a chest film"
    return ""


def _text(dataset: pydicom.Dataset, name: str) -> str:
    """The first value of an attribute as text, '' where it is missing or empty."""
    value = dataset.get(name)
    if isinstance(value, pydicom.multival.MultiValue | list | tuple):
        value = value[0] if value else None
    return "" if value is None else str(value).strip(" \0")


def _view_codes(dataset: pydicom.Dataset) -> set[str]:
    return {_text(item, "CodeValue") for item in dataset.get("ViewCodeSequence") or ()}
