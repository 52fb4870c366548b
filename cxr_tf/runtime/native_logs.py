"""What libraries say past Python."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def native_logs_aside(aside: bool) -> Iterator[None]:
    """Keep off stderr what libraries write to it past Python while they start.

    Args:
        aside: False does nothing.

    Yields:
        Nothing.
    """
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
