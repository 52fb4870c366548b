"""List the commands, or run one: `cxr-tf COMMAND …`, the same as `python -m cxr_tf.COMMAND …`."""

import difflib
import importlib
import sys
from collections.abc import Sequence

from cxr_tf import __version__
from cxr_tf.runtime.text import print_out

#: What each command does, the common ones first.
COMMANDS = {
    "score": "decide on films: files, folders, DICOM, archives, lists",
    "info": "say what is installed, which formats are read, which models are here",
    "node": "receive films over DICOM, score them, and send the results on",
    "train": "train a segmentation or classification network",
    "evaluate": "measure a model on films whose masks or classes are known",
    "export": "make one model of two trained networks",
    "analyse": "measure heart and lungs, and make the paper's tables",
    "extract": "take the weights out of a model, to train on from them",
}


def overview() -> str:
    """Describe every command in a line."""
    lines = [f"  {name:<10}{text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            f"cxr-tf {__version__}. Research use only. Not a medical device.",
            "",
            "usage: cxr-tf COMMAND …, or python -m cxr_tf.COMMAND …",
            "",
            *lines,
            "",
            "cxr-tf COMMAND --help lists a command's options. For example:",
            "  cxr-tf score --model saved_models/cxr_triage --out scores --report film.png folder/",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that is named.

    Args:
        arguments: the command line without the program's name; None for this process's own.

    Returns:
        The command's exit status; 2 where there is no such command.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        print_out(overview())
        return 0
    if given[0] == "--version":
        print_out(__version__)
        return 0
    name = given.pop(0)
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        meant = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(COMMANDS)}"
        print(f"error: there is no command {name}; {meant}", file=sys.stderr)
        return 2
    command = importlib.import_module(f"cxr_tf.{name}")
    status: int = command.main(given)
    return status


if __name__ == "__main__":
    sys.exit(main())
