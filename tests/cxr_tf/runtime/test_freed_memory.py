"""What memory stays with the process once blocks between others are freed."""

import subprocess
import sys

import pytest

SCRIPT = """
import contextlib, sys
from pathlib import Path
import numpy as np
from cxr_tf.runtime.freed_memory import large_blocks_returned

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20

def left():
    before = resident()
    blocks = [np.ones(400 << 10, np.uint8) for _ in range(500)]
    kept = blocks[::20]
    del blocks
    return resident() - before

large = np.ones(16 << 20, np.uint8)
del large  # as TensorFlow does: from now on glibc keeps blocks of up to that size
with large_blocks_returned() if sys.argv[1] == "returned" else contextlib.nullcontext():
    found = left()
print(found, left())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_freed_blocks_go_back_meanwhile_and_stay_afterwards():
    found = {}
    for name in ("returned", "kept"):
        command = [sys.executable, "-c", SCRIPT, name]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found[name] = [int(each) for each in output.split()]
    assert found["kept"][0] > 150  # MiB of 195 that were freed, but for 10
    assert found["returned"][0] < 30
    assert found["returned"][1] > 150


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_a_threshold_of_the_user_s_own_is_left_alone():
    command = ["env", f"MALLOC_MMAP_THRESHOLD_={1 << 30}", sys.executable, "-c", SCRIPT, "returned"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert int(output.split()[0]) > 150
