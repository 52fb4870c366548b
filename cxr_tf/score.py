"""`python -m cxr_tf.score`: radiographs in, one row of `scores.csv` each, whatever happens."""

import contextlib
import datetime
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from cxr_tf.errors import UsageError
from cxr_tf.identifiers import identifier_reader
from cxr_tf.info import NOTICE, PHANTOM_NOTICE
from cxr_tf.inputs import gather
from cxr_tf.model_folders import version_folder
from cxr_tf.parquet import check_pyarrow
from cxr_tf.progress import Reporter
from cxr_tf.records import utf8, write_json
from cxr_tf.resume import begin, end
from cxr_tf.run_record import run_facts, run_record
from cxr_tf.scoring import score_films
from cxr_tf.serving.transport import ServerError, split_address
from pipelines.sizes import MOST_PATCHES, PATCHES

if TYPE_CHECKING:
    from cxr_tf.loading import TriageModel
    from cxr_tf.serving.remote_model import RemoteModel
    from pipelines.films import Film

INTERRUPTED = 130


@dataclass(frozen=True)
class ScoreOptions:
    """Decide the class of radiographs by an exported model, and write `scores.csv`.

    Research use only. Not a medical device.

    A run that was stopped or killed goes on where it was when the same command is given again.

    Exit status: 0 done (a refusal such as no_lung is an answer), 1 some inputs failed, 2 wrong
    usage, 130 interrupted (what was done stays in scores.csv.partial).
    """

    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """films (PNG, JPEG, DICOM, raw JSRT), folders, or CSV tables with a path column"""
    model: Path
    """saved_models/NAME (its newest version) or saved_models/NAME/VERSION"""
    out: Path
    """folder for scores.csv, run.json and what else is asked for"""
    where: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """of CSV tables take only the rows with these values, such as split_classification=test"""
    overlays: bool = False
    """draw each film with mask outline and saliency into OUT/overlays"""
    patch_table: bool = False
    """write patches.csv: centre, probabilities and vote of every patch"""
    patches: int = PATCHES
    """patches that vote on a film, 1 to 400"""
    decision_only: bool = False
    """stop looking at a film's patches where no further one can change its label: the same labels
    in less time; votes, p and patches_used are those up to there"""
    server: str = ""
    """ask TensorFlow Serving at this address, grpc://HOST:8500 or http://HOST:8501, for what is
    served under the model's name; of --model only the card is read"""
    deadline: float = 60.0
    """seconds after which a request to the server is given up"""
    format: Literal["csv", "parquet"] = "csv"
    """of the finished tables; parquet has typed columns (extra parquet)"""
    requests: int = 1
    """requests to the server under way at once, 1 to 64"""
    seed: int = 0
    """seed of the patch centres"""
    voi: bool = False
    """apply a DICOM file's VOI LUT, or its first window"""
    keep_identifiers: bool = False
    """write identifiers.csv: PatientID and UIDs of DICOM files, in plain text"""
    hash_identifiers: Path | None = None
    """write identifiers.csv with salted hashes in their place; names the file that holds the salt,
    made if it is not there. Without either, no output holds anything of a DICOM header."""
    restart: bool = False
    """drop what an unfinished run in OUT has done, and begin anew"""
    recursive: bool = True
    """look into sub-folders"""
    quiet: bool = False
    """say nothing but warnings and errors"""
    log_json: bool = False
    """log to stderr as one JSON object a line"""


def _summary(record: dict[str, Any], out: Path) -> str:
    lines = [NOTICE]
    if record["phantom"]:
        lines.append(PHANTOM_NOTICE)
    for title, counts in record["counts"].items():
        if title != "failed":
            lines += ["", title, *(f"  {name:<24}{count:>6}" for name, count in counts.items())]
    films, seconds = record["inputs"]["scored"], record["seconds"]["scoring"]
    lines += ["", f"{films} of {record['inputs']['films']} films in {seconds:.1f} s"]
    lines += [f"{out / name}" for name in (*record["outputs"], "run.json")]
    return "\n".join(lines)


def _check(options: ScoreOptions) -> Path:
    """Refuse what cannot be right before anything slow is done; returns the model's folder."""
    if not 1 <= options.patches <= MOST_PATCHES:
        raise UsageError(f"--patches {options.patches}: give a number from 1 to {MOST_PATCHES}")
    if not 0 <= options.seed < 2**63:
        raise UsageError(f"--seed {options.seed}: give a number from 0 to 2^63 - 1")
    _check_server(options)
    if options.format == "parquet":
        check_pyarrow()
    if options.decision_only and (options.overlays or options.patch_table):
        raise UsageError("--decision-only gives no maps and no patches: leave out the other option")
    for condition in options.where:
        if "=" not in condition:
            raise UsageError(f"--where {condition}: write COLUMN=VALUE")
    if not options.inputs:
        raise UsageError("no input: name films, folders, or CSV tables with a path column")
    try:
        folder = version_folder(options.model)
    except OSError as error:
        raise UsageError(f"--model: {error}") from error
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {options.out} cannot be made a folder: {error}") from error
    if not os.access(options.out, os.W_OK):
        raise UsageError(f"--out {options.out} cannot be written to: choose another folder")
    return folder


def _check_server(options: ScoreOptions) -> None:
    """Refuse what no signature does."""
    if not 1 <= options.requests <= 64 or options.deadline <= 0:
        raise UsageError("--requests goes from 1 to 64, --deadline is above 0")
    if not options.server:
        if options.requests > 1:
            raise UsageError("--requests is for --server: the model here takes one film at a time")
        return
    split_address(options.server)
    if options.decision_only:
        raise UsageError("--decision-only needs the model here: no signature ends a vote early")
    if (options.overlays or options.patch_table) and (options.seed or options.patches != PATCHES):
        raise UsageError(
            f"--server explains with seed 0 and {PATCHES} patches alone: leave out --seed, "
            "--patches, or what needs maps"
        )


@contextlib.contextmanager
def _native_logs_aside(aside: bool) -> Iterator[None]:
    """Keep off stderr what libraries write to it past Python while they start."""
    if not aside:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _load(
    folder: Path, options: ScoreOptions, load: "Callable[[Path], TriageModel] | None"
) -> "TriageModel | RemoteModel":
    if options.server:
        from cxr_tf.serving.remote_model import connect

        remote = connect(options.server, folder, options.deadline)
        try:
            remote.check()
        except ServerError as error:
            raise UsageError(f"--server {options.server}: {error}") from error
        return remote
    if load is None:
        from cxr_tf import loading

        load = loading.load
    try:
        return load(folder)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise UsageError(f"--model {folder} cannot be loaded: {reason}; export it again") from error


def run(
    options: ScoreOptions,
    reporter: Reporter,
    load: "Callable[[Path], TriageModel] | None" = None,
) -> int:
    """Do what the command does.

    Args:
        options: the arguments.
        reporter: told how it gets on.
        load: loads the model, by default `cxr_tf.loading.load`.

    Returns:
        The exit status: 0 done, 1 some inputs failed, 130 interrupted.

    Raises:
        UsageError: wrong usage, exit status 2.
        OSError: a result cannot be written.
    """
    started = datetime.datetime.now(datetime.UTC)
    folder = _check(options)
    identify = identifier_reader(options.keep_identifiers, options.hash_identifiers, options.out)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    aside = options.quiet or options.log_json
    with _native_logs_aside(aside):
        import tensorflow as tf

        from pipelines.films import is_film, read_film

        tf.config.list_logical_devices()  # looking for them now, it has its say aside

    overlays = options.out / "overlays"
    gathered = gather(
        options.inputs,
        is_film,
        where={
            column: value for column, _, value in (text.partition("=") for text in options.where)
        },
        leave_out=overlays,
        recursive=options.recursive,
    )
    if gathered.skipped:
        number = len(gathered.skipped)
        reporter.note(f"{number} files in folders are no films and were passed over")
    reporter.note(f"asking {options.server}" if options.server else f"loading {folder}")
    began = time.perf_counter()
    with _native_logs_aside(aside):
        model = _load(folder, options, load)
    loading_seconds = time.perf_counter() - began
    if model.card.get("phantom"):
        reporter.warn(PHANTOM_NOTICE)

    def read(path: Path) -> "Film":
        return read_film(path, voi=options.voi)

    paths = [os.fspath(item.path) for item in gathered.inputs]
    facts = run_facts(options, model, folder, paths)
    done = begin(options.out, facts, paths, model.classes, options.restart)
    if len(done):
        reporter.note(f"going on: {len(done)} of {len(paths)} films are done")
    outcome = score_films(model, gathered.inputs, read, options, reporter, identify, done)
    outcome.seconds["loading"] = loading_seconds
    status = int(outcome.failed > 0) if outcome.complete else INTERRUPTED
    record = run_record(options, model, folder, gathered, outcome, started, status)
    name = "run.json" if outcome.complete else "run.json.partial"
    write_json(options.out / name, record)
    if outcome.complete:
        # In this order a kill at any moment leaves a run that goes on or one that is complete.
        end(options.out)
        for table in outcome.tables:
            table.drop()
    if not outcome.complete:
        partial = options.out / "scores.csv.partial"
        reporter.error(
            f"interrupted after {outcome.films} films: their rows are in {partial}; the same "
            "command goes on from there"
        )
    elif not options.quiet:
        print(utf8(_summary(record, options.out)))
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """Score radiographs from the command line.

    Args:
        argv: the arguments, by default the process' own.

    Returns:
        The exit status; wrong arguments leave with 2 through tyro.
    """
    options = tyro.cli(ScoreOptions, prog="python -m cxr_tf.score", args=argv)
    with Reporter(quiet=options.quiet, as_json=options.log_json) as reporter:
        try:
            return run(options, reporter)
        except UsageError as error:
            reporter.error(str(error))
            return 2
        except OSError as error:
            reporter.error(f"{options.out}: the results cannot be written: {error}")
            return 1
        except KeyboardInterrupt:
            reporter.error("interrupted before the first film")
            return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
