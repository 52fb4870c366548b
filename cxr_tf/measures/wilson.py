"""Wilson's interval of a share."""

import math

#: Standard deviations that leave 95 % of a normal distribution between them.
Z = 1.959963984540054


def wilson(successes: float, trials: float, z: float = Z) -> tuple[float, float]:
    """Give the interval of a share (Wilson, 1927), which also holds for few and for all trials.

    Of a vote it says how far the share would move with other random patches of the same film; it
    says nothing about other films.

    Args:
        successes: 0 to `trials`.
        trials: 0 or more.
        z: width in standard deviations, of 95 % by default.

    Returns:
        Lower and upper end in 0..1; 0 and 0 without trials.
    """
    if not trials:
        return 0.0, 0.0
    share, square = successes / trials, z * z
    middle = share + square / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    whole = 1 + square / trials
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)
