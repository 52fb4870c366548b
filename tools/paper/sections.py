"""The tables of docs/paper.md, one function each: the paper's figures beside those of results."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cxr_tf.measures.bootstrap import mean_estimate
from tools.paper import analysis_tables
from tools.paper.ablations import ABLATIONS, SHARES
from tools.paper.beside import Beside, beside
from tools.paper.maps import figures_7_and_8
from tools.paper.published import (
    FILMS,
    JSRT,
    MANIFEST_CLASSES,
    METRICS,
    TABLE_II,
    TABLE_III,
    TABLE_X,
    TABLE_XI,
    TABLE_XII,
    TABLE_XIV,
    TABLE_XV,
    TABLE_XVI,
    TABLE_XVII,
    THREE,
)
from tools.paper.rows import CLASSES, FOLDERS, HEADER, OPEN, Results, cells, compared, paired, table

#: Evaluations of the segmentation.
SEGMENTED, MONTGOMERY = "version_1/segmentation_test", "version_1/segmentation_montgomery"
Lines = list[str]


def _with_count(title: str, found: Mapping[str, Any] | None) -> str:
    return f"{title}, {found['n']}/{found['patients']}" if found else title


def _with_spread(paper: float, found: dict[str, Any] | None, spread: str) -> str:
    _, value, _, away = cells(paper, found)
    return f"{value} ± {spread}, {away}" if found else OPEN


def table_i(results: Results) -> Lines:
    """Count the films of the segmentation that are kept apart; results lack those trained on."""
    rows = []
    for title, paper, name, group in (
        ("JSRT/SCR, kept apart (the paper: validation)", "50", SEGMENTED, "all"),
        ("Montgomery, normal", "73", MONTGOMERY, "class=normal"),
        ("Montgomery, tuberculosis", "–", MONTGOMERY, "class=tuberculosis"),
    ):
        found = (results.metrics(name) or {}).get("groups", {}).get(group)
        here = f"{found['n']} of {found['patients']}" if found else OPEN
        rows.append((title, paper, here, f"{found['n'] - int(paper):+d}" if found and
                     paper.isdigit() else "–"))  # fmt: skip
    return table(("films", "paper", "here (n, of patients)", "difference"), rows)


def _counted(results: Results) -> tuple[Counter[tuple[str, str]], dict[str, Counter[str]]]:
    films = results.rows("analysis/all", "biomarkers.csv")
    by_source = Counter((film["source"], film["class"]) for film in films)
    splits = {"total": Counter(film["class"] for film in films)}
    for name in ("validation", "test"):
        found = results.rows(f"version_1/{name}", "predictions.csv")
        splits[name] = Counter(film["class"] for film in found)
    splits["training"] = splits["total"] - splits["validation"] - splits["test"]
    return by_source, splits


def table_ii(results: Results) -> Lines:
    """Count films by source and class."""
    found, _ = _counted(results)
    keys = [*TABLE_II, *(key for key in sorted(found) if key not in TABLE_II)]
    rows = [
        (f"{source}, {label}", str(TABLE_II.get((source, label), "–")), str(found[source, label]),
         f"{found[source, label] - TABLE_II[source, label]:+d}" if (source, label) in TABLE_II
         else "–")
        for source, label in keys
    ]  # fmt: skip
    return table(("source, class", "paper", "here", "difference"), rows)


def table_iii(results: Results) -> Lines:
    """Count films by split and class."""
    _, found = _counted(results)
    rows = []
    for split, paper in TABLE_III.items():
        own = [found[split][name] for name in MANIFEST_CLASSES]
        texts = [f"{here} ({there})" for here, there in zip(own, paper, strict=True)]
        rows.append((split, *texts, f"{sum(own)} ({sum(paper)})"))
    return table(("here (paper)", *MANIFEST_CLASSES, "total"), rows)


def table_v(results: Results) -> Lines:
    """Jaccard similarity, and the effect of normalisation at equal budgets."""
    rows = []
    for title, paper, name, group, part in (
        ("JSRT, lungs", JSRT[0], SEGMENTED, "all", "lung"),
        ("JSRT, heart", JSRT[1], SEGMENTED, "all", "heart"),
        ("Montgomery normals, lungs", 0.943, MONTGOMERY, "class=normal", "lung"),
        ("the same, short training", 0.943, "ablations/short_montgomery", "class=normal", "lung"),
        (
            "the same, not normalised",
            0.932,
            "ablations/short_plain_montgomery",
            "class=normal",
            "lung",
        ),
    ):
        found = results.figure(name, group, "jaccard", part)
        sd = f"{found['sd']:.3f}" if found and found["sd"] is not None else "–"
        rows.append((_with_count(title, found), f"{paper:.3f}", _with_spread(paper, found, sd)))
    p = paired(results, "ablations/short_montgomery", "ablations/short_plain_montgomery", "normal")
    shipped = results.training_of(SEGMENTED)
    return [
        *table(("films/patients", "paper", "here ± SD, difference"), rows),
        "",
        f"The two short trainings compared by the signed-rank test: {p}. The paper: p < 0.001.",
        results.budgets(shipped, "short", "short_plain"),
    ]


def _biomarker(name: str, figure: str, supine: bool = True) -> Callable[[Results], Lines]:
    def section(results: Results) -> Lines:
        measured = [x for x in results.rows("analysis/adults", "biomarkers.csv") if x[figure]]
        films = [x for x in measured if supine or x["view"] != "AP Supine"]
        marks = {row[""]: row for row in results.rows("analysis/adults", f"table_{name}.csv")}
        rows = []
        for place, (label, title, (mean, sd, paper)) in enumerate(
            zip(MANIFEST_CLASSES, analysis_tables.CLASSES, analysis_tables.PAPER[name], strict=True)
        ):
            own = [film for film in films if film["class"] == label]
            values = [float(film[figure]) for film in own]
            found, spread = None, "–"
            if own:
                patients = [film["patient_id"] or film["path"] for film in own]
                found = mean_estimate(values, patients).record()
                spread = f"{np.std(values, ddof=1):.3f}" if len(own) > 1 else "–"
            here = ", ".join(marks[title][x] for x in analysis_tables.CLASSES[:place]
                             if title in marks)  # fmt: skip
            if not supine and len(own) == sum(x["class"] == label for x in measured):
                continue
            rows.append((_with_count(title, found), f"{mean:.3f} ± {sd:.3f}",
                         _with_spread(mean, found, spread), paper, here))  # fmt: skip
        header = ("class, films/patients", "paper ± SD", "here ± SD, difference",
                  "asterisks, paper", "asterisks, here (Holm)")  # fmt: skip
        return table(header, rows or [(OPEN,) * len(header)])

    return section


def _approaches(papers: Mapping[str, Sequence[float]]) -> list[Beside]:
    return [
        (approach, papers[approach], [(films, folder, group) for group, films in FILMS.items()])
        for approach, folder in FOLDERS.items()
    ]


def _overall(metric: str) -> tuple[str, ...]:
    return ("overall", metric)


def table_x(results: Results) -> Lines:
    """Local against global, on the films of the paper's list and on all."""
    counts = [f"{films}: {results.counted(FOLDERS['local'], group)}"
              for group, films in FILMS.items()]  # fmt: skip
    return [
        *beside(results, METRICS, _overall, _approaches(TABLE_X)),
        "",
        f"Films: {'; '.join(counts)}.",
        results.budgets(*(results.training_of(folder) for folder in FOLDERS.values())),
    ]


def table_xi(results: Results) -> Lines:
    """Sensitivity by class."""
    groups: list[Beside] = [
        (approach, TABLE_XI[approach], [(FILMS["paper_list"], folder, "paper_list")])
        for approach, folder in FOLDERS.items()
    ]
    return beside(results, CLASSES, lambda name: ("by_class", name, "sensitivity"), groups)


def table_xii(results: Results) -> Lines:
    """Sensitivity and precision for COVID-Net's three classes, by patient."""
    rows: list[tuple[str, ...]] = [(name, *paper) for name, paper in TABLE_XII.items()]
    for approach in TABLE_X:
        folder = f"classification/three_{approach}"
        found = [
            [results.figure(folder, "all", "by_class", name, figure) for name in THREE]
            for figure in ("sensitivity", "precision")
        ]
        shown = [", ".join(_in_per_cent(each) for each in own) for own in found]
        count = sum(each["n"] for each in found[0] if each)
        rows.append(
            (f"here, {approach} (n={count})", *shown)
            if count
            else (f"here, {approach}", OPEN, OPEN)
        )
    return table(("method", "sensitivity in %", "precision in %"), rows)


def _in_per_cent(found: Mapping[str, Any] | None) -> str:
    if not found:
        return "–"
    value, low, high = (100 * found[key] for key in ("value", "low", "high"))
    return f"{value:.0f} ({low:.0f}–{high:.0f})"


def table_xiii(results: Results) -> Lines:
    """Two segmentation networks at equal budgets."""
    rows = []
    for title, name, jsrt, montgomery in (
        ("U-Net", "short_u_net", 0.955, 0.941),
        ("FC-DenseNet103", "short", 0.955, 0.943),
    ):
        for films, folder, group, paper in (
            ("JSRT", f"ablations/{name}_test", "all", jsrt),
            ("Montgomery normals", f"ablations/{name}_montgomery", "class=normal", montgomery),
        ):
            found = results.figure(folder, group, "jaccard", "lung")
            rows.append((title, _with_count(films, found), f"{paper:.3f}", compared(paper, found)))
    short = "ablations/short"
    tests = [
        f"{films}: {paired(results, f'{short}_{place}', f'{short}_u_net_{place}', label)}"
        for films, place, label in (("JSRT", "test", ""), ("Montgomery", "montgomery", "normal"))
    ]
    return [
        *table(("network", "films/patients", "paper", "here, difference"), rows),
        "",
        f"The networks compared by the signed-rank test: {'; '.join(tests)}. "
        "The paper: p > 0.05 for both.",
        results.budgets("short_u_net", "short"),
    ]


def _ablated(ablations: Mapping[str, tuple[str, Sequence[float]]]) -> Callable[[Results], Lines]:
    def section(results: Results) -> Lines:
        assert all(name in ABLATIONS for name in ablations)
        there = any(results.metrics(f"ablations/{name}_test") for name in ablations)
        groups: list[Beside] = [
            (title, paper, [("here", f"ablations/{name}_test", "all")] if there else [])
            for name, (title, paper) in ablations.items()
        ]
        lines = beside(results, METRICS, _overall, groups)
        return [*lines, "", results.budgets(*ablations)] if there else lines

    return section


def table_xv(results: Results) -> Lines:
    """Size of the training set, normalised and not."""
    kinds = {"normalised": "short", "original": "short_plain"}
    header = ["share"]
    for kind in kinds:
        header += [f"{kind}: paper", f"{kind}: here", "p against 100 %", "budget"]
    rows = []
    for share, papers in TABLE_XV.items():
        row = [f"{share} %"]
        for name, paper in zip(kinds.values(), papers, strict=True):
            own = name if share == 100 else f"{name}_{share}"
            found = results.figure(f"ablations/{own}_montgomery", "class=normal", "jaccard", "lung")
            p = paired(
                results, f"ablations/{name}_montgomery", f"ablations/{own}_montgomery", "normal"
            )
            row += [f"{paper:.3f}", compared(paper, found),
                    "–" if share == 100 else p.partition(",")[0].removeprefix("p = "),
                    results.spent(own) or OPEN]  # fmt: skip
        rows.append(row)
    return table(header, rows)


def figure_6(results: Results) -> Lines:
    """Confusion matrices of both approaches, a matrix a column."""
    matrices = {}
    for approach, folder in FOLDERS.items():
        found = (results.metrics(folder) or {}).get("groups", {}).get("paper_list")
        matrices[approach] = found["confusion"] if found else None
    rows = [
        (name, *("/".join(map(str, matrix[place])) if matrix else OPEN
                 for matrix in matrices.values()))
        for place, name in enumerate(CLASSES)
    ]  # fmt: skip
    return table(("true class", *matrices), rows)


def figure_10(results: Results) -> Lines:
    """First, best and last validation of both approaches."""
    rows: list[tuple[str, ...]] = []
    for title, name in (("global", "global"), ("local, the same options", "base"),
                        ("local, shipped", "local")):  # fmt: skip
        history = results.rows(f"training/{name}", "history.csv")
        seen = [row for row in history if row.get("validation_f1")]
        if not seen:
            rows.append((title, *(OPEN,) * 4))
            continue
        best = max(seen, key=lambda row: float(row["validation_f1"]))
        told = [f"{float(x['validation_accuracy']):.3f}, {float(x['validation_f1']):.3f} "
                f"(epoch {int(x['epoch']) + 1})" for x in (best, seen[-1])]  # fmt: skip
        losses = [f"{float(row['loss']):.3f}" for row in (history[0], history[-1])]
        rows.append((title, *losses, *told))
    header = ("training", "training loss, first epoch", "last epoch",
              "validation accuracy, F1: best", "last")  # fmt: skip
    return [*table(header, rows), "", results.budgets("global", "base", "local")]


def figure_12(results: Results) -> Lines:
    """Accuracy by size of the training set; the paper prints no numbers."""
    rows = []
    for approach in ("patch224", "global"):
        for share in (100, *SHARES):
            own = approach if share == 100 else f"{approach}_{share}"
            found = results.figure(f"ablations/{own}_test", "all", "overall", "accuracy")
            title = "local" if approach == "patch224" else "global"
            spent = results.spent(own) or OPEN
            rows.append((title, f"{share} %", compared(None, found), spent))
    return table(("approach", "share", HEADER[1], "budget"), rows)


def _reused(section: Callable[[Path], Lines], folder: str, file: str) -> Callable[[Results], Lines]:
    """Write a table of an analysis; it is open where the analysis is missing."""

    def wrapped(results: Results) -> Lines:
        path = results.folder / folder
        return section(path) if (path / file).is_file() else [OPEN]

    return wrapped


def figure_11(results: Results) -> Lines:
    """Give the distances between sources before and after normalisation."""
    folders = {"adults": "analysis/adults", "all films": "analysis/all"}
    found = {title: results.folder / name for title, name in folders.items()
             if (results.folder / name / "heterogeneity.csv").is_file()}  # fmt: skip
    return analysis_tables.heterogeneity(found) if found else [OPEN]


def section_v_f(results: Results) -> Lines:
    """Under-segmented films, and telling ill from well by the mask alone."""
    found = {row[""]: row for row in results.rows("analysis/adults", "under_segmentation.csv")}
    rows = [
        (name, analysis_tables.UNDER_SEGMENTED.get(name, "(counted with Viral)"),
         f"{found[name]['under-segmented']} of {found[name]['n']}" if name in found else OPEN)
        for name in analysis_tables.CLASSES
    ]  # fmt: skip
    for title, folder in (
        ("whole film", "ablations/mask_global_test"),
        ("patches", "ablations/mask_test"),
    ):
        own, here = results.rows(folder, "predictions.csv"), OPEN
        ill = [row for row in own if row["truth"] != "normal"]
        if ill:
            called = [float(row["label"] not in ("normal", "")) for row in ill]
            patients = [row["patient_id"] or row["path"] for row in ill]
            text = cells(None, mean_estimate(called, patients).record())
            well = [row for row in own if row["truth"] == "normal"]
            right = sum(row["label"] == "normal" for row in well)
            here = f"{text[1]}, n={text[2]}; normal for normal {right} of {len(well)}"
        rows.append((f"mask alone, {title}: ill for ill", "0.869", here))
    return table(("under-segmented films; sensitivity", "paper", "here"), rows)


#: Tables of docs/paper.md.
TABLES: dict[str, Callable[[Results], Lines]] = {
    "i": table_i, "ii": table_ii, "iii": table_iii, "v": table_v,
    "vi": _biomarker("vi", "lung_mean"), "vii": _biomarker("vii", "lung_sd"),
    "viii": _biomarker("viii", "lung_sd", supine=False),
    "ix": _biomarker("ix", "cardiothoracic_ratio"),
    "x": table_x, "xi": table_xi, "xii": table_xii, "xiii": table_xiii,
    "xiv": _ablated(TABLE_XIV), "xv": table_xv,
    "xvii": _ablated({
        "whole": ("224 without mask", TABLE_XVI["whole"]),
        **{f"patch{size}": (f"{size} with mask", TABLE_XVII[f"patch{size}"])
           for size in (224, 112, 448)},
    }),
    "v-f": section_v_f,
}  # fmt: skip
#: Tables of results/paper/figures.md: figures for which the paper prints no numbers.
FIGURES: dict[str, Callable[[Results], Lines]] = {
    "fig5": _reused(analysis_tables.patches, "analysis/test", "patch_means.csv"),
    "fig6": figure_6, "fig7": figures_7_and_8, "fig10": figure_10, "fig11": figure_11,
    "fig12": figure_12,
}  # fmt: skip
SECTIONS = TABLES | FIGURES
