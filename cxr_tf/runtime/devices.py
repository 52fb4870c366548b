"""What this machine computes with, as far as the system tells: importing it loads no TensorFlow."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from cxr_tf.runtime.provenance import machine

#: Sets of instructions that decide how fast networks run here, as Linux names them.
_INSTRUCTIONS = (
    "avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16",
    "amx_int8", "asimd", "sve", "bf16", "i8mm",
)  # fmt: skip
_CPUINFO = Path("/proc/cpuinfo")
_NVIDIA = Path("/proc/driver/nvidia/gpus")


def devices() -> dict[str, Any]:
    """Describe processor and NVIDIA devices; TensorFlow may use fewer of them.

    Returns:
        `processor`, `cpus`; `instructions` that matter here; `nvidia`, the names of the devices
        that its driver knows.
    """
    found = machine()
    return {
        "processor": found["processor"],
        "cpus": found["cpus"],
        "instructions": _instructions(),
        "nvidia": _nvidia(),
    }


def _instructions() -> list[str]:
    """Those of `_INSTRUCTIONS` that the first processor has."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return []
    fields = (line.partition(":") for line in lines)
    flags = next(
        (value.split() for key, _, value in fields if key.strip() in ("flags", "Features")), []
    )
    return [name for name in _INSTRUCTIONS if name in flags]


def _nvidia() -> list[str]:
    """Names of NVIDIA devices, by the driver's files, or where it has none by its tool."""
    names = []
    for path in sorted(_NVIDIA.glob("*/information")):
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        fields = (line.partition(":") for line in lines)
        names += [value.strip() for key, _, value in fields if key == "Model"]
    tool = None if names else shutil.which("nvidia-smi")
    if tool is None:
        return names
    try:
        told = subprocess.run(
            [tool, "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=5, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return names
    return [line.strip() for line in told.stdout.splitlines() if line.strip()]
