"""What the processor offers to the libraries."""

from pathlib import Path

#: Instruction sets that the libraries choose their kernels by.
FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")


def features() -> list[str]:
    """List those of `FEATURES` that this processor has; none where it cannot be told."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        return []
    flags = set(next((x for x in text.splitlines() if x.startswith("flags")), "").split())
    return [name for name in FEATURES if name in flags]
