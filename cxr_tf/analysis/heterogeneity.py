"""How far sources lie apart in intensity, before and after normalisation (Fig. 11)."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from scipy.stats import wasserstein_distance

from cxr_tf.analysis.measure import BINS, Measured
from cxr_tf.analysis.table_files import PaperTable
from cxr_tf.measures.metrics import Floats

PARTS = ("lung", "heart")
STAGES = ("before", "after")
#: A source with fewer films is left out.
LEAST_FILMS = 5


def film_means(films: Sequence[Measured], part: str, stage: str) -> dict[str, Floats]:
    """Sort the films' mean intensities by source.

    Args:
        films: the films measured.
        part: `lung` or `heart`.
        stage: `before` or `after` normalisation.

    Returns:
        Means in 0..1 by source, sorted; films without the part, and sources with fewer than
        `LEAST_FILMS` that have it, are left out.
    """
    groups: dict[str, list[float]] = {}
    for film in films:
        one = film.raw if stage == "before" else film.found
        value = float(getattr(one, f"{part}_mean"))
        if math.isfinite(value):
            groups.setdefault(film.row.source or "unknown", []).append(value)
    return {
        name: np.array(values)
        for name, values in sorted(groups.items())
        if len(values) >= LEAST_FILMS
    }


def pixel_histograms(films: Sequence[Measured], part: str, stage: str) -> dict[str, Floats]:
    """Average the films' histograms by source; every film counts the same.

    Args:
        films: the films measured.
        part: `lung` or `heart`.
        stage: `before` or `after` normalisation.

    Returns:
        Shares of the part's pixels by intensity, float64 [BINS], by the sources of `film_means`.
    """
    place = 2 * PARTS.index(part) + STAGES.index(stage)
    found = {}
    for name in film_means(films, part, stage):
        own = [f.histograms[place] for f in films if (f.row.source or "unknown") == name]
        found[name] = np.mean([histogram for histogram in own if histogram.any()], axis=0)
    return found


def histogram_distance(one: Floats, other: Floats) -> float:
    """Compute Wasserstein's distance of two histograms over 0..1.

    Args:
        one: shares [BINS].
        other: shares [BINS].

    Returns:
        0..1, in units of intensity.
    """
    centres = (np.arange(BINS) + 0.5) / BINS
    return float(wasserstein_distance(centres, centres, one, other))


def _spread(groups: Mapping[str, Floats]) -> float:
    """SD over all films; nan where they are all alike."""
    values = np.concatenate([*groups.values(), np.empty(0)])
    return float(values.std(ddof=1)) if len(values) > 1 and np.ptp(values) else float("nan")


def distance_table(films: Sequence[Measured]) -> PaperTable:
    """Compare every two sources, before and after normalisation.

    Args:
        films: the films measured.
    """
    rows = []
    for part in PARTS:
        means = [film_means(films, part, stage) for stage in STAGES]
        pixels = [pixel_histograms(films, part, stage) for stage in STAGES]
        spreads = [_spread(group) for group in means]
        distances = []
        for one, other in combinations(means[0], 2):
            of_means = [float(wasserstein_distance(g[one], g[other])) for g in means]
            of_pixels = [histogram_distance(g[one], g[other]) for g in pixels]
            relative = [d / sd for d, sd in zip(of_means, spreads, strict=True)]
            distances.append([*of_means, *relative, *of_pixels])
            sizes = [str(len(means[0][name])) for name in (one, other)]
            rows.append([part, one, other, *sizes, *(f"{x:.3f}" for x in distances[-1])])
        if distances:
            average = np.mean(distances, axis=0)
            rows.append([part, "mean of all pairs", "", "", "", *(f"{x:.3f}" for x in average)])
    columns = ("film means", "film means / SD", "pixels")
    header = ["part", "source", "source ", "n", "n ",
              *(f"{column}, {stage}" for column in columns for stage in STAGES)]  # fmt: skip
    note = (
        "Wasserstein's distance between sources: of the films' mean intensities, in units of "
        "intensity (0..1) and of their SD over all films, and of the pixels' intensities, every "
        "film counting the same. Source and class go together in such data: a distance that stays "
        "may be disease."
    )
    title = "Distance between sources before and after normalisation (Fig. 11)"
    return PaperTable("heterogeneity", title, header, rows, note)
