"""A test of the node ends with its threads of pynetdicom, and leaves no socket and no file open."""

import gc
import threading
import time

import pytest


@pytest.fixture(autouse=True)
def _connections_ended():
    """Wait for associations to end; what is unclosed then is a fault, told of this test."""
    yield
    end = time.monotonic() + 5
    while any("torThread@" in each.name for each in threading.enumerate()):
        if time.monotonic() > end:
            break
        time.sleep(0.05)
    gc.collect()
