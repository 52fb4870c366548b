"""Tests of the node end with its threads of pynetdicom, and leave no socket and no file open."""

import gc
import threading
import time

import pytest


@pytest.fixture(scope="module", autouse=True)
def _everything_closed():
    """Have what was left unclosed told of these tests, not of others."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def _connections_ended():
    """Wait for associations to end."""
    yield
    end = time.monotonic() + 5
    while any("torThread@" in each.name for each in threading.enumerate()):
        if time.monotonic() > end:
            break
        time.sleep(0.05)
