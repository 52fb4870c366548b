"""Scores films by a model that TensorFlow Serving serves: `cxr_tf.score` with --server.

`python -m tools.serve_client grpc://localhost:8500 --model saved_models/cxr_triage --out DIR FILM…`
"""

import sys
from collections.abc import Sequence

from cxr_tf.score import main as score


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the server's address, then the arguments of `cxr_tf.score`; None: those of the
            process.

    Returns:
        The exit status of `cxr_tf.score`.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    return score(["--server", *given])


if __name__ == "__main__":
    sys.exit(main())
