"""`python -m cxr_tf.score`: radiographs in, one row of `scores.csv` each, whatever happens."""

import datetime
import functools
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxr_tf.films.addresses import read_location
from cxr_tf.films.archives import split
from cxr_tf.films.identifiers import Identify, identifier_reader
from cxr_tf.films.inputs import Input, films_named
from cxr_tf.films.table import partial_of
from cxr_tf.method.model_card import ModelCard
from cxr_tf.runtime.collector import collector_paused
from cxr_tf.runtime.command_line import read_command_line
from cxr_tf.runtime.errors import EngineError, UsageError
from cxr_tf.runtime.folder_lock import held
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE, PHANTOM_NOTICE
from cxr_tf.runtime.stopping import Stops, stop_status
from cxr_tf.runtime.text import print_out, utf8
from cxr_tf.runtime.whole_files import write_json
from cxr_tf.saved.file_list import check_files
from cxr_tf.saved.model_folders import read_card
from cxr_tf.scoring.checks import check
from cxr_tf.scoring.finished_run import FinishedRun, finished_run
from cxr_tf.scoring.first_film import reading_tried
from cxr_tf.scoring.loop import Outcome, score_films
from cxr_tf.scoring.options import COMMAND, ScoreOptions, spread_formats
from cxr_tf.scoring.reach_model import reach_model
from cxr_tf.scoring.resume import STATE, begin, end
from cxr_tf.scoring.run_record import Listed, paths_digest, run_facts, run_record
from pipelines.lean_import import left_out
from pipelines.native_logs import native_logs_aside, start_tensorflow

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel
    from pipelines.films import Film

#: Folders in OUT whose files are results, never films to score.
RESULT_FOLDERS = ("overlays", "report", "dicom")


def _summary(record: dict[str, Any], out: Path) -> str:
    lines = [NOTICE]
    if record["phantom"]:
        lines.append(PHANTOM_NOTICE)
    for title, counts in record["counts"].items():
        if title != "failed":
            lines += ["", title, *(f"  {name:<24}{count:>6}" for name, count in counts.items())]
    if refused := record["refused_by_header"]:
        lines += ["", f"refused by their DICOM header{sum(refused.values()):>5}"]
        lines += [f"  {name:<24}{count:>6}" for name, count in refused.items()]
    films, seconds = record["inputs"]["scored"], record["seconds"]["scoring"]
    lines += ["", f"{films} of {record['inputs']['films']} films in {seconds:.1f} s"]
    lines += [f"{out / name}" for name in (*record["outputs"], "run.json")]
    return "\n".join(lines)


def _score_here(
    options: ScoreOptions,
    films: "_Films",
    folder: Path,
    reporter: Reporter,
    load: "Callable[[Path], TriageModel] | None",
    identify: Identify | None,
) -> tuple[ModelCard, Listed, Outcome] | FinishedRun:
    """Score in this process, by a model loaded here or elsewhere; or give the run that is done."""
    inputs = tuple(films)
    films.tell(reporter)
    listed = Listed(len(inputs), films.skipped, paths_digest([item.name for item in inputs]))
    facts = run_facts(options, folder, listed.digest)
    finished, names = None, None
    if options.draws:
        from cxr_tf.drawing.overlays import overlay_names

        names = overlay_names
    done_by = functools.partial(
        begin, options.out, facts, inputs, restart=options.restart,
        retry_failed=options.retry_failed, names=names,
    )  # fmt: skip
    if not (options.restart or (options.out / STATE).is_file()):
        finished = finished_run(options.out, facts)
    if finished is not None and finished.same_inputs(facts) and finished.whole():
        done = done_by(finished.record["model"]["classes"], finished=finished)
        if len(done) == len(inputs):
            return finished

    def read(location: Path | str) -> "Film":
        return read_location(
            location,
            voi=options.voi,
            deadline=options.read_deadline,
            header_check=options.header_check,
        )

    reporter.note(f"asking {options.server}" if options.server else f"loading {folder}")
    began = time.perf_counter()
    with native_logs_aside(options.quiet or options.log_json), collector_paused():
        with reading_tried(inputs, read):
            model = reach_model(folder, options, load)
    loading_seconds = time.perf_counter() - began
    model.card.asked_with(options.voting)  # refused now, not film by film
    if model.card.phantom:
        reporter.warn(PHANTOM_NOTICE)

    if identify is not None or options.dicom_out:
        packed = sum(isinstance(x.path, Path) and bool(split(x.path)) for x in inputs)
        if packed:
            reporter.warn(
                f"{packed} films lie in archives: they get scores, but no identifiers and no DICOM "
                "results; unpack the archives for those"
            )
    done = done_by(model.classes, finished=finished)
    if len(done):
        reporter.note(f"going on: {len(done)} of {len(inputs)} films are done")
    outcome = score_films(model, inputs, read, options, reporter, identify, done)
    outcome.seconds["loading"] = loading_seconds
    return model.card, listed, outcome


def _score_on_ray(
    options: ScoreOptions,
    films: "_Films",
    folder: Path,
    reporter: Reporter,
    load: "Callable[[Path], TriageModel] | None",
) -> tuple[ModelCard, Listed, Outcome] | FinishedRun:
    """Score on the workers of a Ray cluster; the model is loaded there."""
    from cxr_tf.scoring.ray.engine import list_parts, score_on_ray

    try:
        card = read_card(folder)
    except (OSError, ValueError) as error:
        raise UsageError(f"--model: {error}") from error
    card.asked_with(options.voting)
    if card.phantom:
        reporter.warn(PHANTOM_NOTICE)
    parts = list_parts(iter(films), options.out)
    films.tell(reporter)
    listed = Listed(parts.films, films.skipped, parts.digest)
    facts = run_facts(options, folder, listed.digest)
    if not (options.restart or (options.out / STATE).is_file()):
        finished = finished_run(options.out, facts)
        if finished is not None and finished.same_inputs(facts) and finished.whole():
            if not finished.record["counts"]["failed"]:
                parts.drop()
                return finished
            reporter.note("--engine ray scores every film anew, as some failed")
    outcome = score_on_ray(parts, card, folder, options, reporter, load)
    return card, listed, outcome


@dataclass
class _Films:
    """The films that are named; `skipped` counts files that were passed over so far."""

    options: ScoreOptions
    is_film: Callable[[Path], bool]
    skipped: int = 0

    def __iter__(self) -> Iterator[Input]:
        conditions = (text.partition("=") for text in self.options.where)
        return films_named(
            self.options.inputs,
            self.is_film,
            where={column: value for column, _, value in conditions},
            leave_out=tuple(self.options.out / name for name in RESULT_FOLDERS),
            recursive=self.options.recursive,
            skip=self._skip,
        )

    def _skip(self, _: object) -> None:
        self.skipped += 1

    def tell(self, reporter: Reporter) -> None:
        if self.skipped:
            reporter.note(f"{self.skipped} files in folders are no films and were passed over")


def run(
    options: ScoreOptions,
    reporter: Reporter,
    load: "Callable[[Path], TriageModel] | None" = None,
) -> int:
    """Do what the command does.

    Args:
        options: the arguments.
        reporter: told how it gets on.
        load: loads the model, by default `cxr_tf.saved.load.load`.

    Returns:
        The exit status: 0 done, 1 some inputs failed, 130 or 143 interrupted.

    Raises:
        UsageError: wrong usage, or another process writes to the folder; exit status 2.
        EngineError: Ray gave up, exit status 1.
        OSError: a result cannot be written.
    """
    folder = check(options)
    _check_files(folder, reporter)
    with held(options.out):
        return _run(options, folder, reporter, load)


def _check_files(folder: Path, reporter: Reporter) -> None:
    try:
        check_files(folder, reporter.warn)
    except (OSError, UsageError) as error:
        raise UsageError(f"--model: {error}") from error


def _run(
    options: ScoreOptions,
    folder: Path,
    reporter: Reporter,
    load: "Callable[[Path], TriageModel] | None",
) -> int:
    """Score into a folder that is this process' own; see `run`."""
    started = datetime.datetime.now(datetime.UTC)
    identify = identifier_reader(options.keep_identifiers, options.hash_identifiers, options.out)
    with collector_paused(), left_out("keras"):
        start_tensorflow()
        from pipelines.films import is_film

    films = _Films(options, is_film)
    if options.engine == "ray":
        found = _score_on_ray(options, films, folder, reporter, load)
    else:
        found = _score_here(options, films, folder, reporter, load, identify)
    if isinstance(found, FinishedRun):
        _tidy(found, reporter)
        if not options.quiet:
            print_out(utf8(_summary(dict(found.record), options.out)))
        return found.exit_status
    card, listed, outcome = found
    outcome.refusals.tell(reporter)
    status = int(outcome.failed > 0) if outcome.complete else outcome.stop_status
    record = run_record(options, card, folder, listed, outcome, started, status)
    name = "run.json" if outcome.complete else "run.json.partial"
    write_json(options.out / name, record)
    if outcome.complete:
        # In this order a kill at any moment leaves a run that goes on or one that is complete.
        end(options.out)
        (options.out / "run.json.partial").unlink(missing_ok=True)
        for each in outcome.kept:
            each.drop()
    if not outcome.complete:
        partial = options.out / next(name for name in outcome.outputs if "scores." in name)
        reporter.error(
            f"interrupted after {outcome.films} films: their rows are in {partial}; the same "
            "command goes on from there"
        )
    elif not options.quiet:
        print_out(utf8(_summary(record, options.out)))
    return status


def _tidy(run: FinishedRun, reporter: Reporter) -> None:
    """Say that there is nothing to do, and remove what a kill at the very end left."""
    end(run.out)
    (run.out / "run.json.partial").unlink(missing_ok=True)
    for name in run.record["outputs"]:
        partial_of((run.out / name).with_suffix(".csv")).unlink(missing_ok=True)
    failed = run.record["counts"]["failed"]
    again = f"; --retry-failed tries the {failed} again that failed" if failed else ""
    reporter.note(
        f"nothing to do: {run.out} holds the complete run of this command and these films"
        f"{again}; --restart scores every film anew"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Score radiographs from the command line.

    Args:
        argv: the arguments, by default the process' own.

    Returns:
        The exit status; wrong arguments leave with 2 through tyro.
    """
    arguments = spread_formats(sys.argv[1:] if argv is None else argv)
    options = read_command_line(COMMAND, "python -m cxr_tf.score", arguments)
    with Reporter(quiet=options.quiet, as_json=options.log_json) as reporter, Stops():
        try:
            return run(options, reporter)
        except UsageError as error:
            reporter.error(str(error))
            return 2
        except EngineError as error:
            reporter.error(str(error))
            return 1
        except OSError as error:
            reporter.error(
                f"{options.out}: the results cannot be written: {error}; once they can, the same "
                "command goes on from the films that are done"
            )
            return 1
        except KeyboardInterrupt as stop:
            reporter.error("interrupted before the first film or after the last")
            return stop_status(stop)


if __name__ == "__main__":
    sys.exit(main())
