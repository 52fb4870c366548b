"""Take the weights out of an exported model: `python -m cxr_tf.extract MODEL --out DIR`.

Each network becomes a run like those of `cxr_tf.train`: it can be started from (`--start-from`),
make the masks of another training (`--segmentation`), be evaluated and exported. Options that
mattered to its training alone are not known any more and stand at their preset's values. A
SavedModel holds its weights as constants without the names of their variables; the hashes that
`cxr_tf.export` wrote beside it find them again, and prove them.
"""

import sys
from collections.abc import Sequence

from cxr_tf.runtime.command_line import read_command_line
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE
from cxr_tf.runtime.text import print_out
from cxr_tf.saved.weights_out import COMMAND, extract


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the command line without the program's name; None for this process's own.

    Returns:
        Exit status: 0 done, 2 wrong usage.
    """
    options = read_command_line(
        COMMAND,
        "python -m cxr_tf.extract",
        arguments,
        f"Take the weights out of an exported model, as runs. {NOTICE}",
    )
    try:
        runs = extract(options)
    except (OSError, ValueError) as error:
        Reporter().error(str(error))
        return 2
    print_out("\n".join(map(str, runs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
