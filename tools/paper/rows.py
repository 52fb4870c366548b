"""What every table of docs/paper.md needs: figures read from results, beside the paper's."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cxr_tf.measures.statistics import signed_rank
from cxr_tf.runtime.markdown import markdown_table
from tools.paper.analysis_tables import read
from tools.paper.results_tables import estimate

CLASSES = ("normal", "bacterial", "tuberculosis", "viral")
#: The evaluation of each approach.
FOLDERS = {"global": "ablations/global_test", "local": "version_1/test"}
#: Where a figure of ours is missing.
OPEN = "open"
#: Trainings behind the exported model.
SHIPPED = {"segmentation": "framed", "classification": "local"}


class Results:
    """Reads results; what is not there is None, so that its row stands as open."""

    def __init__(self, folder: Path) -> None:
        """Remember the folder.

        Args:
            folder: `results`.
        """
        self.folder = folder

    def metrics(self, name: str) -> dict[str, Any] | None:
        """Read metrics.json of an evaluation.

        Args:
            name: its folder.
        """
        return self.json(name, "metrics.json")

    def json(self, name: str, file: str) -> dict[str, Any] | None:
        """Read a JSON file.

        Args:
            name: its folder.
            file: its name.
        """
        path = self.folder / name / file
        return dict(json.loads(path.read_text())) if path.is_file() else None

    def rows(self, name: str, file: str) -> list[dict[str, str]]:
        """Read a CSV; none where it is missing.

        Args:
            name: its folder.
            file: its name.
        """
        path = self.folder / name / file
        return read(path) if path.is_file() else []

    def figure(self, name: str, group: str, *keys: str) -> dict[str, Any] | None:
        """Take an estimate of an evaluation.

        Args:
            name: its folder.
            group: group of films.
            *keys: the way to the figure below the group.
        """
        found: Any = (self.metrics(name) or {}).get("groups", {}).get(group)
        for key in keys:
            found = found.get(key) if found else None
        return dict(found) if found and found.get("value") is not None else None

    def budget(self, name: str) -> str:
        """Say how long a training took, and what it started from.

        Args:
            name: of the training.
        """
        config = self.json(f"training/{name}", "config.json")
        if not config or not (spent := self.spent(name)):
            return "–"
        before = Path(config.get("start_from") or "").name
        text = f"`{name}`: {spent}"
        return f"{text}, after {self.budget(before)}" if before else text

    def spent(self, name: str) -> str:
        """Say how long a training took; '' where it is missing.

        Args:
            name: of the training.
        """
        history = self.rows(f"training/{name}", "history.csv")
        if not history:
            return ""
        minutes = float(history[-1]["seconds"]) / 60
        return f"{int(history[-1]['epoch']) + 1} epochs, {minutes:.0f} min"

    def budgets(self, *names: str) -> str:
        """Write the budgets of several trainings in one line.

        Args:
            *names: of the trainings; those that are missing are left out.
        """
        told = [text for name in names if (text := self.budget(name)) != "–"]
        return f"Budget: {'; '.join(told)}." if told else f"Budget: {OPEN}."

    def counted(self, name: str, group: str) -> str:
        """Say how many films and patients an evaluation looked at.

        Args:
            name: its folder.
            group: group of films.
        """
        found = (self.metrics(name) or {}).get("groups", {}).get(group)
        return f"{found['n']} films of {found['patients']} patients" if found else OPEN

    def training_of(self, name: str) -> str:
        """Find the training behind an evaluation.

        Args:
            name: the evaluation's folder.
        """
        found = self.metrics(name)
        if not found:
            return ""
        run = found["arguments"].get("run")
        return Path(run).name if run else SHIPPED[found["task"]]


def difference(paper: float | None, found: dict[str, Any] | None) -> str:
    """Write ours less the paper's.

    Args:
        paper: the paper's figure, None where it has none.
        found: our estimate, None where it is open.
    """
    return "–" if paper is None or not found else f"{found['value'] - paper:+.3f}"


def cells(paper: float | None, found: dict[str, Any] | None) -> list[str]:
    """Write the paper's figure, ours with interval, its n, and the difference.

    Args:
        paper: the paper's figure, None where it has none.
        found: our estimate, None where it is open.
    """
    if found is None:
        here, count = OPEN, "–"
    elif found["low"] is None:
        here, count = f"{found['value']:.3f} (no interval)", f"{found['n']} of {found['patients']}"
    else:
        here, count = estimate(found), f"{found['n']} of {found['patients']}"
    return ["–" if paper is None else f"{paper:.3f}", here, count, difference(paper, found)]


def compared(paper: float | None, found: dict[str, Any] | None) -> str:
    """Write our figure with its interval and, behind a comma, ours less the paper's.

    Args:
        paper: the paper's figure, None where it has none.
        found: our estimate, None where it is open.
    """
    _, here, _, away = cells(paper, found)
    return here if away == "–" else f"{here}, {away}"


HEADER = ("paper", "here (95 % interval)", "n, of patients", "difference")


def paired(results: Results, first: str, second: str, source: str, column: str = "lung") -> str:
    """Compare two segmentations film by film, as the paper does (signed rank, two-sided).

    Args:
        results: the results.
        first: folder of one evaluation.
        second: folder of the other.
        source: manifest class of the films; '' for all.
        column: part of the label map.

    Returns:
        Such as `p = 0.03, n=80`; '–' where either is missing.
    """
    values = []
    for name in (first, second):
        rows = results.rows(name, "jaccard.csv")
        values.append({
            row["path"]: float(row[column] or row["lung_union"])
            for row in rows
            if source in ("", row["class"]) and (row[column] or row["lung_union"])
        })  # fmt: skip
    common = sorted(values[0].keys() & values[1].keys())
    if not common:
        return "–"
    test = signed_rank([values[0][x] for x in common], [values[1][x] for x in common])
    return f"p = {test.p:.2g}, n={len(common)}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Write a Markdown table; asterisks are escaped.

    Args:
        header: names of the columns.
        rows: cells.
    """
    return markdown_table(header, rows, escape="|*")
