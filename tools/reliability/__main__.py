"""Fits and measures how far answers can be trusted: `python -m tools.reliability STEP …`.

    collect  DATA --model MODEL --out TABLE       features of films and non-films (0.2 s each)
    fit      TABLE --out FILE                     the numbers that an export takes
    report   TABLE --fitted FILE --out FOLDER     what they are worth, as tables and plots
    stability DATA --model MODEL --out FOLDER     decisions under small changes (1 s each)

Thresholds are chosen on films of training and validation; `report` adds those of the test.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

#: Decisions of the shipped model.
_VALIDATION = Path("results/classification/validation/predictions.csv")
_TEST = Path("results/classification/test/predictions.csv")


def _collect(options: argparse.Namespace) -> None:
    from cxr_tf.saved.load import load
    from pipelines.adapters import open_data
    from tools.reliability.collect import collect, items

    films = open_data(options.data)
    folder = films.root if films.root.is_dir() else films.root.parent
    collect(load(options.model), items(list(films.rows), folder), options.out)


def _fit(options: argparse.Namespace) -> None:
    from cxr_tf.runtime.whole_files import write_json
    from tools.reliability.fit import fit
    from tools.reliability.table import read_decisions, read_table

    found = fit(read_table(options.table), read_decisions(options.validation))
    write_json(options.out, found.record())


def _report(options: argparse.Namespace) -> None:
    import json

    from tools.reliability.report import filled, write_report

    decisions = {"validation": options.validation, "test": options.test}
    summary = write_report(options.table, options.fitted, decisions, options.out)
    stability = options.out / "stability.json"
    if stability.is_file():
        summary |= json.loads(stability.read_text(encoding="utf-8"))
    if options.page:
        page = options.page.read_text(encoding="utf-8")
        options.page.write_text(filled(page, summary), encoding="utf-8")


def _stability(options: argparse.Namespace) -> None:
    from cxr_tf.runtime.whole_files import write_json
    from cxr_tf.saved.load import load
    from tools.reliability.stability import (
        ask_reasons,
        decide_changed,
        reasons_record,
        stability_record,
    )

    options.out.mkdir(parents=True, exist_ok=True)
    changed = options.out / "stability.csv"
    model, reasons = load(options.model), options.out / "reasons.csv"
    ask_reasons(model, options.data, options.validation, reasons)
    decide_changed(model, options.data, options.validation, changed)
    record = stability_record(changed, options.validation) | reasons_record(reasons)
    write_json(options.out / "stability.json", record)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: by default those of the process.

    Returns:
        The exit status: 0 done, 2 wrong usage.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tools.reliability",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    steps = parser.add_subparsers(required=True, metavar="STEP")
    step = steps.add_parser("collect")
    step.add_argument("data", type=Path)
    step.add_argument("--model", type=Path, required=True)
    step.add_argument("--out", type=Path, required=True)
    step.set_defaults(run=_collect)
    step = steps.add_parser("fit")
    step.add_argument("table", type=Path)
    step.add_argument("--validation", type=Path, default=_VALIDATION)
    step.add_argument("--out", type=Path, required=True)
    step.set_defaults(run=_fit)
    step = steps.add_parser("report")
    step.add_argument("table", type=Path)
    step.add_argument("--fitted", type=Path, required=True)
    step.add_argument("--validation", type=Path, default=_VALIDATION)
    step.add_argument("--test", type=Path, default=_TEST)
    step.add_argument("--out", type=Path, required=True)
    step.add_argument("--page", type=Path, help="whose tables are filled: docs/reliability.md")
    step.set_defaults(run=_report)
    step = steps.add_parser("stability")
    step.add_argument("data", type=Path, help="folder that the decisions' paths are given from")
    step.add_argument("--model", type=Path, required=True)
    step.add_argument("--validation", type=Path, default=_VALIDATION)
    step.add_argument("--out", type=Path, required=True)
    step.set_defaults(run=_stability)
    options = parser.parse_args(arguments)
    options.run(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
