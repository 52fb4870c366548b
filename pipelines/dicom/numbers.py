"""Numbers of a DICOM header, however they are written: no header makes these functions fail."""

import math
from typing import Any

import numpy as np
import pydicom
from pydicom.datadict import dictionary_VR

_TEXT_NUMBERS = ("DS", "IS")


def numbers(dataset: pydicom.Dataset, name: str) -> list[float]:
    """Read the finite numbers of an attribute.

    Text is taken with a decimal point or comma; bytes (OW, UN, …) as words of 16 bit in the order
    of the object, or as the text that they hold where the standard has text.

    Args:
        dataset: the object, or an item of a sequence.
        name: keyword of the attribute.

    Returns:
        The numbers in order; none where the attribute is missing, empty or holds no number.
    """
    try:
        if name not in dataset or (value := dataset[name].value) is None:
            return []
        little = dataset.original_encoding[1] is not False
        if isinstance(value, bytes):
            value = _of_bytes(value, dictionary_VR(name) in _TEXT_NUMBERS, little)
        parts = [value] if isinstance(value, str | int | float) else list(value)
    except Exception:  # pydicom raises nearly every type on a value that it cannot convert
        return []
    found = [_number(part) for part in parts]
    return [number for number in found if number is not None]


def number(dataset: pydicom.Dataset, name: str) -> float | None:
    """Read the first number of an attribute; see `numbers`.

    Args:
        dataset: see `numbers`.
        name: see `numbers`.

    Returns:
        The number, or None.
    """
    return next(iter(numbers(dataset, name)), None)


def whole(dataset: pydicom.Dataset, name: str) -> int | None:
    """Read the first number of an attribute, if it is a whole one; see `numbers`.

    Args:
        dataset: see `numbers`.
        name: see `numbers`.

    Returns:
        The number, or None.
    """
    found = number(dataset, name)
    return int(found) if found is not None and found == int(found) else None


def text(dataset: pydicom.Dataset, name: str) -> str:
    """Read the first value of an attribute as text, in capitals and without blanks around it.

    Args:
        dataset: see `numbers`.
        name: see `numbers`.

    Returns:
        The text, '' where there is none.
    """
    try:
        value = dataset.get(name)
        if isinstance(value, bytes):
            value = value.decode("ascii", "replace")
        elif isinstance(value, pydicom.multival.MultiValue | list | tuple):
            value = value[0] if value else None
        return "" if value is None else str(value).strip(" \t\r\n\0").upper()
    except Exception:  # as above
        return ""


def _of_bytes(value: bytes, is_text: bool, little: bool) -> list[Any]:
    if is_text:
        return value.decode("ascii", "replace").split("\\")
    if len(value) == 1:
        return [value[0]]
    return np.frombuffer(value[: len(value) // 2 * 2], "<u2" if little else ">u2").tolist()


def _number(part: Any) -> float | None:
    if isinstance(part, str):
        part = part.strip(" \t\r\n\0").replace(",", ".")
    try:
        found = float(part)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
