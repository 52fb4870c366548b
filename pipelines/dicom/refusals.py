"""What a film is told that its DICOM header refuses, and which attribute that was."""

import re

_FORM = re.compile(r"the DICOM header names .+ \((\w+)\); ")


def refusal(attribute: str, named: str, remedy: str) -> str:
    """Say why a header refuses a film.

    Args:
        attribute: the keyword of what names it.
        named: what it names; nothing but a defined term.
        remedy: what to do.

    Returns:
        One line.
    """
    return f"the DICOM header names {named} ({attribute}); {remedy}"


def refusing_attribute(reason: str) -> str:
    """Find out whether a film was refused by its header, from the reason that its row gives.

    Args:
        reason: of a film with the status `not_chest_film`.

    Returns:
        The attribute; '' where it was not the header.
    """
    found = _FORM.match(reason)
    return found[1] if found else ""
