import os

import pytest

from cxr_tf.runtime import devices as module
from cxr_tf.runtime.devices import devices

X86 = "processor\t: 0\nmodel name\t: Some\nflags\t\t: fpu avx avx2 amx_tile avx512_bf16 ht\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd bf16 sve\n"


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A machine with no files of a processor, no driver and no tools."""
    monkeypatch.setattr(module, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(module, "_NVIDIA", tmp_path / "gpus")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (X86, ["avx", "avx2", "avx512_bf16", "amx_tile"]),
        (ARM, ["asimd", "sve", "bf16"]),
        ("processor\t: 0\n", []),
    ],
)
def test_instructions_that_matter_are_those_of_the_processor(system, text, expected):
    (system / "cpuinfo").write_text(text)
    assert devices()["instructions"] == expected


def test_a_system_that_tells_nothing(system):
    assert devices() == {
        "processor": devices()["processor"],
        "cpus": os.cpu_count(),
        "instructions": [],
        "nvidia": [],
    }


def test_nvidia_devices_by_the_driver_s_files(system):
    for number in (1, 0):
        (system / "gpus" / f"0000:0{number}:00.0").mkdir(parents=True)
        text = f"Model: \t\t NVIDIA L{number}\nIRQ:   \t\t 9\n"
        (system / "gpus" / f"0000:0{number}:00.0" / "information").write_text(text)
    assert devices()["nvidia"] == ["NVIDIA L0", "NVIDIA L1"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [("echo 'NVIDIA T4'", ["NVIDIA T4"]), ("echo failed; exit 9", []), ("", [])],
)
def test_nvidia_devices_by_the_tool_where_there_are_no_files(system, script, expected):
    tool = system / "bin" / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    assert devices()["nvidia"] == expected
