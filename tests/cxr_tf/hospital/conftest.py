"""Every test of the node leaves pynetdicom's threads and sockets ended."""

import gc
import threading
import time
import warnings

import pytest


@pytest.fixture(autouse=True)
def _connections_ended():
    """Wait for associations to end, and collect the sockets and files that they left open."""
    yield
    end = time.monotonic() + 5
    while any("torThread@" in each.name for each in threading.enumerate()):
        if time.monotonic() > end:
            break
        time.sleep(0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
