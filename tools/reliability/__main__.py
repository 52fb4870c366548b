"""Fits and measures how far answers can be trusted: `python -m tools.reliability STEP …`.

    collect  DATA --model MODEL --out TABLE       features of films and non-films (0.2 s each)
    collect  --non-films CSV --model MODEL --out TABLE       of real pictures that are no films
    fit      TABLE… --out FILE                    the numbers that an export takes
    report   TABLE… --fitted FILE --out FOLDER    what they are worth, as tables and plots
    stability DATA --model MODEL --out FOLDER     decisions under small changes (1 s each)

Thresholds are chosen on films of training and validation; `report` adds those of the test.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from cxr_tf.runtime.errors import UsageError
from pipelines.manifest.rows import ManifestError

if TYPE_CHECKING:
    from tools.reliability.collect import Item

#: Decisions of the shipped model.
_VALIDATION = Path("results/classification/validation/predictions.csv")
_LEFT_OUT = Path("results/classification/left_out/decisions.csv")
_TEST = Path("results/classification/test/predictions.csv")


def _collect(options: argparse.Namespace) -> None:
    from cxr_tf.saved.load import load
    from pipelines.adapters import open_data
    from tools.reliability.collect import collect, items
    from tools.reliability.real_non_films import real_items

    found: list[Iterator[Item]] = [real_items(path) for path in options.non_films]
    if options.data:
        films = open_data(options.data)
        folder = films.root if films.root.is_dir() else films.root.parent
        found.insert(0, items(list(films.rows), folder))
    collect(load(options.model), chain.from_iterable(found), options.out)


def _fit(options: argparse.Namespace) -> None:
    from cxr_tf.runtime.whole_files import write_json
    from tools.reliability.fit import fit
    from tools.reliability.table import read_decisions, read_table

    table = read_table(*options.tables)
    if options.left_out is None:
        found = fit(table, read_decisions(options.validation))
    else:
        from cxr_tf.saved.model_folders import read_card, version_folder

        version = read_card(version_folder(options.model)).model_version
        found = fit(table, read_decisions(options.left_out), version)
    write_json(options.out, found.record())


def _report(options: argparse.Namespace) -> None:
    import json

    from tools.reliability.report import details, filled, write_report
    from tools.reliability.stability import VERSION

    changes, stability = {}, options.out / "stability.json"
    if stability.is_file():  # refused before anything is measured or written
        changes = json.loads(stability.read_text(encoding="utf-8"))
        version = json.loads(options.fitted.read_text(encoding="utf-8"))[VERSION]
        if changes.pop(VERSION, "unknown") != version:
            raise UsageError(
                f"{stability} is not of the model {version}: run the step `stability`, or remove it"
            )
    decisions = {"left-out sources": options.left_out, "test": options.test}
    summary = write_report(options.tables, options.fitted, decisions, options.out) | changes
    (options.out / "details.md").write_text(details(summary), encoding="utf-8")
    if options.page:
        page = options.page.read_text(encoding="utf-8")
        options.page.write_text(filled(page, summary), encoding="utf-8")


def _stability(options: argparse.Namespace) -> None:
    from cxr_tf.runtime.whole_files import write_json
    from cxr_tf.saved.load import load
    from tools.reliability.stability import (
        VERSION,
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
    record[VERSION] = model.model_version
    write_json(options.out / "stability.json", record)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

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
    step.add_argument("data", type=Path, nargs="?")
    step.add_argument(
        "--non-films",
        type=Path,
        action="append",
        default=[],
        metavar="CSV",
        help="list of real pictures that are no frontal chest film: path, and where they are known "
        "kind, patient_id and split_hint; without DATA they alone are described. Repeat for "
        "several",
    )
    step.add_argument("--model", type=Path, required=True)
    step.add_argument("--out", type=Path, required=True)
    step.set_defaults(run=_collect)
    step = steps.add_parser("fit")
    step.add_argument("tables", type=Path, nargs="+", metavar="TABLE")
    step.add_argument("--validation", type=Path, default=_VALIDATION)
    step.add_argument(
        "--left-out", type=Path, metavar="CSV", help="fit temperature and conformal sets on "
        "decisions about sources left out (of `python -m tools.leave_one_out`), for --model",
    )  # fmt: skip
    step.add_argument("--model", type=Path, help="the model that was trained by the same recipe")
    step.add_argument("--out", type=Path, required=True)
    step.set_defaults(run=_fit)
    step = steps.add_parser("report")
    step.add_argument("tables", type=Path, nargs="+", metavar="TABLE")
    step.add_argument("--fitted", type=Path, required=True)
    step.add_argument("--left-out", type=Path, default=_LEFT_OUT, metavar="CSV")
    step.add_argument("--test", type=Path, default=_TEST)
    step.add_argument("--out", type=Path, required=True)
    step.add_argument(
        "--page", type=Path, help="whose tables are filled: docs/reliability/trust.md"
    )
    step.set_defaults(run=_report)
    step = steps.add_parser("stability")
    step.add_argument("data", type=Path, help="folder that the decisions' paths are given from")
    step.add_argument("--model", type=Path, required=True)
    step.add_argument("--validation", type=Path, default=_VALIDATION)
    step.add_argument("--out", type=Path, required=True)
    step.set_defaults(run=_stability)
    options = parser.parse_args(arguments)
    if options.run is _collect and not (options.data or options.non_films):
        parser.error("collect: name DATA, --non-films or both")
    if options.run is _fit and options.left_out and not options.model:
        parser.error("fit --left-out: name the --model that the numbers are for")
    try:
        options.run(options)
    except (UsageError, ManifestError) as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
