"""`python -m cxr_tf.node`: a DICOM node that scores what it receives and sends the results on."""

import os
import sys
from collections.abc import Sequence

from cxr_tf.hospital.options import COMMANDS, Options, StatusOptions
from cxr_tf.runtime.command_line import read_command_line
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE
from cxr_tf.runtime.stopping import Stops, stop_status
from cxr_tf.runtime.text import print_out


def _status(options: StatusOptions) -> int:
    from cxr_tf.hospital.status import tell

    try:
        told = tell(options.folder, options.json)
    except OSError as error:
        Reporter().error(f"--folder {options.folder}: {error}; name the folder of a node")
        return 2
    print_out(told)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run a node, or say how it gets on.

    Args:
        argv: the arguments, by default the process' own.

    Returns:
        The exit status; wrong arguments leave with 2 through tyro.
    """
    command: Options = read_command_line(COMMANDS, "python -m cxr_tf.node", argv, NOTICE)
    if isinstance(command, StatusOptions):
        return _status(command)
    from cxr_tf.hospital.service import run

    # A stderr of its own: the other is put aside while TensorFlow starts, but films come already.
    log = open(os.dup(2), "w", encoding="utf-8", buffering=1)
    with log, Reporter(as_json=True, stream=log) as reporter, Stops() as stops:
        try:
            return run(command, reporter, stops)
        except UsageError as error:
            reporter.error(str(error))
            return 2
        except KeyboardInterrupt as stop:
            reporter.error("stopped before the model was loaded")
            return stops.status or stop_status(stop)


if __name__ == "__main__":
    sys.exit(main())
