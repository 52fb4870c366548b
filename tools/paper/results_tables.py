"""Writes the tables of results/README.md: `python -m tools.paper.results_tables results`.

They come from the figures beside it. What stands between the marks `<!-- tables -->` and
`<!-- end of tables -->` is replaced, the words around them stay: no figure of a table is written
by hand.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from cxr_tf.measures.statistics import signed_rank
from cxr_tf.runtime.markdown import markdown_table
from pipelines.text_table import read_text_table
from tools.paper.analysis_tables import analysis, read

BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"
CLASSES = ("normal", "bacterial", "tuberculosis", "viral")
#: The paper's figures: section IV-A, Table V, Table X, Table XI and section V-F.
PAPER = {
    "jsrt lung": "0.955",
    "jsrt heart": "0.889",
    "montgomery": "0.943",
    "montgomery plain": "0.932",
    "local": ("0.889", "0.844", "0.925"),
    "global": ("0.707", "", ""),
    "mask": "0.869",
}
GROUPS = {
    "all": "all test films",
    "paper_list": "films on the paper's list",
    "without_films_seen_in_segmentation": "without the films that the segmentation was trained on",
    "cohort=adult": "adults",
    "cohort=paediatric": "children",
    "source=cohen": "Cohen's collection",
    "source=jsrt": "JSRT",
    "source=kermany": "Kermany",
    "source=montgomery": "Montgomery",
}
RUNS = {
    "base": "ImageNet with the 8-bit layer, ImageNet scaling",
    "random": "random weights",
    "raw255": "as the first, scaling raw255",
    "framed_masks": "as the first, masks of the shipped segmentation",
    "partial": "the row above, ImageNet without the 8-bit layer",
    "limit512": "two rows above, films reduced to 512 pixels",
    "global": "as the first, global (whole film)",
    "outside": "as the first, only what lies outside the lungs",
    "mask": "as the first, patches of the lung mask alone",
    "mask_global": "the lung mask alone, whole film, masks of the shipped segmentation",
    "local": "shipped: from the first, 20 epochs in balance, 512 pixels, varied patches",
}


def estimate(found: dict[str, Any] | None) -> str:
    """Write a figure with its interval.

    Args:
        found: `value`, `low` and `high`, or None where there is none.
    """
    if not found or found["value"] is None:
        return "–"
    return f"{found['value']:.3f} ({found['low']:.3f}–{found['high']:.3f})"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Write a Markdown table, with an empty line behind.

    Args:
        header: names of the columns.
        rows: cells.
    """
    return [*markdown_table(header, rows), ""]


def segmentation(read: Callable[[str], dict[str, Any]]) -> list[str]:
    """Jaccard similarity on both databases, beside the paper's."""
    test, other = read("segmentation/test")["groups"], read("segmentation/montgomery")["groups"]
    rows = [
        ("JSRT test, lungs (section IV-A)", PAPER["jsrt lung"], test["all"], "lung"),
        ("JSRT test, heart", PAPER["jsrt heart"], test["all"], "heart"),
        ("Montgomery normals, lungs (Table V)", PAPER["montgomery"], other["class=normal"], "lung"),
        ("Montgomery, all films, lungs", "", other["all"], "lung"),
    ]
    cells = []
    for name, paper, group, part in rows:
        found = group["jaccard"][part]
        cells.append((name, paper, estimate(found), f"{found['sd']:.3f}", found["n"]))
    return ["### Segmentation: Jaccard similarity", ""] + table(
        ("films", "paper", "here (95 % interval)", "SD", "n"), cells
    )


def normalisation(folder: Path) -> list[str]:
    """Equal short trainings with and without normalisation, film by film (Table V)."""
    values, rows = {}, []
    for name, title, paper in (
        ("short", "with", PAPER["montgomery"]),
        ("short_plain", "without", PAPER["montgomery plain"]),
    ):
        films = read_text_table(folder / "ablations" / f"{name}_montgomery" / "jaccard.csv")
        normals = films[films["class"] == "normal"]
        values[name] = dict(zip(normals["path"], map(float, normals["lung"]), strict=True))
        found = json.loads(
            (folder / "ablations" / f"{name}_montgomery" / "metrics.json").read_text()
        )
        lung = found["groups"]["class=normal"]["jaccard"]["lung"]
        rows.append((title, paper, estimate(lung), f"{lung['sd']:.3f}", lung["n"]))
    pairs = [(x, values["short_plain"][path]) for path, x in values["short"].items()]
    with_, without = zip(*pairs, strict=True)
    better = sum(a > b for a, b in pairs)
    chance = signed_rank(with_, without).p
    return [
        "### Normalisation: lungs of Montgomery's normals after equal short trainings (Table V)",
        "",
        *table(("normalisation", "paper", "here (95 % interval)", "SD", "n"), rows),
        f"Better with normalisation on {better} of {len(pairs)} films; "
        f"Wilcoxon signed-rank test, two-sided: p = {chance:.2g}.",
        "",
    ]


def _line(name: str, paper: Sequence[str], group: dict[str, Any]) -> tuple[object, ...]:
    overall, viral = group["overall"], group["by_class"].get("viral", {})
    figures = [overall["accuracy"], overall["f1"], viral.get("sensitivity")]
    told = [
        estimate(x) + (f"; paper {p}" if p else "") for x, p in zip(figures, paper, strict=True)
    ]
    return (name, f"{group['n']} of {group['patients']}", *told, estimate(overall["roc_auc"]))


HEADER = ("films", "n, patients", "accuracy", "macro F1", "sensitivity viral", "ROC-AUC")


def classification(read: Callable[[str], dict[str, Any]]) -> list[str]:
    """The vote, by group of films."""
    groups = read("classification/test")["groups"]
    rows = [
        _line(title, PAPER["local"] if name == "paper_list" else ("", "", ""), groups[name])
        for name, title in GROUPS.items()
        if name in groups
    ]
    return ["### Classification: the shipped model on test films (Tables X, XI)", ""] + table(
        HEADER, rows
    )


def what_it_sees(read: Callable[[str], dict[str, Any]]) -> list[str]:
    """Local against global, and what films tell without their lungs."""
    rows = []
    for folder, name in {
        "classification/test": "patches of the lungs (shipped)",
        "ablations/global_test": "the whole film, lungs alone (global)",
        "ablations/outside_test": "patches with the lungs blanked",
        "ablations/mask_test": "patches of the lung mask alone",
        "ablations/mask_global_test": "the lung mask alone, the whole film",
    }.items():
        group = read(folder)["groups"]["all"]
        paper = PAPER["global"] if folder == "ablations/global_test" else ("", "", "")
        matrix = group["confusion"]
        sick = matrix[1:]
        told = sum(map(sum, sick)) - sum(row[0] + row[-1] for row in sick)
        abnormal = f"{told / sum(map(sum, sick)):.3f}"
        if folder == "ablations/mask_global_test":
            abnormal += f"; paper {PAPER['mask']}"
        rows.append((*_line(name, paper, group), abnormal))
    return ["### What the decision rests on, all test films", ""] + table(
        ("the network sees", *HEADER[1:], "abnormal taken for abnormal"), rows
    )


def choices(folder: Path) -> list[str]:
    """Best epoch of each training on the validation films."""
    rows = []
    for name, title in RUNS.items():
        path = folder / "training" / name / "history.csv"
        if not path.is_file():
            continue
        history = [row for row in read(path) if row["validation_f1"]]
        best = max(history, key=lambda row: float(row["validation_f1"]))
        recalls = [f"{float(best[f'validation_recall_{name}']):.2f}" for name in CLASSES]
        accuracy, f1 = float(best["validation_accuracy"]), float(best["validation_f1"])
        epoch = f"{int(best['epoch']) + 1} of {int(history[-1]['epoch']) + 1}"
        rows.append((title, epoch, f"{accuracy:.3f}", f"{f1:.3f}", " / ".join(recalls)))
    header = ("training", "best epoch", "accuracy", "macro F1", f"recall {' / '.join(CLASSES)}")
    return [
        "### Choices, on the 59 validation films with 16 patches each",
        "",
        *table(header, rows),
    ]


def paper_preset(folder: Path) -> list[str]:
    """The first epochs with the values of the paper and its authors."""
    rows = []
    for name, columns in {
        "paper_segmentation": ("lung", "heart"),
        "paper_classification": ("accuracy", "f1"),
    }.items():
        for row in read(folder / "training" / name / "history.csv"):
            figures = [f"{x} {float(row[f'validation_{x}']):.3f}" for x in columns]
            rows.append((name.removeprefix("paper_"), int(row["epoch"]) + 1,
                         f"{float(row['loss']):.3f}", ", ".join(figures),
                         f"{float(row['seconds']):.0f} s"))  # fmt: skip
    header = ("training", "epoch", "training loss", "validation", "time since the start")
    return ["### The preset `paper`, its first epochs", "", *table(header, rows)]


def rules(read: Callable[[str], dict[str, Any]]) -> list[str]:
    """Rules of aggregation, random patches and a grid."""
    rows = []
    for folder, patches in {
        "classification/validation": "100 random patches",
        "classification/validation_grid": "grid of 64 pixels",
    }.items():
        for rule, found in read(folder)["aggregations"].items():
            accuracy, same = estimate(found["accuracy"]), estimate(found["equal_to_majority"])
            rows.append((patches, rule, accuracy, f"{found['f1']:.3f}", same))
    header = ("patches", "rule", "accuracy", "macro F1", "decides as the majority of its patches")
    return ["### Rules of aggregation, validation films", "", *table(header, rows)]


def saliency(read: Callable[[str], dict[str, Any]]) -> list[str]:
    """The map of the viral class, by true class (Figs. 7 and 8)."""
    found = read("classification/test")["saliency"]["by_true_class"]
    rows = [
        (name, x["weighted"]["n"], estimate(x["weighted"]), estimate(x["unweighted"]),
         estimate(x["share_in_lungs"]))
        for name, x in found.items()
    ]  # fmt: skip
    header = ("true class", "n", "mean in the lungs (Eq. 5)", "without the probability",
              "share of the map in the lungs")  # fmt: skip
    return ["### Saliency of the class viral, test films (Figs. 7, 8)", "", *table(header, rows)]


def runs_behind(folder: Path) -> list[str]:
    """Command, revision, wall time and processor of every evaluation."""
    rows = []
    for file in sorted([*folder.glob("*/*/metrics.json"), *folder.glob("*/*/analysis.json")]):
        found = json.loads(file.read_text())
        machine, model = found["machine"], found["model"]
        version = model["version"] if isinstance(model, dict) else model
        rows.append((file.parent.relative_to(folder).as_posix(), version, found["revision"],
                     f"{found['seconds']:.0f} s", found["arguments"]["seed"],
                     f"{machine['processor']}, {machine['cpus']} cores"))  # fmt: skip
    header = ("results", "model", "revision", "wall time", "seed", "processor")
    return ["### Runs behind the tables", "", *table(header, rows)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: the folder of results; None: those of the process.

    Returns:
        Exit status: 0 written, 2 wrong usage.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if len(given) != 1 or not (Path(given[0]) / "README.md").is_file():
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(given[0])

    def read(name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((folder / name / "metrics.json").read_text())
        return found

    lines = [
        *segmentation(read),
        *normalisation(folder),
        *classification(read),
        *what_it_sees(read),
        *choices(folder),
        *paper_preset(folder),
        *rules(read),
        *saliency(read),
        *analysis(folder),
        *runs_behind(folder),
    ]
    page = folder / "README.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text("\n".join([before + BEGIN, "", *lines, END + after]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
