"""Leaves one source out after the other: `python -m tools.leave_one_out STEP …`.

    run      train and decide every fold, then report; again, it goes on where it was
    report   make the table and the chart anew from the decisions that are there
    decide   decide films by a run, from the films and masks that its training has kept
    compare  differences of two folders on the same films
    offsets  class offsets for the vote, fitted on the films left out

Options of `python -m cxr_tf.train classification` follow `run` behind `--`, the same for every
fold; budgets are equal: as many steps an epoch in every fold as the one with the fewest films has.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from cxr_tf.measures.bootstrap import SAMPLES
from cxr_tf.measures.class_offsets import PENALTY
from cxr_tf.runtime.command_line import Command, read_command_line
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE
from cxr_tf.runtime.stopping import Stops, stop_status
from pipelines.manifest.table import ManifestError
from pipelines.sizes import MOST_PATCHES, PATCHES


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Train and decide every fold. Exit status: 0 done, 2 wrong usage, else of what failed."""

    data: Path
    """a manifest, a folder with one, or a data set that an adapter knows"""
    out: Path
    """folder of the folds and of the report"""
    folds: tuple[str, ...] = ()
    """sources to leave out, one after the other, or several at once as a+b; by default each source
    that has films of a class"""
    known: bool = True
    """let every fold decide the test films of the other sources too"""
    patches: int = PATCHES
    """patches that vote on a film, 1 to 400"""
    samples: int = SAMPLES
    """bootstrap samples"""
    seed: int = 0
    """seed of the bootstrap"""
    dry_run: bool = False
    """only print the commands that are left to do"""


@dataclass(frozen=True, kw_only=True)
class DecideOptions:
    """Decide films by one run, as `run` does for every fold."""

    training: tyro.conf.Positional[Path]
    """a run of `train classification`"""
    data: Path
    """a manifest, a folder with one, or a data set that an adapter knows"""
    out: Path
    """folder for predictions.csv and patches.npz"""
    split: str = "all"
    """train, validation, test, or all films"""
    patches: int = PATCHES
    """patches that vote on a film, 1 to 400"""
    source: tuple[str, ...] = ()
    """sources of the films; none for all"""


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Make decisions.csv, leave_one_out.csv, .md and .png anew, and of the dense vote its own."""

    out: tyro.conf.Positional[Path]
    """folder of the folds"""
    samples: int = SAMPLES
    """bootstrap samples"""
    seed: int = 0
    """seed of the bootstrap"""


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """Compare two recipes, or two seeds of one, on the films that both decided."""

    first: tyro.conf.Positional[Path]
    """folder of folds, or its decisions.csv"""
    second: tyro.conf.Positional[Path]
    """the other"""
    out: Path | None = None
    """Markdown file to write; by default it is only printed"""
    samples: int = SAMPLES
    """bootstrap samples"""
    seed: int = 0
    """seed of the bootstrap"""


@dataclass(frozen=True, kw_only=True)
class OffsetOptions:
    """Fit numbers that are added to the logits of the classes, so that each is found as often."""

    folds: tyro.conf.Positional[Path]
    """folder of folds"""
    out: Path
    """JSON file to write, for `python -m cxr_tf.export --class-offsets`"""
    decisions: Path | None = None
    """CSV file to write: the decisions on films left out as they are with these offsets, for
    `python -m tools.reliability fit --left-out`"""
    known: Path | None = None
    """decisions on validation films of known sources, of `decide --split validation`; they count
    as much as the films left out"""
    penalty: float = PENALTY
    """weight of the mean squared offset against the mean recall"""
    samples: int = SAMPLES
    """bootstrap samples"""
    seed: int = 0
    """seed of the bootstrap"""


Options = RunOptions | DecideOptions | ReportOptions | CompareOptions | OffsetOptions

_INTERVALS = {"interval": "samples seed"}
#: The command line of each step.
STEPS: dict[str, Command[Any]] = {
    "run": Command(
        RunOptions,
        {
            "data and output": "data out dry_run",
            "decision": "folds known patches",
            **_INTERVALS,
        },
        "--data manifest.csv --out runs/folds -- --segmentation runs/segmentation",
    ),
    "decide": Command(
        DecideOptions,
        {"data and output": "training data out", "film and vote": "split source patches"},
        "runs/classification --data manifest.csv --out runs/decided --source montgomery",
    ),
    "report": Command(ReportOptions, _INTERVALS, "runs/folds"),
    "compare": Command(CompareOptions, _INTERVALS, "runs/folds runs/others --out compared.md"),
    "offsets": Command(
        OffsetOptions,
        {"fold and output": "folds out decisions known penalty", **_INTERVALS},
        "runs/folds --out offsets.json",
    ),
}


def _run(options: RunOptions, training: Sequence[str], reporter: Reporter) -> int:
    from cxr_tf.runtime.folder_lock import held
    from pipelines.adapters import open_data
    from tools.leave_one_out.arrange import carry_out, make_plan

    _check_patches(options.patches)
    manifest = open_data(options.data)
    plan = make_plan(
        options.data, manifest, options.out, options.folds, training, options.patches,
        options.known, reporter,
    )  # fmt: skip
    if options.dry_run:
        return carry_out(plan, manifest, True, reporter)
    with held(options.out):
        status = carry_out(plan, manifest, False, reporter)
        return status or _report(
            ReportOptions(out=options.out, samples=options.samples, seed=options.seed)
        )


def _check_patches(count: int) -> None:
    if not 1 <= count <= MOST_PATCHES:
        raise UsageError(f"--patches {count}: give 1 to {MOST_PATCHES}")


def _decide(options: DecideOptions) -> int:
    from cxr_tf.runtime.folder_lock import held
    from pipelines.adapters import open_data
    from tools.leave_one_out.decide import decide

    _check_patches(options.patches)
    with held(options.out):
        decide(
            options.training, open_data(options.data), options.out, options.split,
            options.source, options.patches,
        )  # fmt: skip
    return 0


def _report(options: ReportOptions) -> int:
    from cxr_tf.method.vote_options import DENSE
    from cxr_tf.runtime.whole_files import write_text
    from tools.leave_one_out.arrange import folds_of
    from tools.leave_one_out.compare import markdown
    from tools.leave_one_out.decisions import gather
    from tools.leave_one_out.figures import figure_rows
    from tools.leave_one_out.report import write_report

    recipe, folds = folds_of(options.out)
    table = gather(options.out, folds, recipe["classes"])
    rows = figure_rows(table, recipe["single_sources"], options.samples, options.seed)
    print(write_report(options.out, rows, recipe))
    if recipe["training"].get("approach") == DENSE:
        dense = gather(options.out, folds, recipe["classes"], DENSE)
        names = "dense vote", "vote of patches"
        text = markdown(dense, table, names, options.samples, options.seed)
        write_text(options.out / "dense_vote.md", text)
        print(text)
    return 0


def _compare(options: CompareOptions) -> int:
    from cxr_tf.runtime.whole_files import write_text
    from tools.leave_one_out.compare import markdown
    from tools.leave_one_out.decisions import read_decisions

    first, second = (read_decisions(path) for path in (options.first, options.second))
    names = str(options.first), str(options.second)
    text = markdown(first, second, names, options.samples, options.seed)
    if options.out is not None:
        write_text(options.out, text)
    print(text)
    return 0


def _offsets(options: OffsetOptions) -> int:
    from cxr_tf.runtime.whole_files import write_json, write_text
    from tools.leave_one_out.arrange import folds_of
    from tools.leave_one_out.decisions import gather
    from tools.leave_one_out.offsets import fit, moved

    recipe, folds = folds_of(options.folds)
    table = gather(options.folds, folds, recipe["classes"])
    record, text = fit(
        options.folds, folds, table, options.penalty, options.samples, options.seed, options.known
    )
    write_json(options.out, record)
    if options.decisions is not None:
        rows = moved(options.folds, folds, table, record["offsets"])
        write_text(options.decisions, rows.to_csv(index=False, lineterminator="\n"))
    print(text)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: by default those of the process.

    Returns:
        The exit status: 0 done, 1 something cannot be written, 2 wrong usage, 130 or 143 where it
        was interrupted by Ctrl-C or SIGTERM, else that of the training or evaluation that failed.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    end = given.index("--") if "--" in given else len(given)
    options: Options = read_command_line(
        STEPS, "python -m tools.leave_one_out", given[:end], f"{__doc__}\n{NOTICE}"
    )
    training = given[end + 1 :]
    with Reporter() as reporter, Stops():
        try:
            if isinstance(options, RunOptions):
                return _run(options, training, reporter)
            if training:
                raise UsageError("options behind `--` are those of a training: they belong to run")
            if isinstance(options, DecideOptions):
                return _decide(options)
            if isinstance(options, ReportOptions):
                return _report(options)
            if isinstance(options, OffsetOptions):
                return _offsets(options)
            return _compare(options)
        except (ManifestError, UsageError) as error:
            reporter.errors(error)
            return 2
        except OSError as error:
            reporter.error(f"cannot be written: {error}")
            return 1
        except KeyboardInterrupt as stop:
            reporter.error("interrupted; the same command goes on from here")
            return stop_status(stop)


if __name__ == "__main__":
    sys.exit(main())
