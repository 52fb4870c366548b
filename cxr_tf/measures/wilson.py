"""Wilson's interval of a share."""


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Give the 95 % interval of a share (Wilson, 1927); it also holds for few trials and for all.

    Of a vote it says how far the share would move with other random patches of the same film; it
    says nothing about other films.

    Args:
        successes: 0 to `trials`.
        trials: 0 or more.

    Returns:
        Lower and upper end in 0..1; 0 and 0 without trials, of which SciPy knows no interval.
    """
    from scipy.stats import binomtest

    if not trials:
        return 0.0, 0.0
    low, high = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    return float(low), float(high)
