"""Writes what was measured: JSON, tables, plots, and the blocks of docs/reliability/trust.md."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cxr_tf.method.reliability.parameters import Reliability
from cxr_tf.runtime.markdown import markdown_table
from cxr_tf.runtime.whole_files import write_json
from tools.pages.marked_tables import fill_tables
from tools.reliability.measures import (
    decision_record,
    gate_record,
    mask_record,
    real_kinds_record,
)
from tools.reliability.plots import mask_plot, reliability_diagram, risk_plot
from tools.reliability.real_non_films import REAL
from tools.reliability.table import read_decisions, read_table

Record = Mapping[str, Any]


def write_report(
    tables: Sequence[Path], fitted: Path, decisions: Mapping[str, Path], out: Path
) -> dict[str, Any]:
    """Measure the fitted numbers.

    Args:
        tables: what `collect` wrote, of one model.
        fitted: what `fit` wrote.
        decisions: tables of decisions by what their films are; the last one is `test`.
        out: folder for `summary.json`, `gate.csv`, `decisions.csv` and plots.

    Returns:
        The summary.
    """
    out.mkdir(parents=True, exist_ok=True)
    numbers = Reliability.from_record(json.loads(fitted.read_text(encoding="utf-8")))
    rows = read_table(*tables)
    gate, kinds = gate_record(rows, numbers)
    masks, sets = mask_record(rows, numbers)
    summary: dict[str, Any] = {"model_version": numbers.model_version, "gate": gate, "mask": masks}
    if real := real_kinds_record(rows, numbers):
        summary["real_non_films"] = real
    summary["decided"] = list(decisions)
    films = {}
    for split, path in decisions.items():
        summary[split], films[split] = decision_record(read_decisions(path), numbers)
    text = {"index": False, "lineterminator": "\n"}
    pd.DataFrame(kinds).to_csv(out / "gate.csv", float_format="%.4f", **text)
    films["test"].round(6).to_csv(out / "decisions.csv", **text)
    write_json(out / "summary.json", summary)
    reliability_diagram(out / "reliability_diagram.png", films)
    risk_plot(out / "risk_coverage.png", films["test"])
    mask_plot(out / "mask_quality.png", sets)
    return summary


def _figure(record: Record) -> str:
    if record["value"] is None or not record["n"]:
        return "–"
    return f"{record['value']:.3f} ({record['low']:.3f}–{record['high']:.3f})"


def _counted(record: Record) -> str:
    return f"{record['count']} of {record['n']}: {_figure(record)}" if record["n"] else "–"


def _count(record: Record) -> str:
    return f"{record['count']} of {record['n']}" if record["n"] else "–"


def _gate(summary: Record) -> list[str]:
    names = {
        "film/validation": "films, validation",
        "film/test": "films, test",
        "turned/validation": "validation films turned or inverted",
        "turned/test": "test films turned or inverted",
        "non_film/report": "non-films of the kinds kept apart",
    }
    rows = [[text, _counted(summary["gate"][key])] for key, text in names.items()]
    return markdown_table(["what", "refused (95 % interval)"], rows)


def _real(summary: Record) -> list[str]:
    found = summary.get("real_non_films")
    if not found:
        return ["open: no real pictures were given (`collect --non-films`)"]
    rows = [
        [
            kind.removeprefix(REAL).replace("_", " "),
            *(_count(each[part]) for part in ("fit", "report", "left_out")),
        ]
        for kind, each in found["kinds"].items()
    ]
    return markdown_table(
        ["real pictures", "refused, half `fit`", "half `report`", "fitted without the kind"], rows
    )


def _mask(summary: Record) -> list[str]:
    names = {"jsrt_test": "JSRT test", "montgomery": "Montgomery"}
    rows = []
    for key, text in names.items():
        found = summary["mask"][key]
        rows.append([
            f"{text} (n={found['spearman']['n']})", _figure(found["spearman"]),
            _figure(found["spearman_entropy"]), f"{found['mean_error']:.3f}",
            _counted(found["bad_masks_warned"]), _counted(found["good_masks_warned"]),
        ])  # fmt: skip
    return markdown_table(
        ["films", "rank correlation", "of the entropy alone", "mean error", "bad masks warned of",
         "others warned of"], rows,
    )  # fmt: skip


def _calibration(summary: Record) -> list[str]:
    rows = []
    for split in summary["decided"]:
        for when, text in (("before", "mean softmax"), ("after", "calibrated")):
            found = summary[split][when]
            rows.append([
                f"{split} (n={summary[split]['films']})", text,
                _figure(found["calibration_error"]), _figure(found["negative_log_likelihood"]),
                f"{found['mean_confidence']:.3f}", f"{summary[split]['accuracy']['value']:.3f}",
            ])  # fmt: skip
    return markdown_table(
        ["films", "probabilities", "calibration error", "negative log-likelihood",
         "mean probability of the label", "share right"], rows,
    )  # fmt: skip


def _conformal(summary: Record) -> list[str]:
    rows = []
    for split in summary["decided"]:
        found, abstain = summary[split]["conformal"], summary[split]["abstain"]
        rows.append([
            f"{split} (n={summary[split]['films']})", _figure(found["coverage_over_patients"]),
            f"{found['mean_size']:.2f}", _counted(abstain["abstained"]),
            _counted(abstain["right_where_answered"]), _counted(abstain["right_where_abstained"]),
        ])  # fmt: skip
    return markdown_table(
        ["films", "sets that hold the truth", "mean size", "abstained", "right where answered",
         "right where abstained"], rows,
    )  # fmt: skip


def _by_class(summary: Record) -> list[str]:
    found = summary["test"]["conformal"]
    rows = [[name, _counted(each)] for part in ("by_class", "by_source")
            for name, each in found[part].items()]  # fmt: skip
    return markdown_table(["test films", "sets that hold the truth"], rows)


def _stability(summary: Record) -> list[str]:
    found = summary.get("stability")
    if not found:
        return ["open: `python -m tools.reliability stability` was not run"]
    classes = list(next(iter(found.values()))["by_class"])
    rows = [
        [name, _counted(each["changed"]),
         "/".join(str(each["by_class"][c]["count"]) for c in classes), _count(each["right"])]
        for name, each in found.items()
    ]  # fmt: skip
    return markdown_table(["change", "labels that change", "/".join(classes), "right"], rows)


def _reasons(summary: Record) -> list[str]:
    rows = [
        [
            kind.replace("_", " by "),
            *(_count(each[name]) for name in ("refused", "right", "none")),
        ]
        for kind, each in summary.get("reasons", {}).items()
    ]
    return markdown_table(["validation films", "refused", "reason right", "no reason found"], rows)


BLOCKS: dict[str, Callable[[Record], list[str]]] = {
    "reliability_gate": _gate,
    "reliability_mask": _mask,
    "reliability_calibration": _calibration,
    "reliability_conformal": _conformal,
    "reliability_stability": _stability,
}
#: Tables of `details.md`, by heading.
DETAILS: dict[str, Callable[[Record], list[str]]] = {
    "Real pictures that are no frontal chest films": _real,
    "The reason given for turned and inverted films": _reasons,
    "Conformal sets by class and source": _by_class,
}


def details(summary: Record) -> str:
    """Write the tables that docs/reliability/trust.md links to.

    Args:
        summary: what `write_report` gave.

    Returns:
        A page in Markdown.
    """
    lines = ["# Trust: further tables", "", "Made by `python -m tools.reliability report`."]
    for title, write in DETAILS.items():
        lines += ["", f"## {title}", "", *write(summary)]
    return "\n".join(lines) + "\n"


def filled(page: str, summary: Record) -> str:
    """Fill the tables of a page; the words around them stay.

    Args:
        page: Markdown with marks, such as `<!-- table reliability_gate -->`.
        summary: what `write_report` gave.

    Returns:
        The page.

    Raises:
        ValueError: the page lacks a table, or names one that there is not.
    """
    tables = {name: write(summary) for name, write in BLOCKS.items()}
    return fill_tables(page, tables, "reliability_")
