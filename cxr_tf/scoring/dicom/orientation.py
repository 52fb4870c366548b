"""PatientOrientation of a film (PS3.3, C.7.6.1.1.1), as headers give it."""

from typing import Any

from pydicom.multival import MultiValue

from cxr_tf.scoring.dicom.values import quoted

#: Pairs of opposite directions: left, right; head, feet; front, back.
_AXES = ("LR", "HF", "AP")
_WORDS = ("LEFT", "RIGHT", "HEAD", "FOOT", "FEET", "ANTERIOR", "POSTERIOR")
#: What the model takes for granted: rows run to the patient's left, columns to the feet.
FRONTAL = ("L", "F")


class MirroredError(ValueError):
    """The film does not lie as the model takes it."""


def read_orientation(given: Any) -> tuple[tuple[str, str], bool]:
    """Read where the rows and columns of a film point.

    Args:
        given: the attribute's value, None or empty where the header does not say.

    Returns:
        The directions, those of a frontal film where the value says none, and whether a value was
        given that is none: such a value is no evidence, unless it speaks against the left.

    Raises:
        MirroredError: the film lies otherwise; the message quotes the value.
    """
    several = isinstance(given, MultiValue | list | tuple)
    words = [str(each or "").strip() for each in (given if several else [given])]
    if not any(words):
        return FRONTAL, False
    directions = [word if is_direction(word) else "" for word in words]
    if len(words) == 2 and all(directions):
        if directions[0][0] == "L" and directions[1][0] == "F":
            return (directions[0], directions[1]), False
    elif not _speaks_against(words[0], FRONTAL[0]) and not any(
        _speaks_against(word, FRONTAL[1]) for word in words[1:2]
    ):
        return FRONTAL, True
    raise MirroredError(
        f"PatientOrientation is not L\\F but {quoted(words)}: the film does not lie as the model "
        "takes it, the patient's left at its right; turn it and its header"
    )


def is_direction(word: str) -> bool:
    """Tell whether a word is a direction: one to three letters, each of another axis.

    Args:
        word: such as `L`, or `LF` for one that slants to the feet.
    """
    used = [axis for letter in word for axis in _AXES if letter in axis]
    return 0 < len(word) == len(used) == len(set(used))


def _speaks_against(word: str, direction: str) -> bool:
    """Tell whether a word, however written, names another direction."""
    word = word.upper()
    return (is_direction(word) or word in _WORDS) and word[0] != direction
