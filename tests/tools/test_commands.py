"""Commands that take nothing: asked for help or given too much, they say so and write nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = (
    "tools.bench.speed_ratios",
    "tools.golden.shipped_answers",
    "tools.pages.house",
    "tools.pages.node_flow",
    "tools.pages.outputs",
    "tools.release.schemata",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_argument_is_refused(command):
    done = subprocess.run(
        [sys.executable, "-m", command, "--unknown"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "--unknown" in done.stderr and f"python -m {command}" in done.stderr


def test_help_is_the_module_s_own():
    command = [sys.executable, "-m", "tools.pages.house", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Draws the house" in done.stdout
