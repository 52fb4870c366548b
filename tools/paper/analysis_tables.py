"""Tables of results/README.md about biomarkers: the paper's figures beside those of an analysis."""

from collections.abc import Iterable, Sequence
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
TITLES = {
    "vi": "VI: mean intensity of the lungs",
    "vii": "VII: SD of the lungs' intensity",
    "viii": "VIII: the same without AP Supine",
    "ix": "IX: cardiothoracic ratio",
}
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


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [*markdown_table(header, rows, escape="|*"), ""]


def biomarkers(folder: Path) -> list[str]:
    """Tables VI to IX and under-segmentation, the paper's figures beside ours.

    Args:
        folder: of the analysis.
    """
    rows = []
    for table, paper in PAPER.items():
        found = {row[""]: row for row in read(folder / f"table_{table}.csv")}
        for place, (name, (mean, sd, marks)) in enumerate(zip(CLASSES, paper, strict=True)):
            own = found[name]
            here = ", ".join(own[earlier] for earlier in CLASSES[:place])
            rows.append((
                TITLES[table] if not place else "", name, f"{mean:.3f} ± {sd:.3f}", marks, own["n"],
                f"{own['Mean']} ± {own['STD']}", here,
            ))  # fmt: skip
    header = ("table", "class", "paper", "against the classes above", "n", "here",
              "against the classes above (Holm)")  # fmt: skip
    lines = ["### Biomarkers of adults (Tables VI to IX)", "", *_table(header, rows)]
    flagged = [
        (row[""], UNDER_SEGMENTED.get(row[""], ""), f"{row['under-segmented']} of {row['n']}")
        for row in read(folder / "under_segmentation.csv")
    ]
    lines += ["### Under-segmented films of adults (section V-F)", ""]
    lines += _table(("class", "paper", "here, told from the label map"), flagged)
    tried = read(folder / "under_segmentation_tried.csv")
    return lines + _table(tuple(tried[0]), [tuple(row.values()) for row in tried])


def patches(folder: Path) -> list[str]:
    """Fig. 5: mean and SD of the patches decided rightly.

    Args:
        folder: of the analysis.
    """
    rows = []
    for name, title in {
        "patch_means": "mean of a patch (a)",
        "patch_means_by_film": "the same, one average a film",
        "patch_sds": "SD within a patch (b)",
        "patch_sds_by_film": "the same, one average a film",
    }.items():
        found = read(folder / f"{name}.csv")
        names = [row[""] for row in found]
        for place, row in enumerate(found):
            marks = ", ".join(row[earlier] for earlier in names[:place])
            rows.append((title if not place else "", row[""], row["films"], row["n"],
                         f"{row['Mean']} ± {row['STD']}", marks))  # fmt: skip
    header = ("Fig. 5", "class", "films", "n", "mean ± SD", "against the classes above (Holm)")
    return ["### Patches decided rightly, all test films (Fig. 5)", "", *_table(header, rows)]


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
    return [
        "### Wasserstein distance between sources, mean of all pairs (Fig. 11)",
        "",
        *_table(header, rows),
    ]


def within_a_source(folder: Path) -> list[str]:
    """Tables VI to IX of one source alone: raw p, Holm's p and effect of every comparison.

    Args:
        folder: of the analysis.
    """
    found = [row for row in read(folder / "comparisons.csv") if row["table"] != "VIII"]
    rows = [
        (row["table"], row["first"], row["second"], row["n first"], row["n second"], row["p"],
         row["p (Holm)"], row["effect"])
        for row in found
    ]  # fmt: skip
    header = ("table", "first", "second", "n first", "n second", "p", "p (Holm)", "effect")
    return ["### Biomarkers within Cohen's collection", "", *_table(header, rows)]


def masks_compared(predicted: Path, true: Path) -> list[str]:
    """Biomarkers inside predicted masks against those inside masks drawn by hand, by source.

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
    title = "### Biomarkers inside predicted masks against masks drawn by hand"
    return [title, "", *_table(header, rows)]


def analysis(folder: Path) -> list[str]:
    """Every table about biomarkers.

    Args:
        folder: the results, with `analysis/adults` and, where they were made, `analysis/cohen`,
            `analysis/test`, `analysis/all` and `analysis/true_masks`.
    """
    adults = folder / "analysis" / "adults"
    made = {name: folder / "analysis" / name for name in ("cohen", "test", "all", "true_masks")}
    made = {name: path for name, path in made.items() if (path / "analysis.json").is_file()}
    sources = {"adults": adults} | {k: v for k, v in made.items() if k == "all"}
    return [
        *biomarkers(adults),
        *(within_a_source(made["cohen"]) if "cohen" in made else []),
        *(patches(made["test"]) if "test" in made else []),
        *heterogeneity(sources),
        *(masks_compared(adults, made["true_masks"]) if "true_masks" in made else []),
    ]
