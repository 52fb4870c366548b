"""Text for terminals and files."""

import subprocess
import sys

import pytest

SLOW_START = "import sys; sys.stdin.read();"


def left_alone(code: str) -> tuple[int, bytes]:
    """Status and errors of a process whose reader has left before it prints."""
    with subprocess.Popen(
        [sys.executable, "-c", f"{SLOW_START} {code}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        process.stdin.close()  # now it prints
        said = process.stderr.read()
        return process.wait(), said


@pytest.mark.parametrize(
    "code",
    [
        "from cxr_tf.runtime.text import print_out; print_out('a'); print_out('b'); print('c')",
        "from cxr_tf.__main__ import main; main([])",
        "from cxr_tf.__main__ import main; main(['--version'])",
        "from cxr_tf.score import main; main(['--help'])",
        "from cxr_tf.train import main; main(['--help'])",
    ],
)
def test_a_reader_that_leaves_early_is_no_fault(code):
    """As `cxr-tf | head -1` does."""
    assert left_alone(code) == (0, b"")


def test_a_plain_print_is_one():
    status, said = left_alone("print('a', flush=True)")
    assert status == 1 and b"BrokenPipeError" in said
