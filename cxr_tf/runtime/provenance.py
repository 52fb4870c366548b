"""What a record was made with: versions, machine, revision, and the notices beside every result."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

NOTICE = "Research use only. Not a medical device."


PHANTOM_NOTICE = (
    "PHANTOM MODEL: trained on generated phantoms; its answers about real films mean nothing."
)


PACKAGES = (
    "tensorflow",
    "keras",
    "numpy",
    "opencv-python-headless",
    "scipy",
    "pandas",
    "pydicom",
    "pylibjpeg",
    "tf-explain",
    "matplotlib",
    "rich",
    "tyro",
)


def project_version() -> str:
    """Return the version of cxr-tf that is running.

    Returns:
        `cxr_tf.__version__`, or "unknown" where a bare copy of the sources has none.
    """
    import cxr_tf

    return str(getattr(cxr_tf, "__version__", "unknown"))


def revision() -> str:
    """Return the commit of the sources that are running, with `-dirty` where they were changed.

    Returns:
        Twelve digits, or "" where the sources are no checkout.
    """

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments],
            cwd=Path(__file__).parent, capture_output=True, text=True, check=True,
        )  # fmt: skip

    try:
        # Fails where cxr-tf is installed within the checkout of another project.
        git("ls-files", "--error-unmatch", Path(__file__).name)
        found = git("describe", "--always", "--dirty", "--abbrev=12")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip()


def machine() -> dict[str, Any]:
    """Describe the machine that figures were measured on.

    Returns:
        `platform`, `processor`, `cpus` and `onednn`, the variable that turns oneDNN on.
    """
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next(x.split(":", 1)[1].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):  # not Linux, or a processor without a name
        pass
    return {
        "platform": platform.platform(),
        "processor": processor,
        "cpus": os.cpu_count(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", ""),
    }


def package_versions() -> dict[str, str | None]:
    """Look up what is installed, without importing it.

    Returns:
        Version by distribution name; None where a package is not installed.
    """
    versions: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def versions() -> dict[str, str | None]:
    """Tell what a record was made with.

    Returns:
        Versions of this project, of Python and of the packages.
    """
    return {
        "cxr_tf": project_version(),
        "python": platform.python_version(),
        **package_versions(),
    }
