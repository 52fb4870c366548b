"""Tables VI to IX and what belongs to them: markers by class, compared and tested."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cxr_tf.analysis.cohort import CLASSES, by_class
from cxr_tf.analysis.measure import Measured
from cxr_tf.analysis.table_files import PaperTable
from cxr_tf.measures.metrics import Floats
from cxr_tf.measures.statistics import Comparison, all_pairs, asterisks, normality
from cxr_tf.measures.under_segmentation import LIMIT

MARKS = (
    "Asterisks as in the paper, of the raw p of the rank-sum test, and in brackets of p corrected "
    "after Holm within the table: * p < 0.05, ** p < 0.01, *** p < 0.001, - not significant. Every "
    "film counts, also several of one patient."
)


@dataclass(frozen=True)
class Marker:
    """A table of the paper.

    Attributes:
        table: its number.
        figure: the biomarker, a field of `Biomarkers`.
        title: what it is.
        supine: whether films of patients lying on the back count.
    """

    table: str
    figure: str
    title: str
    supine: bool = True


MARKERS = (
    Marker("VI", "lung_mean", "Mean intensity of the lungs"),
    Marker("VII", "lung_sd", "Standard deviation of the lungs' intensity"),
    Marker("VIII", "lung_sd", "Standard deviation of the lungs' intensity, no AP Supine", False),
    Marker("IX", "cardiothoracic_ratio", "Cardiothoracic ratio"),
)


def marker_groups(films: Sequence[Measured], marker: Marker) -> dict[str, Floats]:
    """Sort the values of a marker by class.

    Args:
        films: the films measured.
        marker: what to take.

    Returns:
        Values by manifest class in the paper's order, without those that are missing; classes
        without values are left out.
    """
    rows = [film.row for film in films]
    groups = {}
    for name, indices in by_class(rows, supine=marker.supine).items():
        values = np.array([getattr(films[index].found, marker.figure) for index in indices])
        if np.isfinite(values).any():
            groups[name] = values[np.isfinite(values)]
    return groups


def _patients(films: Sequence[Measured], marker: Marker, name: str) -> int:
    rows = [film.row for film in films if math.isfinite(getattr(film.found, marker.figure))]
    return len({rows[index].patient for index in by_class(rows, supine=marker.supine)[name]})


def spread(values: Floats) -> float:
    """Compute the standard deviation over films.

    Args:
        values: float [n].

    Returns:
        With n - 1 in the denominator; nan for fewer than two.
    """
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def group_table(
    name: str,
    title: str,
    groups: Mapping[str, Floats],
    counted: tuple[str, Mapping[str, int]],
    names: Mapping[str, str] = CLASSES,
    note: str = MARKS,
) -> tuple[PaperTable, list[Comparison]]:
    """Lay out groups of values as Tables VI to IX do.

    Args:
        name: stem of the table's files.
        title: heading.
        groups: values by class, in order; none empty.
        counted: title of the column beside n, and its counts by class.
        names: how classes are written.
        note: sentences under the table.

    Returns:
        The table and the comparisons behind its asterisks.
    """
    found = all_pairs(groups)
    marks = {(c.first, c.second): f"{asterisks(c.p)} ({asterisks(c.p_holm)})" for c in found}
    earlier = list(groups)[:-1]
    rows = [
        [
            names[own], str(len(values)), str(counted[1][own]),
            f"{values.mean():.3f}", f"{spread(values):.3f}",
            *(marks.get((own, other), "") for other in earlier),
        ]
        for own, values in groups.items()
    ]  # fmt: skip
    header = ["", "n", counted[0], "Mean", "STD", *(names[other] for other in earlier)]
    return PaperTable(name, title, header, rows, note), found


def class_table(
    films: Sequence[Measured], marker: Marker
) -> tuple[PaperTable, dict[str, Floats], list[Comparison]]:
    """Make one of Tables VI to IX.

    Args:
        films: the films measured.
        marker: which.

    Returns:
        The table, the values by class, and the comparisons behind its asterisks.
    """
    groups = marker_groups(films, marker)
    patients = {name: _patients(films, marker, name) for name in groups}
    name, title = f"table_{marker.table.lower()}", f"Table {marker.table}: {marker.title}"
    table, found = group_table(name, title, groups, ("patients", patients))
    return table, groups, found


def comparison_table(
    found: Mapping[str, Sequence[Comparison]],
    name: str = "comparisons",
    names: Mapping[str, str] = CLASSES,
) -> PaperTable:
    """List every comparison behind the asterisks.

    Args:
        found: comparisons by the paper's table.
        name: stem of the table's files.
        names: how classes are written.
    """
    rows = [
        [table, names[c.first], names[c.second], str(c.n_first), str(c.n_second),
         f"{c.statistic:.1f}", f"{c.p:.3g}", f"{c.p_holm:.3g}", f"{c.effect:+.3f}"]
        for table, comparisons in found.items()
        for c in comparisons
    ]  # fmt: skip
    header = ["table", "first", "second", "n first", "n second", "U", "p", "p (Holm)", "effect"]
    note = "Effect: rank-biserial correlation (Cliff's delta), positive where the first is higher."
    return PaperTable(name, "Rank-sum tests of all pairs", header, rows, note)


def normality_table(groups: Mapping[str, Mapping[str, Floats]], seed: int = 0) -> PaperTable:
    """Test every class of every table for a normal distribution.

    Args:
        groups: values by the paper's table and manifest class.
        seed: seed of the sampling.
    """
    rows = []
    for table, classes in groups.items():
        for name, values in classes.items():
            found = normality(values, seed=seed)
            figures = (found.statistic, found.p, found.p_fitted)
            cells = ["" if math.isnan(x) else f"{x:.3f}" for x in figures]
            rows.append([table, CLASSES[name], str(found.n), *cells])
    header = ["table", "class", "n", "D", "p as in the paper", "p, parameters fitted"]
    note = (
        "Kolmogorov and Smirnov's distance from a normal distribution, values standardised first. "
        "The p of the paper's test forgets that mean and STD were fitted and is too large."
    )
    return PaperTable("normality", "Tests for a normal distribution", header, rows, note)


def under_segmentation_table(films: Sequence[Measured]) -> PaperTable:
    """Count the films whose label map misses more than a quarter of the lungs (section V-F).

    Args:
        films: the films measured.
    """
    rows = []
    for name, indices in by_class([film.row for film in films]).items():
        shares = np.array([films[index].found.under_segmentation for index in indices])
        shares = np.where(np.isnan(shares), 1.0, shares)  # no lung at all: everything is missed
        flagged = int((shares > LIMIT).sum())
        rows.append(
            [CLASSES[name], str(len(shares)), str(flagged), f"{100 * flagged / len(shares):.1f} %"]
        )
    note = (
        "Told from the label map alone, a lower bound: of Cohen's films it finds 3 of the 9 whose "
        "maps miss more than a quarter of the lungs that were drawn by hand."
    )
    header = ["", "n", "under-segmented", "share"]
    return PaperTable("under_segmentation", "Under-segmented films", header, rows, note)
