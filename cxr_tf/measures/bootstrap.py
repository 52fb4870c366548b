"""Bootstrap intervals over patients: films of one patient are drawn together."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

SAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure with its bootstrap interval and what it rests on.

    Attributes:
        value: the figure on all films; nan if undefined.
        low: lower end of the 95 % interval; nan if undefined.
        high: its upper end.
        n: films.
        patients: patients these films come from.
    """

    value: float
    low: float
    high: float
    n: int
    patients: int

    def record(self) -> dict[str, float | int | None]:
        """Return the fields for JSON, which has no nan: undefined is null."""
        return {key: None if value != value else value for key, value in asdict(self).items()}

    def __str__(self) -> str:
        """Return text such as `0.889 (0.820-0.943), n=99`."""
        if np.isnan(self.value):
            return f"undefined, n={self.n}"
        interval = "no interval" if np.isnan(self.low) else f"{self.low:.3f}-{self.high:.3f}"
        return f"{self.value:.3f} ({interval}), n={self.n}"


def resample_patients(
    patients: Sequence[str], samples: int = SAMPLES, seed: int = 0
) -> npt.NDArray[np.int64]:
    """Draw bootstrap samples: as many patients as there are, with replacement.

    Args:
        patients: n patient identifiers, one a film.
        samples: the number of samples S, at least 1.
        seed: equal seeds give equal samples.

    Returns:
        int64 [S, n], how often each film stands in each sample; all films of a patient alike.

    Raises:
        ValueError: if samples is below 1.
    """
    if samples < 1:
        raise ValueError(f"{samples} bootstrap samples: ask for at least 1")
    names, group = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    if not len(names):
        return np.zeros((samples, 0), np.int64)
    shares = np.full(len(names), 1 / len(names))
    draws = np.random.default_rng(seed).multinomial(len(names), shares, size=samples)
    return draws[:, group]


def percentile_interval(values: npt.ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """Return the central interval of bootstrap values.

    Args:
        values: float [S], the figure in each sample; nan where it is undefined (a class not
            drawn). Such samples are left out.
        level: share of the values inside, in (0, 1).

    Returns:
        (low, high); (nan, nan) if more than half of the samples are undefined.
    """
    figures = np.asarray(values, dtype=np.float64)
    defined = figures[~np.isnan(figures)]
    if not len(defined) or 2 * len(defined) < len(figures):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def estimate(value: float, sampled: npt.ArrayLike, patients: Sequence[str]) -> Estimate:
    """Join a figure and its bootstrap values.

    Args:
        value: the figure on all films.
        sampled: float [S], the figure in each bootstrap sample.
        patients: n patient identifiers, one a film.

    Returns:
        The figure with its 95 % interval; no interval from fewer than two patients, or if the
        figure itself is undefined.
    """
    count = len(set(patients))
    low, high = float("nan"), float("nan")
    if count > 1 and not np.isnan(value):
        low, high = percentile_interval(sampled)
    return Estimate(float(value), low, high, len(patients), count)


def mean_estimate(
    values: npt.ArrayLike, patients: Sequence[str], samples: int = SAMPLES, seed: int = 0
) -> Estimate:
    """Return the mean over films with an interval over patients.

    Args:
        values: float [n], one value a film, finite.
        patients: n patient identifiers, one a film.
        samples: bootstrap samples.
        seed: their seed.

    Returns:
        The mean, its interval and counts; nan for no films.

    Raises:
        ValueError: if the lengths differ.
    """
    figures = np.asarray(values, dtype=np.float64)
    if figures.shape != (len(patients),):
        raise ValueError(f"values {figures.shape} do not match {len(patients)} patients")
    if not len(figures):
        return Estimate(float("nan"), float("nan"), float("nan"), 0, 0)
    weights = resample_patients(patients, samples, seed)
    return estimate(float(figures.mean()), weights @ figures / weights.sum(axis=1), patients)
