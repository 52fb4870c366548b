"""An array of any kind as a film: uint16 levels [H, W], and the level that stands for padding."""

import math
import numbers
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.levels import NO_PADDING, TOP, ranks_to_levels, to_levels

_REMEDY = (
    "give the grey levels of one film as whole or fractional numbers [H, W], [H, W, 1] or, in "
    "colour, [H, W, 3 or 4], bright where the body is dense"
)
#: Integers below this can be mixed in 64 bits.
_EXACT = 2**53


def as_levels(
    array: npt.NDArray[Any], padding: float | None = None
) -> tuple[npt.NDArray[np.uint16], int]:
    """Take an array for a film.

    uint8 levels are multiplied by 257, as those of a file of 8 bits; whole numbers from 0 to 65535
    stay what they are, whatever type holds them; any other range goes by rank, or linearly where
    it has more than 65,536 distinct values. Colour becomes grey as in `pipelines.decode`, alpha is
    dropped.

    Args:
        array: numbers [H, W], [H, W, 1], [H, W, 3] or [H, W, 4], bright where dense.
        padding: the value of the array to be left out; -1 or None for none.

    Returns:
        uint16 [H, W], and the level that padding has there, -1 for none; no other value has it.

    Raises:
        ValueError: the array is no film, or the padding no number; the message says what was given
            and what to give.
    """
    _refuse(array)
    left_out = _padding(padding)
    values = _grey(array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("=")))
    if array.dtype == np.uint8:
        return values, _whole(left_out, 255, array) * 257 if left_out is not None else NO_PADDING
    if values.dtype != np.uint16 and _are_levels(values):
        values = values.astype(np.uint16)
    if values.dtype == np.uint16:
        return values, NO_PADDING if left_out is None else _whole(left_out, TOP, array)
    return _ranked(values, left_out)


def _are_levels(values: npt.NDArray[Any]) -> bool:
    """Tell whether all values are whole numbers from 0 to 65535."""
    within = values.min().item() >= 0 and values.max().item() <= TOP
    return within and (values.dtype.kind != "f" or bool((values == np.rint(values)).all()))


def _whole(left_out: float, top: int, array: npt.NDArray[Any]) -> int:
    """Take padding among whole levels."""
    if left_out != int(left_out) or not 0 <= left_out <= top:
        raise ValueError(
            f"padding {left_out}: give one of the levels 0 to {top} of this {array.dtype} array, "
            "or None for none"
        )
    return int(left_out)


def _refuse(array: npt.NDArray[Any]) -> None:
    """Raise ValueError where an array is no film."""
    given = f"an array {array.dtype} {list(array.shape)}"
    if isinstance(array, np.ma.MaskedArray):
        raise ValueError(
            f"{given} with a mask: fill what is masked with one value, and give it as the padding"
        )
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{given}: {_REMEDY}")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ValueError(f"{given}: {_REMEDY}")
    if not array.size:
        raise ValueError(f"{given} is empty: {_REMEDY}")
    if array.dtype.kind == "f":
        wrong = int(array.size - np.count_nonzero(np.isfinite(array)))
        if wrong:
            raise ValueError(
                f"{given} holds {wrong} values that are NaN or infinite: put a number in their "
                "place, and give it as the padding"
            )


def _padding(padding: Any) -> float | None:
    """Take the value to be left out; None for none."""
    if padding is None:
        return None
    if isinstance(padding, np.ndarray) and padding.ndim == 0:
        padding = padding.item()
    number = isinstance(padding, numbers.Real) and not isinstance(padding, (bool, np.bool_))
    if not number or not math.isfinite(padding):
        raise ValueError(
            f"padding {padding!r}: give the one grey level to be left out, or None for none"
        )
    return None if padding == NO_PADDING else padding


def _grey(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Reduce to [H, W]: uint8 as uint16 over the full range, other types as they are or wider."""
    if array.dtype == np.uint8:
        array = array.astype(np.uint16) * np.uint16(257)
    if array.ndim == 2:
        return array
    if array.shape[2] == 1:
        return array[..., 0]
    if array.dtype.kind in "iu" and max(abs(int(array.min())), abs(int(array.max()))) < _EXACT:
        whole = array.astype(np.int64)
        grey = (299 * whole[..., 0] + 587 * whole[..., 1] + 114 * whole[..., 2] + 500) // 1000
        return grey.astype(array.dtype)
    red, green, blue = (array[..., i].astype(np.float64) for i in range(3))
    mixed: npt.NDArray[Any] = 0.299 * red + 0.587 * green + 0.114 * blue
    # What is grey already keeps its value to the last digit, and so does padding.
    return np.where((red == green) & (green == blue), red, mixed)


def _ranked(values: npt.NDArray[Any], left_out: float | None) -> tuple[npt.NDArray[np.uint16], int]:
    """Give values of any range their levels; padding gets level 0, and nothing else has it."""
    distinct, places = np.unique(values, return_inverse=True)
    padded = np.zeros(distinct.size, np.bool_)
    if left_out is not None:
        # Beside a type that rounds, such as float32, the padding is rounded as its pixels were.
        padded = distinct == (values.dtype.type(left_out) if values.dtype.kind == "f" else left_out)
    kept = distinct[~padded]
    bottom = int(padded.any())
    table = np.zeros(distinct.size, np.uint16)
    if kept.size > TOP + 1 - bottom:
        wide = kept.astype(np.longdouble)
        table[~padded] = to_levels((wide / np.abs(wide).max()).astype(np.float64), bottom)
    else:
        table[~padded] = ranks_to_levels(kept.size, bottom)
    return table[places].reshape(values.shape), 0 if bottom else NO_PADDING
