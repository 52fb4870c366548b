"""Writes the tables that compare several results: `python -m tools.paper.results_tables results`.

`training/choices.md` compares the trainings, `ablations/what_it_sees.md` what a decision rests on,
and `analysis/masks_compared.md` biomarkers inside predicted masks and inside those drawn by hand.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cxr_tf.runtime.markdown import markdown_table
from tools.paper.analysis_tables import masks_compared, read

CLASSES = ("normal", "bacterial", "tuberculosis", "viral")
#: The paper's figures: accuracy of the global approach (Table X) and section V-F.
PAPER_GLOBAL, PAPER_MASK = "0.707", "0.869"
MADE_BY = "Made by `python -m tools.paper.results_tables results`. Research use only."
RUNS = {
    "base": "ImageNet with the 8-bit layer, ImageNet scaling",
    "random": "random weights",
    "raw255": "as `base`, scaling raw255",
    "framed_masks": "as `base`, masks of version 1",
    "partial": "as `framed_masks`, ImageNet without the 8-bit layer",
    "limit512": "as `framed_masks`, films reduced to 512 pixels",
    "global": "as `base`, global (whole film)",
    "outside": "as `base`, only what lies outside the lungs",
    "mask": "as `base`, patches of the lung mask alone",
    "mask_global": "the lung mask alone, whole film, masks of version 1",
    "local": "version 1: from `base`, 20 epochs in balance, 512 pixels, varied patches",
}


def estimate(found: dict[str, Any] | None) -> str:
    """Write a figure with its interval.

    Args:
        found: `value`, `low` and `high`, or None where there is none.
    """
    if not found or found["value"] is None:
        return "–"
    return f"{found['value']:.3f} ({found['low']:.3f}–{found['high']:.3f})"


def section(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Write a heading and a Markdown table.

    Args:
        title: the heading.
        header: names of the columns.
        rows: cells.
    """
    return [f"## {title}", "", *markdown_table(header, rows)]


def what_it_sees(folder: Path) -> list[str]:
    """Local against global, and what films tell without their lungs."""
    rows = []
    for name, title in {
        "version_1/test": "patches of the lungs (version 1)",
        "ablations/global_test": "the whole film, lungs alone (global)",
        "ablations/outside_test": "patches with the lungs blanked",
        "ablations/mask_test": "patches of the lung mask alone",
        "ablations/mask_global_test": "the lung mask alone, the whole film",
    }.items():
        group = json.loads((folder / name / "metrics.json").read_text())["groups"]["all"]
        overall, matrix = group["overall"], group["confusion"]
        accuracy = estimate(overall["accuracy"])
        if name == "ablations/global_test":
            accuracy += f"; paper {PAPER_GLOBAL}"
        sick = matrix[1:]
        told = sum(map(sum, sick)) - sum(row[0] + row[-1] for row in sick)
        abnormal = f"{told / sum(map(sum, sick)):.3f}"
        if name == "ablations/mask_global_test":
            abnormal += f"; paper {PAPER_MASK}"
        viral = estimate(group["by_class"]["viral"]["sensitivity"])
        rows.append((title, f"{group['n']} of {group['patients']}", accuracy,
                     estimate(overall["f1"]), viral, estimate(overall["roc_auc"]),
                     f"{matrix[0][0]} of {sum(matrix[0])}", abnormal))  # fmt: skip
    header = ("the network sees", "n, patients", "accuracy", "macro F1", "sensitivity viral",
              "ROC-AUC", "normal for normal", "abnormal for abnormal")  # fmt: skip
    return section("What the decision rests on, all test films", header, rows)


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
        rows.append(
            (f"`{name}`", title, epoch, f"{accuracy:.3f}", f"{f1:.3f}", " / ".join(recalls))
        )
    header = ("training", "options", "best epoch", "accuracy", "macro F1",
              f"recall {' / '.join(CLASSES)}")  # fmt: skip
    return section("Choices, on the 59 validation films with 16 patches each", header, rows)


def paper_preset(folder: Path) -> list[str]:
    """Show the first epochs with the values of the paper and its authors."""
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
    return section("The preset `paper`, its first epochs", header, rows)


def pages(folder: Path) -> dict[str, list[str]]:
    """Write every page.

    Args:
        folder: of the results.

    Returns:
        Lines by the page's path below the folder.
    """
    analysis = folder / "analysis"
    compared = masks_compared(analysis / "adults", analysis / "true_masks")
    return {
        "training/choices.md": [
            "# Trainings compared", "", MADE_BY, "", *choices(folder), "", *paper_preset(folder),
        ],
        "ablations/what_it_sees.md": [
            "# What the network sees", "", MADE_BY, "", *what_it_sees(folder),
        ],
        "analysis/masks_compared.md": [
            "# Biomarkers inside predicted masks and inside masks drawn by hand", "", MADE_BY, "",
            *compared,
        ],
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the folder of results; None: those of the process.

    Returns:
        Exit status: 0 written, 2 wrong usage.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if len(given) != 1 or not (Path(given[0]) / "training").is_dir():
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(given[0])
    for name, lines in pages(folder).items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
