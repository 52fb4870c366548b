"""Drive a scoring run on Ray Data: hand out parts, keep their rows, make one table of them."""

import contextlib
import csv
import io
import json
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxr_tf.films.inputs import Input
from cxr_tf.films.rows import is_failure, score_columns
from cxr_tf.films.table import Table
from cxr_tf.method.model_card import ModelCard
from cxr_tf.runtime.errors import EngineError, UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.stopping import Stops, stop_status
from cxr_tf.runtime.text import one_line
from cxr_tf.runtime.whole_files import write_json
from cxr_tf.saved.model_folders import model_digest
from cxr_tf.scoring.loop import Outcome
from cxr_tf.scoring.ray.parts import Parts, list_films
from cxr_tf.scoring.ray.worker import Job, PartScorer
from cxr_tf.scoring.resume import STATE, goes_on
from cxr_tf.scoring.run_record import run_facts
from pipelines.native_logs import native_logs_aside

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel
    from cxr_tf.scoring.options import ScoreOptions
    from pipelines.films import Film

#: Folder of an unfinished run, beside the table it will be.
PARTS = "scores.parts"
#: Bytes that a cluster started here may keep of lists and rows.
_STORE = 256 << 20
#: CPUs of a worker where nobody says how many workers there are.
_CPUS = 4


def list_parts(inputs: Iterator[Input], out: Path) -> Parts:
    """Write down the films of a run.

    Args:
        inputs: the films.
        out: folder of the run.
    """
    return list_films(inputs, out / PARTS)


def score_on_ray(
    parts: Parts,
    card: ModelCard,
    folder: Path,
    options: "ScoreOptions",
    reporter: Reporter,
    load: "Callable[[Path], TriageModel] | None" = None,
    read: "Callable[[Path | str], Film] | None" = None,
) -> Outcome:
    """Score films on the workers of a Ray cluster into the same table as `score_films`.

    The list is read, handed out and scored as a stream. A part is kept once all its rows are
    there, whole or not at all, so that a worker or this process may die at any moment: nothing is
    lost but the parts in work, and no film gets two rows.

    Args:
        parts: the films, from `list_parts`.
        card: of the model; the workers load it, each once.
        folder: the SavedModel's, the same on every machine.
        options: see `cxr_tf.score`.
        reporter: told of every film.
        load: loads the model in a worker; by default `cxr_tf.saved.load.load`.
        read: reads a film in a worker; by default `cxr_tf.films.addresses.read_location`.

    Returns:
        Counts and timings; `complete` is False after Ctrl-C or SIGTERM.

    Raises:
        UsageError: the folder holds another unfinished run, or there is no such cluster.
        EngineError: Ray gave up.
        OSError: a part or the table cannot be written.
    """
    facts = run_facts(options, folder, parts.digest)
    if not goes_on(options.out, facts, options.restart):
        parts.clear()
    parts.keep_list()
    write_json(options.out / STATE, facts)
    done = parts.done()
    resumed = sum(1 for _ in parts.rows())
    if done:
        reporter.note(f"going on: {resumed} of {parts.films} films are done")
    outcome = Outcome(resumed=resumed)
    job = Job(
        folder=os.path.abspath(folder),
        card=card,
        model_sha256=model_digest(folder),
        vote=options.voting,
        voi=options.voi,
        read_deadline=options.read_deadline,
        header_check=options.header_check,
        threads=0,
        load=load,
        read=read,
    )
    began = time.perf_counter()
    try:
        reporter.start(parts.films - resumed)
        if resumed < parts.films:
            with _cluster(options) as (workers, cpus, gpus):
                kind = f"{gpus} GPU" if gpus else f"{cpus} CPUs"
                reporter.note(f"{workers} workers, {kind} each")
                job = replace(job, threads=cpus)
                for block in _blocks(parts, done, job, workers, cpus, gpus):
                    _keep(block, parts, outcome, reporter, card)
    except KeyboardInterrupt as stop:
        outcome.stop_status = stop_status(stop)
    finally:
        reporter.stop()
    _finish(parts, card, options, outcome)
    outcome.seconds["scoring"] = time.perf_counter() - began
    return outcome


def _keep(block: Any, parts: Parts, outcome: Outcome, reporter: Reporter, card: ModelCard) -> None:
    """Write the parts of a block, and tell of their films."""
    columns: tuple[str, ...] = score_columns(card.classes)
    for part in block.to_pylist():
        parts.write(part["part"], part["rows"])
        outcome.seconds["reading"] += part["reading"]
        outcome.seconds["model"] += part["model"]
        rows = list(csv.reader(io.StringIO(part["rows"], newline="")))
        for cells in rows:
            row = dict(zip(columns, cells, strict=True))
            failed = is_failure(row["status"])
            seconds = round(part["model"] / len(rows), 4)
            name, error = row["path"], row["error"]
            reporter.film(name, row["status"], row["label"], seconds, error, failed)


def _finish(parts: Parts, card: ModelCard, options: "ScoreOptions", outcome: Outcome) -> None:
    """Count what is done, and where that is everything make the table of it."""
    columns: tuple[str, ...] = score_columns(card.classes)

    def counted() -> Iterator[list[str]]:
        for cells in parts.rows():
            row = dict(zip(columns, cells, strict=True))
            outcome.count(row["status"], row["label"], is_failure(row["status"]))
            outcome.refusals.add("", row)
            yield cells

    if outcome.stop_status:
        outcome.outputs[PARTS] = {"rows": sum(1 for _ in counted())}
        return
    path = options.out / "scores.csv"
    table = Table(path, columns, counted(), options.formats)
    if table.rows != parts.films:
        table.close()
        raise EngineError(
            f"Ray gave back {table.rows} of {parts.films} rows; the same command goes on from there"
        )
    for path, digest in table.finish().items():
        outcome.outputs[path.name] = {"rows": table.rows, "sha256": digest}
    outcome.kept = [table, parts]
    outcome.complete = True


@contextlib.contextmanager
def _cluster(options: "ScoreOptions") -> Iterator[tuple[int, int, int]]:
    """Join the cluster, or start one of this machine; give workers, and CPUs and GPUs of each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own deprecations
        import ray
        import ray.data

        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what matters is told here
        started = not ray.is_initialized()
        if started:
            options_of_ray: dict[str, Any] = {"address": options.ray_address}
            if not options.ray_address:
                options_of_ray = {"address": "local", "object_store_memory": _STORE}
            try:
                with native_logs_aside(options.quiet or options.log_json):
                    ray.init(
                        include_dashboard=False if not options.ray_address else None,
                        log_to_driver=False,
                        logging_level=logging.ERROR,
                        **options_of_ray,
                    )
            except (ConnectionError, OSError, RuntimeError, ValueError) as error:
                raise UsageError(f"--ray-address {options.ray_address}: {error}") from error
        try:
            with Stops():  # Ray has taken SIGTERM for itself
                yield _shares(options.workers, ray.nodes())
        finally:
            if started:
                ray.shutdown()


def _shares(workers: int, nodes: list[dict[str, Any]]) -> tuple[int, int, int]:
    """Share out a cluster: one worker a GPU, or one for every few CPUs."""
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    cpus = [int(resources.get("CPU", 0)) for resources in alive]
    gpus = sum(int(resources.get("GPU", 0)) for resources in alive)
    total, most = sum(cpus), max(cpus, default=0)
    if not total:
        raise UsageError("--engine ray: the cluster has no CPU; start it with CPUs")
    if workers > total:
        raise UsageError(f"--workers {workers}: the cluster has {total} CPUs, give at most that")
    count = workers or min(gpus, total) or max(1, total // _CPUS)
    return count, max(1, min(most, total // count)), int(count <= gpus)


def _blocks(
    parts: Parts, done: set[int], job: Job, workers: int, cpus: int, gpus: int
) -> Iterator[Any]:
    """Yield what the workers make of the parts that are left, as Arrow tables, in any order."""
    import pyarrow
    import ray
    from ray.data import ActorPoolStrategy, DataContext, Datasource, ReadTask
    from ray.data.block import BlockMetadata

    def read_list() -> Iterator[Any]:
        for number, films in parts.left(done):
            yield pyarrow.table({"part": [number], "films": [json.dumps(films)]})

    class FilmList(Datasource):
        def estimate_inmemory_data_size(self) -> int | None:
            return None

        def get_read_tasks(self, *_: Any, **__: Any) -> list[Any]:
            metadata = BlockMetadata(
                num_rows=None, size_bytes=None, input_files=None, exec_stats=None
            )
            return [ReadTask(read_list, metadata)]

    context = DataContext.get_current()
    before = context.target_max_block_size, context.enable_progress_bars
    logger = logging.getLogger("ray.data")
    level = logger.level
    # One task reads the list as a stream; a block of it is one part, made when there is room.
    context.target_max_block_size, context.enable_progress_bars = 1, False
    logger.setLevel(logging.ERROR)
    try:
        films = ray.data.read_datasource(
            FilmList(),
            override_num_blocks=1,
            num_cpus=0,
            label_selector={"ray.io/node-id": ray.get_runtime_context().get_node_id()},
        )
        rows = films.map_batches(
            PartScorer,
            fn_constructor_args=(job,),
            batch_size=None,
            compute=ActorPoolStrategy(size=workers),
            num_cpus=cpus,
            num_gpus=gpus or None,
        )
        yield from rows.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
    except ray.exceptions.RayError as error:
        raise EngineError(f"Ray gave up: {one_line(str(error), 2000)}") from error
    finally:
        context.target_max_block_size, context.enable_progress_bars = before
        logger.setLevel(level)
