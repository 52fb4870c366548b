"""The node as a whole: its ways in, its work and its ways out, from start to stop."""

import importlib.util
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cxr_tf.films.identifiers import Identify, identifier_reader
from cxr_tf.hospital.connections import networks, server_tls
from cxr_tf.hospital.events import Events
from cxr_tf.hospital.films_folder import FilmsFolder
from cxr_tf.hospital.options import NodeOptions
from cxr_tf.hospital.queue import Queue
from cxr_tf.hospital.sender import Destination, destination, until
from cxr_tf.runtime.collector import collector_paused
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.folder_lock import held
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.stopping import Stops, raise_if_stopped
from cxr_tf.saved.file_list import check_files
from cxr_tf.saved.warmup import drawn_chest
from cxr_tf.scoring.checks import check
from cxr_tf.scoring.reach_model import reach_model
from pipelines.lean_import import left_out
from pipelines.native_logs import native_logs_aside, start_tensorflow

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel
    from cxr_tf.scoring.options import ScoreOptions
    from cxr_tf.scoring.server.remote_model import RemoteModel

_LIBRARIES = ("pynetdicom", "dicomweb_client", "prometheus_client", "highdicom")

Load = Callable[[Path], "TriageModel"]


def _check(options: NodeOptions) -> Path:
    """Refuse what cannot be right; give the model's version folder."""
    if any(importlib.util.find_spec(name) is None for name in _LIBRARIES):
        raise UsageError("the node needs libraries of its own: pip install 'cxr-tf[node]'")
    if wrong := options.check_numbers():
        raise UsageError(wrong)
    if not 1 <= len(options.ae_title.strip()) <= 16 or not options.ae_title.isascii():
        raise UsageError(f"--ae-title {options.ae_title}: give 1 to 16 letters and digits")
    if not options.port and options.watch is None:
        raise UsageError("--port 0 leaves no way in: give a port, or a folder to --watch")
    if options.watch is not None:
        if not options.watch.is_dir():
            raise UsageError(f"--watch {options.watch} is no folder: make it, or name another")
        own, watched = options.folder.resolve(), options.watch.resolve()
        if own.is_relative_to(watched) or watched.is_relative_to(own):
            raise UsageError("--watch and --folder must not lie in each other: name another folder")
    try:
        options.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return check(options.scoring(options.folder, options.folder))
    except OSError as error:
        raise UsageError(
            f"--folder {options.folder} cannot be made ({error.strerror}): choose another"
        ) from error


@contextmanager
def _thread(
    name: str, step: Callable[[], float], stop: threading.Event, events: Events
) -> Iterator[None]:
    """Do steps beside the block, until it ends."""
    thread = threading.Thread(target=until, args=(stop, step, events, name), name=name)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def run(
    options: NodeOptions,
    reporter: Reporter,
    stops: Stops,
    load: Load | None = None,
) -> int:
    """Run the node until a signal comes.

    Args:
        options: the arguments.
        reporter: writes the log.
        stops: knows of signals.
        load: loads the model, by default `cxr_tf.saved.load.load`.

    Returns:
        The exit status: that which names the signal.

    Raises:
        UsageError: wrong usage, or another process has the folder.
    """
    model_folder = _check(options)
    events = Events(reporter)
    with held(options.folder, "--folder"), ExitStack() as stack:
        folder = FilmsFolder(options.folder)
        folder.make()
        queue = stack.enter_context(Queue(options.folder))
        identify = identifier_reader(
            options.keep_identifiers, options.hash_identifiers, options.folder
        )
        to = destination(options)
        _start(options, folder, queue, events, stack)
        with left_out("keras"):
            start_tensorflow()
        with native_logs_aside(True), collector_paused():
            check_files(model_folder, reporter.warn)
            scoring = options.scoring(options.folder, options.folder)
            model = reach_model(model_folder, scoring, load)
            model.card.asked_with(options)  # refused now, not film by film
            if not options.server:
                _warm_up(model, scoring, events)
        _work(options, folder, queue, events, model, model_folder, identify, to, stops, stack)
    events.said("stopped", "stopped as asked; the same command goes on from here")
    return stops.status


def _warm_up(model: "TriageModel | RemoteModel", scoring: "ScoreOptions", events: Events) -> None:
    """Ask once, so that no film waits for what only a first answer takes."""
    try:
        model.predict(drawn_chest(), vote=scoring.voting, explain=scoring.explains)
    except Exception as fault:  # films are tried all the same
        raise_if_stopped()
        events.broke("warm-up", fault)


def _start(
    options: NodeOptions, folder: FilmsFolder, queue: Queue, events: Events, stack: ExitStack
) -> None:
    """Open the ways in, before the model is there: films that come meanwhile wait."""
    from cxr_tf.hospital.metrics import Seeing, served
    from cxr_tf.hospital.receiver import Receiver
    from cxr_tf.hospital.work import taken_back

    adopted, interrupted = folder.adopt(queue), taken_back(queue)
    events.said(
        "started", f"{queue.counts()['received']} films wait", adopted=adopted,
        interrupted=interrupted,
    )  # fmt: skip
    if options.status_port:
        seeing = Seeing(queue, events, folder, options.min_free_megabytes << 20)
        stack.enter_context(served(seeing, options.status_port))
    if options.port:
        allowed, tls = networks(options.allow_address), server_tls(options)
        receiver = stack.enter_context(Receiver(options, folder, queue, events, tls, allowed))
        events.said("listening", f"listening on port {receiver.port}", port=receiver.port)


def _work(
    options: NodeOptions,
    folder: FilmsFolder,
    queue: Queue,
    events: Events,
    model: "TriageModel | RemoteModel",
    model_folder: Path,
    identify: Identify | None,
    to: Destination | None,
    stops: Stops,
    stack: ExitStack,
) -> None:
    """Score films until a signal comes; all else is done in threads beside it."""
    from cxr_tf.hospital.keeper import Keeper
    from cxr_tf.hospital.sender import Sender
    from cxr_tf.hospital.watcher import Watcher
    from cxr_tf.hospital.work import Worker
    from cxr_tf.scoring.report.writer import about

    stop = threading.Event()
    keeper = Keeper(
        folder, queue, events, about(model_folder, model.card), identify is not None,
        options.prune_days, to is not None,
    )  # fmt: skip
    steps: list[tuple[str, Callable[[], float]]] = [("keeper", keeper.step)]
    if to is not None:
        steps.append(("sender", Sender(to, folder, queue, events).step))
    if options.watch is not None:
        limits = options.max_megabytes << 20, options.min_free_megabytes << 20
        steps.append(("watcher", Watcher(options.watch, folder, queue, events, *limits).step))
    worker = Worker(options, folder, queue, events, model, identify)
    stack.callback(worker.close)
    stack.callback(keeper.write)  # once all threads have ended
    for name, step in steps:
        stack.enter_context(_thread(name, step, stop, events))
    events.said("ready", "the model is loaded", model_version=model.model_version)
    with stops.deferred():
        while not stops.came:
            _pause(worker.step(), stops, events)


def _pause(seconds: float, stops: Stops, events: Events) -> None:
    """Wait, but not longer than until a signal comes."""
    end = time.monotonic() + seconds
    while not stops.came and (left := end - time.monotonic()) > 0:
        events.alive()
        time.sleep(min(left, 0.1))
