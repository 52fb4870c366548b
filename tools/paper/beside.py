"""Tables of docs/paper.md in which each training has columns for the paper's figures and ours."""

from collections.abc import Callable, Sequence

from tools.paper.rows import Results, compared, table

#: A column group: its title, the paper's figures, and our evaluations by the films they are of.
Beside = tuple[str, Sequence[float], Sequence[tuple[str, str, str]]]


def beside(
    results: Results,
    names: Sequence[str],
    keys: Callable[[str], tuple[str, ...]],
    groups: Sequence[Beside],
) -> list[str]:
    """Write a row for each figure; the paper's and ours side by side for each training.

    Args:
        results: the results.
        names: of the figures, in the order of the paper's.
        keys: the way to a figure below a group of films.
        groups: of columns.
    """
    header = [""]
    for title, _, ours in groups:
        header += [f"{title}: paper", *(f"{title}: {films}" for films, _, _ in ours)]
    rows = []
    for place, name in enumerate(names):
        row = [name]
        for _, paper, ours in groups:
            there = paper[place]
            found = (results.figure(folder, group, *keys(name)) for _, folder, group in ours)
            row += [f"{there:.3f}", *(compared(there, x) for x in found)]
        rows.append(row)
    return table(header, rows)
