"""Wilson's interval of a share."""

import math
from statistics import NormalDist

_QUANTILE = NormalDist().inv_cdf(0.975)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Give the 95 % interval of a share (Wilson, 1927); it also holds for few trials and for all.

    Of a vote it says how far the share would move with other random patches of the same film; it
    says nothing about other films.

    Args:
        successes: 0 to `trials`.
        trials: 0 or more.

    Returns:
        Lower and upper end in 0..1; 0 and 0 without trials.
    """
    if not trials:
        return 0.0, 0.0
    # As SciPy's `binomtest` has it, whose import takes longer than a film.
    squared, failures = _QUANTILE**2, trials - successes
    middle = (successes + squared / 2) / (trials + squared)
    half = _QUANTILE * math.sqrt(successes * failures / trials + squared / 4) / (trials + squared)
    low = middle - half if successes else 0.0
    high = middle + half if failures else 1.0
    return low, high
