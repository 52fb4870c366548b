"""Tables about biomarkers and patches, made from what `cxr_tf.analyse` wrote."""

from pathlib import Path

import numpy as np

from cxr_tf.measures.statistics import signed_rank
from cxr_tf.runtime.markdown import markdown_table
from pipelines.text_table import read_text_table

CLASSES = ("Normal", "Tuberculosis", "Bacteria", "Viral", "COVID-19")
#: Tables VI to IX: mean, STD and asterisks against the classes above, by class.
PAPER = {
    "vi": (
        (0.540, 0.055, ""), (0.523, 0.043, "*"), (0.558, 0.054, "-, ***"),
        (0.509, 0.047, "**, -, ***"), (0.506, 0.051, "***, **, ***, -"),
    ),
    "vii": (
        (0.139, 0.017, ""), (0.136, 0.016, "-"), (0.145, 0.019, "*, **"),
        (0.165, 0.022, "***, ***, ***"), (0.163, 0.022, "***, ***, ***, -"),
    ),
    "viii": (
        (0.139, 0.017, ""), (0.136, 0.016, "-"), (0.143, 0.020, "-, -"),
        (0.163, 0.025, "***, ***, **"), (0.161, 0.022, "***, ***, ***, -"),
    ),
    "ix": (
        (0.446, 0.051, ""), (0.476, 0.078, "*"), (0.472, 0.074, "-, -"),
        (0.502, 0.064, "***, *, -"), (0.499, 0.086, "***, ***, *, -"),
    ),
}  # fmt: skip
#: Under-segmented films, section V-F.
UNDER_SEGMENTED = {
    "Normal": "0 of 191", "Tuberculosis": "2 of 57", "Bacteria": "7 of 54",
    "Viral": "5 of 200 with COVID-19",
}  # fmt: skip


def read(path: Path) -> list[dict[str, str]]:
    """Read a table of results, row by row.

    Args:
        path: CSV; its first column may have no name.
    """
    rows: list[dict[str, str]] = read_text_table(path).to_dict("records")
    return rows


def patches(folder: Path) -> list[str]:
    """Fig. 5: mean and SD of the patches decided rightly.

    Args:
        folder: of the analysis.

    Returns:
        A table; its last column compares averages of films, the one before it patches.
    """
    rows = []
    for name, title in {"patch_means": "mean of a patch (a)",
                        "patch_sds": "SD within a patch (b)"}.items():  # fmt: skip
        found, by_film = read(folder / f"{name}.csv"), read(folder / f"{name}_by_film.csv")
        names = [row[""] for row in found]
        for place, (row, film) in enumerate(zip(found, by_film, strict=True)):
            marks = (", ".join(x[earlier] for earlier in names[:place]) for x in (row, film))
            rows.append((title if not place else "", row[""], f"{row['n']}/{row['films']}",
                         f"{row['Mean']} ± {row['STD']}", *marks))  # fmt: skip
    header = ("Fig. 5", "class", "patches/films", "mean ± SD", "asterisks (Holm)",
              "the same, one average a film")  # fmt: skip
    return markdown_table(header, rows, escape="|*")


def heterogeneity(folders: dict[str, Path]) -> list[str]:
    """Fig. 11: distance between sources before and after normalisation.

    Args:
        folders: of analyses, by the films they are of.
    """
    rows: list[tuple[str, ...]] = []
    header: tuple[str, ...] = ("films", "part")
    for title, folder in folders.items():
        for row in read(folder / "heterogeneity.csv"):
            if row["source"] == "mean of all pairs":
                figures = {k: v for k, v in row.items() if k.partition(",")[2]}
                header = ("films", "part", *figures)
                rows.append((title, row["part"], *figures.values()))
    return markdown_table(header, rows)


def masks_compared(predicted: Path, true: Path) -> list[str]:
    """Compare biomarkers inside predicted masks with those inside masks drawn by hand, by source.

    Args:
        predicted: folder of an analysis with predicted masks, of at least the same films.
        true: folder of one with true masks.
    """
    found = {row["path"]: row for row in read(predicted / "biomarkers.csv")}
    drawn, rows = read(true / "biomarkers.csv"), []
    for source in sorted({row["source"] for row in drawn}):
        for figure in ("lung_mean", "lung_sd", "cardiothoracic_ratio"):
            pairs = [
                (float(found[row["path"]][figure]), float(row[figure]))
                for row in drawn
                if row["source"] == source and row[figure] and found[row["path"]][figure]
            ]
            if len(pairs) > 1:
                test = signed_rank(*zip(*pairs, strict=True))
                away = np.subtract(*np.transpose(pairs))
                rows.append((source, figure, str(len(pairs)), f"{np.mean(pairs, 0)[1]:.3f}",
                             f"{away.mean():+.4f} ± {away.std(ddof=1):.4f}",
                             f"{np.abs(away).max():.3f}", f"{test.p:.2g}"))  # fmt: skip
    header = ("source", "biomarker", "n", "mean, drawn by hand", "predicted - drawn ± SD",
              "largest difference", "p (signed rank)")  # fmt: skip
    return markdown_table(header, rows)
