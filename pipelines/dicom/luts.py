"""Tables, scales and windows of a DICOM header, applied to the stored values of a film.

Empty ones change nothing, and so does what no number can be read from.
"""

import numpy as np
import numpy.typing as npt
import pydicom

from pipelines import status as statuses
from pipelines.dicom.numbers import number, numbers, text
from pipelines.film_error import FilmError

#: Attributes that are read here.
ATTRIBUTES = (
    "RescaleIntercept", "RescaleSlope", "ModalityLUTSequence", "VOILUTSequence", "WindowCenter",
    "WindowWidth", "VOILUTFunction",
)  # fmt: skip
_Values = npt.NDArray[np.float64]


def to_modality(values: _Values, dataset: pydicom.Dataset) -> _Values:
    """Apply the modality table, or where there is none slope and intercept (PS3.3, C.11.1).

    Args:
        values: stored values, each once.
        dataset: holds what is there of `ATTRIBUTES`.

    Returns:
        The values that they stand for. A slope of 0 is passed over, and of one that would make
        different values equal, or infinite, no more than its sign counts.

    Raises:
        FilmError: the table is damaged.
    """
    item = _first_table(dataset, "ModalityLUTSequence")
    if item is not None:
        found = _look_up(values, item)
        if found is None:
            raise FilmError(
                statuses.UNREADABLE,
                "the ModalityLUTSequence of the DICOM header is damaged; export the film again",
            )
        return found
    slope, intercept = number(dataset, "RescaleSlope"), number(dataset, "RescaleIntercept")
    if slope == 0:
        return values
    slope = 1.0 if slope is None else slope
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = values * slope + (intercept or 0.0)
    kept = np.isfinite(values)
    if not np.isfinite(scaled[kept]).all() or np.unique(scaled[kept]).size < kept.sum():
        return values if slope > 0 else -values
    return scaled


def to_window(values: _Values, dataset: pydicom.Dataset) -> tuple[_Values, bool] | None:
    """Apply the first VOI table, or where there is none the first window (PS3.3, C.11.2).

    Args:
        values: after `to_modality`.
        dataset: holds what is there of `ATTRIBUTES`.

    Returns:
        The values, and whether they are shares of the full range, 0 to 1, as a window gives them;
        None where the header has neither table nor window, or none that can be applied.
    """
    item = _first_table(dataset, "VOILUTSequence")
    if item is not None:
        found = _look_up(np.rint(values), item)
        if found is not None:
            return found, False
    centre, width = number(dataset, "WindowCenter"), number(dataset, "WindowWidth")
    function = text(dataset, "VOILUTFunction")
    if centre is None or width is None or width <= 0:
        return None
    if function == "SIGMOID":  # C.11.2.1.3.1
        with np.errstate(over="ignore"):
            return 1 / (1 + np.exp(-4 * (values - centre) / width)), True
    if function != "LINEAR_EXACT":  # C.11.2.1.2.1; C.11.2.1.3.2
        if width < 1:
            return None
        centre, width = centre - 0.5, width - 1
    low, high = centre - width / 2, centre + width / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (values - low) / width
    return np.where(values <= low, 0.0, np.where(values > high, 1.0, between)), True


def has_window(dataset: pydicom.Dataset) -> bool:
    """Tell whether a header holds a VOI table or a window that ought to be applied.

    Args:
        dataset: holds what is there of `ATTRIBUTES`.

    Returns:
        True also where it makes no sense; False where it is empty.
    """
    if _first_table(dataset, "VOILUTSequence") is not None:
        return True
    return all(text(dataset, name) for name in ("WindowCenter", "WindowWidth"))


def _first_table(dataset: pydicom.Dataset, name: str) -> pydicom.Dataset | None:
    """Give the first item of a sequence; None where there is none, or it is empty."""
    try:
        items = dataset.get(name)
        item: pydicom.Dataset = items[0]
        return item if any(item.get(each) for each in ("LUTData", "LUTDescriptor")) else None
    except Exception:  # no sequence, whatever it is instead
        return None


def _look_up(values: _Values, item: pydicom.Dataset) -> _Values | None:
    """Apply a table (PS3.3, C.11.1.1); values beyond its ends take those of the ends."""
    descriptor = [int(each) for each in numbers(item, "LUTDescriptor")]
    data = item.get("LUTData")
    if len(descriptor) < 2 or data is None:
        return None
    count, first = descriptor[0] % 65536 or 65536, descriptor[1]
    if isinstance(data, bytes):
        little = item.original_encoding[1] is not False
        kind = np.dtype(np.uint8 if len(data) < 2 * count else "<u2" if little else ">u2")
        entries = np.frombuffer(data[: len(data) // kind.itemsize * kind.itemsize], kind)
    else:
        entries = np.asarray(numbers(item, "LUTData"))
    if entries.size < count:
        return None
    # The first value is signed where the film is, and some write it as if it were not.
    if first >= 32768 and values.size and np.nanmin(values) < 0:
        first -= 65536
    places = np.clip(np.nan_to_num(values) - first, 0, count - 1).astype(np.int64)
    found = entries[places].astype(np.float64)
    found[~np.isfinite(values)] = np.nan
    return found
