"""Makes what is said of the dependencies, from a fresh environment of the locked versions.

    python -m tools.release.supply_chain lock        requirements-lock.txt, and those
                                                     of the extras dev, gpu and node
    python -m tools.release.supply_chain sbom        docs/sbom.cdx.json, CycloneDX
    python -m tools.release.supply_chain licences    docs/licences.md
    python -m tools.release.supply_chain audit       known vulnerabilities, to stdout

Needs the extra `release`. All but `lock` install the locked files into a temporary environment
(about 2 GB; `--environment FOLDER` keeps it and uses it again).
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cxr_tf.runtime.markdown import markdown_table

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements-lock.txt"
SBOM = ROOT / "docs" / "sbom.cdx.json"
LICENCES = ROOT / "docs" / "licences.md"
_COMMAND = "python -m tools.release.supply_chain"
#: Locks of the project with an extra: what installs each, by file.
EXTRA_LOCKS = {
    ROOT / "requirements-lock-dev.txt": ("dev", "bash tools/test.sh"),
    ROOT / "requirements-lock-gpu.txt": ("gpu", "tools/docker/gpu.Dockerfile"),
    ROOT / "requirements-lock-node.txt": ("node", "tools/node/docker-compose.yml"),
}
_HEADER = """\
# What `{user}` installs: every version of {what} and below, with the hashes
# of its files, for Python 3.11 to 3.13 on every platform. Made by
# `{command} lock`.
"""
#: What GNU's licences ask, of whoever passes the package on together with this software.
_COPYLEFT = re.compile(r"\bA?GPL|GNU (Affero )?General Public", re.IGNORECASE)


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command; its own words reach the user where it fails.

    Args:
        *command: Programme and arguments.
        cwd: Where it runs.

    Returns:
        What it wrote to stdout.

    Raises:
        SystemExit: It failed.
    """
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, cwd=cwd)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command[:5]))} failed with {done.returncode}")
    return str(done.stdout)


def pins(lock: str) -> list[tuple[str, str, str]]:
    """Read the versions of a lock.

    Args:
        lock: Content of the file.

    Returns:
        Name, version and marker ('' where it holds everywhere) of each line.
    """
    line = re.compile(r"^([A-Za-z0-9._-]+)==(\S+?)(?: ; (.+?))? \\$", re.MULTILINE)
    return [(name, version, marker or "") for name, version, marker in line.findall(lock)]


def make_locks() -> None:
    """Resolve the requirements anew, then those of extras with the same versions."""
    _make_lock(LOCK, "bash tools/demo.sh", "requirements.txt")
    for lock, (extra, user) in EXTRA_LOCKS.items():
        _make_lock(lock, user, "pyproject.toml", "--extra", extra, "--constraints", LOCK.name)


def _make_lock(lock: Path, user: str, *sources: str) -> None:
    """Resolve what uv is given; versions that are locked and still fit stay."""
    uv = [sys.executable, "-m", "uv", "pip", "compile", *sources, "--universal"]
    uv += ["--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate"]
    earlier = ["-o", lock.name] if lock.is_file() else []
    text = run(*uv, "--quiet", *earlier, cwd=ROOT)
    body = lock.read_text(encoding="utf-8") if earlier else text
    body = "".join(line for line in body.splitlines(True) if not line.startswith("#"))
    what = f"the extra {sources[2]}" if len(sources) > 1 else sources[0]
    header = _HEADER.format(user=user, what=what, command=_COMMAND)
    lock.write_text(header + body, encoding="utf-8")
    print(f"{lock}: {len(pins(body))} versions")


def environment(folder: Path) -> Path:
    """Install the locked versions, unless that was done.

    Args:
        folder: Of the environment.

    Returns:
        Its Python.
    """
    python = folder / "bin" / "python"
    if not python.is_file():
        run(sys.executable, "-m", "venv", folder)
        run(python, "-m", "pip", "install", "-q", "--require-hashes", "-r", LOCK)
    return python


def make_sbom(python: Path) -> None:
    """List the installed packages for machines, without what differs from one run to another."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", str(python)]
    command += ["--pyproject", "pyproject.toml", "--output-reproducible", "-o", str(SBOM)]
    run(*command, cwd=ROOT)
    count = len(json.loads(SBOM.read_text(encoding="utf-8"))["components"])
    print(f"{SBOM}: {count} components")


def licence_page(packages: Sequence[dict[str, str]]) -> str:
    """Write the licences as a page.

    Args:
        packages: `Name`, `Version`, `License` and `URL` of each, as pip-licenses gives them.
    """
    lines = [
        "# Licences of the dependencies",
        "",
        "What `requirements-lock.txt` installs on Linux with Python "
        f"{sys.version_info[0]}.{sys.version_info[1]}, by what each package says of itself.",
        f"Made by `{_COMMAND} licences`; pip and setuptools are left out.",
        "",
    ]
    if strict := [each for each in packages if _COPYLEFT.search(each["License"])]:
        names = ", ".join(each["Name"] for each in strict)
        lines += [
            f"**GNU General Public License: {names}.** The code here is under Apache-2.0 and calls",
            "such a package as a library. Whoever passes both on together (a container image, an",
            "installer) passes the whole on under the terms of that licence.",
            "",
        ]
    under: dict[str, list[str]] = {}
    for each in sorted(packages, key=lambda package: package["Name"].lower()):
        name = f"[{each['Name']}]({each['URL']})" if "://" in each["URL"] else each["Name"]
        under.setdefault(each["License"], []).append(f"{name} {each['Version']}")
    rows = [(licence, ", ".join(under[licence])) for licence in sorted(under, key=str.lower)]
    return "\n".join([*lines, *markdown_table(("licence", "packages"), rows), ""])


def make_licences(python: Path) -> None:
    """Write docs/licences.md."""
    command = [sys.executable, "-m", "piplicenses", f"--python={python}", "--format=json"]
    packages = json.loads(run(*command, "--with-urls", "--from=mixed"))
    LICENCES.write_text(licence_page(packages), encoding="utf-8")
    print(f"{LICENCES}: {len(packages)} packages")


def audit() -> int:
    """Ask for known vulnerabilities of the locked versions.

    Returns:
        Exit status of pip-audit, 1 also where a package could not be looked up.
    """
    command = [sys.executable, "-m", "pip_audit", "-r", str(LOCK), "--require-hashes"]
    return subprocess.run(
        [*command, "--no-deps", "--disable-pip", "--strict"], check=False
    ).returncode


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Without the programme's name; None: those of the process.

    Returns:
        Exit status.
    """
    parser = argparse.ArgumentParser(
        "python -m tools.release.supply_chain",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("lock", "sbom", "licences", "audit"))
    parser.add_argument("--environment", type=Path, help="of the locked versions")
    options = parser.parse_args(arguments)
    if options.what == "lock":
        make_locks()
    elif options.what == "audit":
        return audit()
    else:
        make = make_sbom if options.what == "sbom" else make_licences
        if options.environment:
            make(environment(options.environment))
        else:
            with tempfile.TemporaryDirectory() as folder:
                make(environment(Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
