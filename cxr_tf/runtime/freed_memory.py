"""Keep the memory that is needed once from staying with the process."""

import contextlib
import ctypes
import os
from collections.abc import Iterator

#: Parameters of glibc's mallopt.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
#: Bytes from which on a block is mapped by itself, and goes back to the system once it is freed.
_SMALL = 256 << 10
#: glibc moves its own threshold up to so much, as larger blocks are freed, and trims at twice that.
_LARGEST = 32 << 20


@contextlib.contextmanager
def large_blocks_returned() -> Iterator[None]:
    """Let large blocks that are freed meanwhile go back to the system at once.

    TensorFlow's optimiser copies a graph with its weights again and again; what lies between the
    copies keeps glibc from giving them back. Slower for what allocates all the time, so not for
    inference itself. Does nothing without glibc, or where MALLOC_MMAP_THRESHOLD_ is set.
    """
    mallopt = getattr(ctypes.pythonapi, "mallopt", None)
    if mallopt is None or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        yield
        return
    mallopt(_MMAP_THRESHOLD, _SMALL)
    try:
        yield
    finally:
        mallopt(_MMAP_THRESHOLD, _LARGEST)
        mallopt(_TRIM_THRESHOLD, 2 * _LARGEST)


def free_blocks_returned() -> None:
    """Give back to the system what was freed and lies between blocks that are in use.

    Does nothing without glibc.
    """
    trim = getattr(ctypes.pythonapi, "malloc_trim", None)
    if trim is not None:
        trim(0)
