"""Train a network: `python -m cxr_tf.train segmentation|classification --data … --out …`."""

import logging
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from cxr_tf.runtime.command_line import Command, read_command_line
from cxr_tf.runtime.errors import DivergedError, UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.stopping import Stops, stop_status
from cxr_tf.runtime.text import print_out
from cxr_tf.saved.run_option_groups import EXAMPLES, GROUPS
from cxr_tf.saved.run_options import PRESETS, TrainingOptions, from_file
from cxr_tf.training.cluster import read_cluster
from pipelines.native_logs import start_tensorflow

log = logging.getLogger("cxr_tf.train")

USAGE = f"""usage: python -m cxr_tf.train {"|".join(PRESETS)} --data MANIFEST|DIR --out RUN [...]

Train the network that segments heart and lungs, or the one that classifies lung patches.
'python -m cxr_tf.train segmentation --help' lists the options of a task.

Examples: python -m cxr_tf.train segmentation --data DATA --out runs/segmentation
  python -m cxr_tf.train classification --data DATA --segmentation runs/segmentation \\
    --out runs/classification --imagenet download

Exit status: 0 done or stopped as asked, 1 the loss is not finite, a film or mask vanished or
broke, the run cannot be written or another worker is gone, 2 wrong usage or data, 130
interrupted by Ctrl-C, 143 by SIGTERM: after the step in work a checkpoint is written, and the
same command goes on from there.
"""


@dataclass(frozen=True)
class _Ahead:
    """What is read ahead of all other options, whose defaults depend on it."""

    config: str = ""
    preset: str = ""


def parse_arguments(arguments: Sequence[str]) -> TrainingOptions:
    """Read the command line: the task, its preset, a file, and options that change their values.

    Args:
        arguments: the command line without the program's name.

    Returns:
        The resolved configuration.

    Raises:
        SystemExit: help was asked for (status 0), or the usage is wrong (status 2).
    """
    if not arguments or arguments[0] not in PRESETS:
        asked = bool(arguments) and arguments[0] in ("-h", "--help")
        if asked:
            print_out(USAGE.rstrip())
        else:
            print(USAGE, end="", file=sys.stderr)
        raise SystemExit(0 if asked else 2)
    task, rest = arguments[0], list(arguments[1:])
    program = f"python -m cxr_tf.train {task}"
    ahead, _ = tyro.cli(_Ahead, args=rest, prog=program, return_unknown_args=True, add_help=False)
    preset = ahead.preset if ahead.preset in PRESETS[task] else ""  # an unknown one is told below
    shown = f"the {preset or 'improved'} preset"
    default = PRESETS[task][preset or "improved"]
    if ahead.config:
        try:
            default = from_file(task, Path(ahead.config), preset)
        except UsageError as error:
            Reporter().error(f"--config {error}")
            raise SystemExit(2) from error
        shown = f"{ahead.config}, and else of the {default.preset} preset"
    config = read_command_line(
        Command(type(default), GROUPS, EXAMPLES[task]),
        program,
        rest,
        f"Train the {task} network. Values shown are those of {shown}.",
        default,
    )
    for name in ("data", "out"):
        if not getattr(config, name):
            Reporter().error(f"--{name} is missing")
            raise SystemExit(2)
    return config


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the command line without the program's name; None for this process's own.

    Returns:
        Exit status: 0 done or stopped as asked, 1 the loss is not finite, data vanished, another
        worker is gone or the run cannot be written, 2 wrong usage or data, 130 interrupted by
        Ctrl-C, 143 by SIGTERM.
    """
    config = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("cxr_tf").setLevel(logging.INFO)
    try:
        cluster = read_cluster()
    except UsageError as error:
        Reporter().error(str(error))
        return 2
    # Workers cannot write a checkpoint unless all do, so that theirs end at once.
    with Stops(listen=cluster is None) as stops:
        return _run(config, stops)


def _run(config: TrainingOptions, stops: Stops) -> int:
    """Train, and tell what stopped it; returns the exit status."""
    go_on = "the same command goes on from the last checkpoint"
    try:
        # Workers set up their collectives before anything looks for devices.
        start_tensorflow(look="TF_CONFIG" not in os.environ)
        import tensorflow as tf

        from cxr_tf.training.run import train
        from pipelines.film_files import LOST
        from pipelines.manifest.table import ManifestError
    except KeyboardInterrupt as stop:
        return stop_status(stop)

    try:
        finished = train(config, stops)
    except (KeyboardInterrupt, RuntimeError) as stop:
        # A signal within TensorFlow may come out as a RuntimeError; see `raise_if_stopped`.
        if isinstance(stop, RuntimeError) and not stops.came:
            raise
        Reporter().error(f"interrupted; {go_on}")
        return stops.status or stop_status(stop)
    except (UsageError, ManifestError, FileNotFoundError) as error:
        Reporter().errors(error)
        return 2
    except DivergedError as error:
        Reporter().error(str(error))
        return 1
    except (
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
        tf.errors.InternalError,
        tf.errors.UnavailableError,
    ) as error:
        if "TF_CONFIG" not in os.environ:
            raise
        Reporter().error(
            f"another worker is gone ({error.message.splitlines()[0]}); start all workers again "
            "with the same command, and the run goes on from its last checkpoint"
        )
        return 1
    except tf.errors.UnknownError as error:
        # So an error comes out of tf.data, among traces.
        found = re.search(f"OSError: (.*{LOST}.*)", error.message)
        if found is None:
            raise
        Reporter().error(f"{found[1]}; {go_on} and makes the film again")
        return 1
    except OSError as error:
        Reporter().error(f"{error}; once that is put right, {go_on}")
        return 1
    if not finished:
        log.info("stopped as asked; the same command goes on from here")
    return 0 if finished else stops.status


if __name__ == "__main__":
    sys.exit(main())
