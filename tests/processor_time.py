"""Processor time of a new Python: what the wall clock shows on a machine that does nothing else."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


def timed_python(*arguments: str, **environment: str) -> tuple[str, float]:
    """Run Python in the repository to its end, which must be a success.

    Args:
        arguments: behind the interpreter's name.
        environment: variables beside those of this process.

    Returns:
        What it printed, and its processor time in seconds.
    """
    before = os.times()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    after = os.times()
    assert done.returncode == 0, done.stderr
    user, system = (getattr(after, f"children_{kind}") for kind in ("user", "system"))
    return done.stdout, user + system - before.children_user - before.children_system
