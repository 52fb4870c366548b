"""`python -m cxr_tf.evaluate`: the figures of a model on a split, with counts and intervals."""

import dataclasses
import datetime
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cxr_tf.evaluation import results
from cxr_tf.evaluation.against import open_other
from cxr_tf.evaluation.command import exit_status, show
from cxr_tf.evaluation.evaluated_model import Subject, load_subject
from cxr_tf.evaluation.options import (
    COMMANDS,
    ClassificationEvaluationOptions,
    Options,
    check_options,
    task_of,
)
from cxr_tf.evaluation.results import Job
from cxr_tf.evaluation.split import class_map_of, select_films
from cxr_tf.evaluation.summary import summary
from cxr_tf.films.split_answers import ReadFilm
from cxr_tf.runtime.command_line import read_command_line
from cxr_tf.runtime.folder_lock import held
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE
from cxr_tf.runtime.text import utf8
from cxr_tf.runtime.whole_files import write_json, write_text
from pipelines.adapters import open_data
from pipelines.classes import ClassMap
from pipelines.manifest.overlap import seen_films
from pipelines.manifest.table import Manifest
from pipelines.native_logs import start_tensorflow


def _out_folder(options: Options, subject: Subject) -> Path:
    place = "_".join([task_of(options), options.split, *options.source])
    if options.out is not None:
        out = options.out
    elif options.run is not None:
        out = options.run / "evaluation" / place
    else:
        version = subject.path
        name = version.parent.name if version.name.isdecimal() else version.name
        out = Path("evaluation") / f"{name}_{place}"
    return out


def run(
    options: Options,
    reporter: Reporter,
    load: Callable[[Options], Subject] = load_subject,
    read: ReadFilm | None = None,
) -> int:
    """Do what the command does.

    Args:
        options: the arguments.
        reporter: told how it gets on.
        load: loads what is evaluated.
        read: reads a film, by default `pipelines.films.read_film`.

    Returns:
        The exit status: 0 done, 1 some films failed.

    Raises:
        UsageError: wrong usage, exit status 2.
        ManifestError: the data cannot be used, exit status 2.
        OSError: a result cannot be written.
    """
    check_options(options)
    started = datetime.datetime.now(datetime.UTC)
    manifest = open_data(options.data)

    def select(classes: ClassMap | None) -> Manifest:
        return select_films(
            manifest,
            task_of(options),
            options.split,
            classes,
            sources=options.source,
            paper_list_only=options.paper_list_only,
            most=options.films,
        )

    select(None)  # so that faults show before a model is loaded
    start_tensorflow()
    reporter.note(f"loading {options.run or options.model}")
    subject = load(options)
    classes = other = None
    if isinstance(options, ClassificationEvaluationOptions):
        classes = class_map_of(subject.model.classes, options.classes or subject.classes)
        if options.against is not None:
            other = open_other(options, options.against, load, classes)
    films = select(classes)
    out = _out_folder(options, subject)
    if read is None:
        from pipelines.films import read_film

        read = read_film
    with held(out):
        return _run(
            options, Job(subject, films, out, read, reporter, {}, other=other), manifest, started
        )


def _run(options: Options, job: Job, manifest: Manifest, started: datetime.datetime) -> int:
    """Evaluate into a folder that is this process' own; see `run`."""
    record = results.first_record(job.subject, manifest, job.films, options)
    for notice in (*record["phantom_notices"], *record["notes"]):
        job.reporter.warn(notice)
    seen = seen_films(manifest, job.films.rows, "segmentation")
    job = dataclasses.replace(job, record=record, seen=seen)
    if isinstance(options, ClassificationEvaluationOptions):
        tally = results.classify(job, options)
        record["would_be_refused"] = tally.would_be_refused
    else:
        tally = results.segment(job, options)
    finished = datetime.datetime.now(datetime.UTC)
    record |= {
        "statuses": dict(sorted(tally.statuses.items())),
        "not_ok": tally.not_ok,
        "failed": tally.failed,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((finished - started).total_seconds(), 3),
    }
    text = utf8(summary(record))
    write_text(job.out / "summary.md", text)
    write_json(job.out / "metrics.json", record)
    show(text, job.out)
    return int(tally.failed > 0)


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate a model from the command line.

    Args:
        argv: the arguments, by default the process' own.

    Returns:
        The exit status; wrong arguments leave with 2 through tyro.
    """
    options: Options = read_command_line(
        COMMANDS,
        "python -m cxr_tf.evaluate",
        argv,
        f"The figures of a model on a split. {NOTICE}",
    )
    return exit_status(options, run, "evaluating")


if __name__ == "__main__":
    sys.exit(main())
