"""Films that are sent to a node by dcmtk."""

import shutil
import subprocess

import pytest


def storescu(port, *paths, options=()):
    """Send files; the finished process."""
    if shutil.which("storescu") is None:
        pytest.skip("no storescu: apt-get install dcmtk")
    command = ["storescu", *(options or ["-aec", "CXRTF"])]
    command += ["127.0.0.1", str(port), *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)
