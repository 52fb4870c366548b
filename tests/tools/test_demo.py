import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
_CUT = ("unshare", "--map-root-user", "--net")
#: Neither a name can be looked up nor a packet sent.
_PROBE = (
    "import socket\n"
    "for look in (lambda: socket.create_connection(('192.0.2.1', 443), 5),"
    " lambda: socket.getaddrinfo('example.org', 443)):\n"
    "    try:\n        look()\n"
    "    except OSError:\n        continue\n"
    "    raise SystemExit('the network is not cut')"
)


@pytest.fixture
def cut():
    """Runs a command where there is no network, not even this machine's own address."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    tried = subprocess.run([*_CUT, "true"], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"no namespaces for this user: {tried.stderr.strip()}")

    def run(*arguments):
        return subprocess.run(
            [*_CUT, sys.executable, *arguments],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.slow
def test_the_shipped_model_scores_phantoms_without_a_network(cut, tmp_path):
    probe = cut("-c", _PROBE)
    assert probe.returncode == 0, probe.stderr
    done = cut("-m", "tools.demo", str(tmp_path / "demo"))
    assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "demo" / "scores" / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 8 and all(row["label"] for row in rows if row["status"] == "ok")
    assert sum(row["status"] == "ok" for row in rows) >= 6
    assert (tmp_path / "demo" / "scores" / "report" / "index.html").is_file()
