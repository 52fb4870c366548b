"""Commands begin with their own words, not with those of TensorFlow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.native_logs import native_logs_aside

ROOT = Path(__file__).parents[2]


def said(code, **variables):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "CUDA_"))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment | variables, cwd=ROOT, capture_output=True,
        text=True, timeout=300, check=True,
    )  # fmt: skip
    return done.stderr


@pytest.mark.slow
def test_tensorflow_starts_silently_unless_it_is_asked_to_speak():
    start = "from pipelines.native_logs import start_tensorflow; start_tensorflow()"
    shown = "; import sys; print('heard', file=sys.stderr)"
    assert said(start + shown) == "heard\n"
    assert len(said(start + shown, TF_CPP_MIN_LOG_LEVEL="0").splitlines()) > 1


def test_what_is_written_past_python_is_aside_within_the_block_alone(capfd):
    for aside, expected in ((True, "afterwards"), (False, "withinafterwards")):
        with native_logs_aside(aside):
            os.write(2, b"within")
        os.write(2, b"afterwards")
        assert capfd.readouterr().err == expected


def test_stderr_comes_back_after_an_error(capfd):
    with pytest.raises(OSError, match="told"), native_logs_aside(True):
        raise OSError("told")
    os.write(2, b"here")
    assert capfd.readouterr().err == "here"
