"""What the commands that measure a data set share: their output and their exit status."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.stopping import Stops, stop_status
from cxr_tf.runtime.text import print_out, utf8
from pipelines.manifest.table import ManifestError


class Spoken(Protocol):
    """Options that say how much a command tells."""

    @property
    def quiet(self) -> bool:
        """Say nothing but warnings and errors."""

    @property
    def log_json(self) -> bool:
        """Log one JSON object a line."""


S = TypeVar("S", bound=Spoken)


def show(text: str, out: Path) -> None:
    """Print a summary and where the rest of it is.

    Args:
        text: the summary.
        out: folder of the results.
    """
    print_out(f"{text}\nresults in {utf8(str(out))}")


def exit_status(options: S, run: Callable[[S, Reporter], int], work: str) -> int:
    """Run a command and tell what stopped it.

    Args:
        options: its options.
        run: does what it does; returns the exit status.
        work: what it does with films, such as `evaluating`.

    Returns:
        That status; 1 where the results cannot be written, 2 for wrong usage or data, 130 or 143
        where it was interrupted by Ctrl-C or SIGTERM.
    """
    reporter = Reporter(quiet=options.quiet, as_json=options.log_json, work=work)
    with reporter, Stops():
        try:
            return run(options, reporter)
        except (ManifestError, UsageError) as error:
            reporter.errors(error)
            return 2
        except OSError as error:
            reporter.error(f"the results cannot be written: {error}")
            return 1
        except KeyboardInterrupt as stop:
            reporter.error("interrupted: the films that were done are in the .partial table")
            return stop_status(stop)
