"""What the headers of a release's DICOM films say of view and patient."""

from pathlib import Path

NAMES = ("ViewPosition", "PatientSex", "PatientAge")


def read_header(path: Path) -> dict[str, str]:
    """Read elements of a film's header, without its pixels.

    Ages stand in some releases as `51`, which the standard would write `051Y`.

    Args:
        path: A DICOM film.

    Returns:
        The elements `NAMES`; '' where the film lacks one, and where it is missing or damaged, which
        is found out later.
    """
    from pydicom import dcmread
    from pydicom.config import disable_value_validation
    from pydicom.errors import InvalidDicomError

    try:
        with disable_value_validation():
            dicom = dcmread(path, stop_before_pixels=True, specific_tags=list(NAMES))
            return {name: str(dicom.get(name, "")) for name in NAMES}
    except (OSError, InvalidDicomError):
        return dict.fromkeys(NAMES, "")
