"""Values of any kind as uint16 levels over their full range."""

import numpy as np
import numpy.typing as npt

#: How many there are.
LEVELS = 65536
#: The highest level.
TOP = LEVELS - 1
#: Stands for the level of padding where a film has none.
NO_PADDING = -1


def ranks_to_levels(count: int, bottom: int) -> npt.NDArray[np.uint16]:
    """Spread distinct values evenly over bottom..65535 by their rank.

    Args:
        count: how many there are, at most one for each level.
        bottom: the lowest level.

    Returns:
        A level for each rank, strictly increasing.
    """
    levels = np.arange(count, dtype=np.int64) * (TOP - bottom) // max(count - 1, 1)
    return (levels + bottom).astype(np.uint16)


def to_levels(values: npt.NDArray[np.float64], bottom: int) -> npt.NDArray[np.uint16]:
    """Stretch distinct values to bottom..65535, strictly increasing where it can be.

    Whole numbers from 0 on keep their spacing; signed, fractional and wider ones go by rank, or
    linearly where there are more of them than levels.

    Args:
        values: each once, ascending.
        bottom: the lowest level.

    Returns:
        A level for each value.
    """
    room = TOP - bottom
    span = values[-1] - values[0]
    if values.size == 1:
        return ranks_to_levels(1, bottom)
    if values[0] >= 0 and span <= room and bool(np.all(values == np.rint(values))):
        levels = (values - values[0]).astype(np.int64) * room // int(span)
    elif values.size <= room + 1:
        return ranks_to_levels(values.size, bottom)
    else:
        levels = np.rint((values - values[0]) / span * room).astype(np.int64)
    return (levels + bottom).astype(np.uint16)


def shares_to_levels(shares: npt.NDArray[np.float64], bottom: int) -> npt.NDArray[np.uint16]:
    """Put shares of the full range, 0 to 1, at their levels.

    Args:
        shares: such as a window gives.
        bottom: the level of 0.

    Returns:
        A level for each share.
    """
    return (bottom + np.rint(shares * (TOP - bottom))).astype(np.uint16)
