"""What becomes of a DICOM file that is cut off."""

from collections.abc import Iterable

import numpy as np

from pipelines.dicom.reading import read_dicom
from pipelines.film_error import FilmError


def assert_refused_or_whole(content: bytes, ends: Iterable[int]) -> dict[int, str]:
    """Cut a file at each end: the status of each, `ok` only where no pixel is missing."""
    whole, found = read_dicom(content).pixels, {}
    for end in ends:
        try:
            np.testing.assert_array_equal(read_dicom(content[:end]).pixels, whole)
            found[end] = "ok"
        except FilmError as error:
            found[end] = error.status
            assert error.status in {"unreadable", "unsupported"}
    return found
