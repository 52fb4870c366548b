"""Python's garbage collector out of the way while much is made that stays."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector of reference cycles; it never looks at what was made meanwhile.

    An import of TensorFlow makes millions of objects that stay, which the collector goes through
    again and again: a quarter of the import's time. Does nothing where it is off already.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
