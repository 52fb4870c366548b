"""Which values of a film's header a DICOM result may carry on (PS3.5, 6.2; PS3.3, C.7)."""

import datetime
import re
import unicodedata
from typing import Any

from pydicom.config import RAISE
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue
from pydicom.uid import RE_VALID_UID, UID
from pydicom.valuerep import PersonName, validate_value

#: Coded strings that may have only these values.
_CODES = {
    "PatientSex": ("M", "F", "O"),
    "PatientIdentityRemoved": ("YES", "NO"),
    "BurnedInAnnotation": ("YES", "NO"),
}
_MAY_BE_SEVERAL = ("DeidentificationMethod",)
_DATE = re.compile(r"\d{8}")
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?|60(\.\d{1,6})?)?)?")
_AGE = re.compile(r"\d{3}[DWMY]")
_GROUPS, _GROUP_LENGTH, _COMPONENTS = 3, 64, 5
#: What pydicom puts where bytes do not fit the character set that a header states.
_UNDECODED = "\ufffd"


def is_valid(element: DataElement) -> bool:
    """Tell whether a value may stand in a DICOM object as the header gives it.

    Args:
        element: of a header, decoded; not empty.

    Returns:
        False for what breaks the rules of its kind, or of its attribute.
    """
    value, name = element.value, element.keyword
    values = list(value) if isinstance(value, MultiValue) else [value]
    if len(values) > 1 and name not in _MAY_BE_SEVERAL:
        return False
    if element.VR != dictionary_VR(element.tag):
        return False
    return all(_is_valid(name, element.VR, each) for each in values)


def _is_valid(name: str, kind: str, value: Any) -> bool:
    text = str(value)
    if _UNDECODED in text or any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        return False
    if name in _CODES:
        return text in _CODES[name]
    if kind == "DA":
        return _is_date(text)
    if kind == "TM":
        return _TIME.fullmatch(text.rstrip()) is not None
    if kind == "AS":
        return _AGE.fullmatch(text) is not None
    if kind == "PN":
        return _is_name(text)
    try:
        validate_value(kind, text if isinstance(value, PersonName | UID) else value, RAISE)
    except (ValueError, TypeError):
        return False
    return True


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def _is_name(text: str) -> bool:
    groups = text.split("=")
    return (
        "\\" not in text
        and len(groups) <= _GROUPS
        and all(len(group) <= _GROUP_LENGTH and group.count("^") < _COMPONENTS for group in groups)
    )


def is_uid(value: Any) -> bool:
    """Tell whether a value is a UID (PS3.5, 9.1).

    Args:
        value: of a header.
    """
    return isinstance(value, str) and len(value) <= 64 and bool(re.fullmatch(RE_VALID_UID, value))


def is_storage_class(value: Any) -> bool:
    """Tell whether a value names a kind of object that the standard stores.

    Args:
        value: of a header.
    """
    if not is_uid(value):
        return False
    uid = UID(value)
    return uid.type == "SOP Class" and "Storage" in uid.name


def quoted(value: Any) -> str:
    """Quote a value in a message: one line, printable, at most 70 characters.

    Args:
        value: of a header.
    """
    text = "\\".join(map(str, value)) if isinstance(value, MultiValue | list) else str(value)
    text = text.encode("ascii", "backslashreplace").decode()
    text = "".join(c if c.isprintable() else "?" for c in text)
    return f"'{text if len(text) <= 68 else text[:67] + '...'}'"
