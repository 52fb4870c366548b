"""Tests of section III-B: normality, rank sum, signed rank, with effect sizes and Holm's p.

The paper's asterisks rest on raw p-values of Matlab's `kstest`, `ranksum` and `signrank`; SciPy's
counterparts stand here, two-sided, with the corrections for ties that Matlab applies too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import stats

from cxr_tf.measures.metrics import Floats

#: Fewer values than this are not tested for a normal distribution.
LEAST_VALUES = 4
#: Samples drawn to find the distribution of a fitted statistic; the smallest p is 1 / 1000.
SAMPLES = 999
LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


@dataclass(frozen=True)
class Normality:
    """Whether values may come from a normal distribution.

    Attributes:
        n: values.
        statistic: Kolmogorov and Smirnov's largest distance, 0..1.
        p: as the paper tests: standardised values against the standard normal distribution. It
            forgets that mean and SD were fitted, so it is too large.
        p_fitted: of the same distance with fitted mean and SD, by sampling (Lilliefors' test).
    """

    n: int
    statistic: float
    p: float
    p_fitted: float


@dataclass(frozen=True)
class Comparison:
    """Two groups compared.

    Attributes:
        first: name of the first.
        second: name of the second.
        n_first: its values.
        n_second: the other's; paired values are as many.
        statistic: U of the first group, or the smaller sum of signed ranks.
        p: two-sided, uncorrected.
        effect: rank-biserial correlation, -1..1; positive where the first group is higher. For
            two groups it is Cliff's delta, 2 U / (n1 n2) - 1.
        p_holm: p corrected for all comparisons of its family; p where it stands alone.
    """

    first: str
    second: str
    n_first: int
    n_second: int
    statistic: float
    p: float
    effect: float
    p_holm: float


def _finite(values: npt.ArrayLike) -> Floats:
    array = np.asarray(values, np.float64).ravel()
    return array[np.isfinite(array)]


def normality(values: npt.ArrayLike, samples: int = SAMPLES, seed: int = 0) -> Normality:
    """Test values for a normal distribution, as the paper does and with fitted parameters.

    Args:
        values: float [n]; values that are not finite are left out.
        samples: Monte Carlo samples of the second test.
        seed: their seed.

    Returns:
        Both p; all nan for fewer than four values, or for equal ones.
    """
    found = _finite(values)
    nan = float("nan")
    spread = float(found.std(ddof=1)) if len(found) >= LEAST_VALUES else 0.0
    if spread <= 1e-12 * max(1.0, float(np.abs(found).max(initial=0.0))):
        return Normality(len(found), nan, nan, nan)
    test = stats.kstest((found - found.mean()) / spread, "norm")
    rng = np.random.default_rng(seed)
    fitted = stats.goodness_of_fit(stats.norm, found, statistic="ks", n_mc_samples=samples, rng=rng)
    return Normality(len(found), float(test.statistic), float(test.pvalue), float(fitted.pvalue))


def rank_sum(
    first: npt.ArrayLike, second: npt.ArrayLike, names: tuple[str, str] = ("", "")
) -> Comparison:
    """Compare two groups by Wilcoxon's rank-sum test (Mann and Whitney's U).

    Args:
        first: float [n1]; values that are not finite are left out.
        second: float [n2], likewise.
        names: of the groups.

    Returns:
        The comparison; p and effect are nan where a group is empty, 1 and 0 where all values of
        both are equal.
    """
    one, other = _finite(first), _finite(second)
    sizes = (len(one), len(other))
    if not all(sizes):
        nan = float("nan")
        return Comparison(*names, *sizes, nan, nan, nan, nan)
    if np.ptp(np.concatenate([one, other])) == 0:
        return Comparison(*names, *sizes, sizes[0] * sizes[1] / 2, 1.0, 0.0, 1.0)
    test = stats.mannwhitneyu(one, other, alternative="two-sided")
    u, p = float(test.statistic), float(test.pvalue)
    return Comparison(*names, *sizes, u, p, 2 * u / (sizes[0] * sizes[1]) - 1, p)


def signed_rank(
    first: npt.ArrayLike, second: npt.ArrayLike, names: tuple[str, str] = ("", "")
) -> Comparison:
    """Compare paired values by Wilcoxon's signed-rank test (Tables V, XIII and XV).

    Pairs without a difference are left out, as Matlab does.

    Args:
        first: float [n].
        second: float [n], paired with the first; pairs that are not finite are left out.
        names: of the groups.

    Returns:
        The comparison; p is 1 and the effect 0 where no pair differs, nan where there is none.

    Raises:
        ValueError: the lengths differ.
    """
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(f"paired values must be of one length, not {one.shape} and {other.shape}")
    kept = np.isfinite(one) & np.isfinite(other)
    one, other = one[kept], other[kept]
    sizes = (len(one), len(other))
    if not len(one):
        nan = float("nan")
        return Comparison(*names, *sizes, nan, nan, nan, nan)
    difference = one - other
    if not difference.any():
        return Comparison(*names, *sizes, 0.0, 1.0, 0.0, 1.0)
    test = stats.wilcoxon(one, other)
    ranks = stats.rankdata(np.abs(difference[difference != 0]))
    signs = np.sign(difference[difference != 0])
    effect = float((ranks * signs).sum() / ranks.sum())
    return Comparison(
        *names, *sizes, float(test.statistic), float(test.pvalue), effect, float(test.pvalue)
    )


def holm(values: Sequence[float]) -> list[float]:
    """Correct p-values for the number of tests, after Holm.

    Args:
        values: p of each test; a nan is no test and stays.

    Returns:
        In the same order: the k-th smallest of m times m - k + 1, never below its predecessor
        and never above 1.
    """
    corrected = [float("nan")] * len(values)
    tested = [index for index, p in enumerate(values) if not np.isnan(p)]
    highest = 0.0
    for rank, index in enumerate(sorted(tested, key=lambda index: values[index])):
        highest = max(highest, min(1.0, (len(tested) - rank) * values[index]))
        corrected[index] = highest
    return corrected


def correct(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Give comparisons that belong together Holm's p.

    Args:
        comparisons: one family.

    Returns:
        The same with `p_holm`.
    """
    corrected = holm([comparison.p for comparison in comparisons])
    return [replace(c, p_holm=p) for c, p in zip(comparisons, corrected, strict=True)]


def all_pairs(groups: Mapping[str, npt.ArrayLike]) -> list[Comparison]:
    """Compare every two groups by the rank-sum test, one family.

    Args:
        groups: values by name.

    Returns:
        Comparisons of each later group (first) with each earlier one (second), as the rows and
        columns of Tables VI to IX stand.
    """
    pairs = [(later, earlier) for earlier, later in combinations(groups, 2)]
    return correct([rank_sum(groups[a], groups[b], (a, b)) for a, b in pairs])


def asterisks(p: float) -> str:
    """Mark a p-value as the paper does.

    Args:
        p: a p-value.

    Returns:
        `***` below 0.001, `**` below 0.01, `*` below 0.05, else `-`; '' for nan.
    """
    if np.isnan(p):
        return ""
    return next((mark for level, mark in LEVELS if p < level), "-")
