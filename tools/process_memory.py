"""Memory of a process, as Linux tells it."""

from pathlib import Path


def kibibytes(field: str, process: int | str = "self") -> int:
    """Read one figure of /proc/PROCESS/status.

    Args:
        field: `VmRSS`, resident now, or `VmHWM`, at the peak.
        process: its id; by default this process.

    Raises:
        OSError: the process has ended, or the system does not tell.
    """
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise OSError(f"the system does not tell {field} of {process}; it runs on Linux alone")
