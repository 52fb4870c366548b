import json
import re
import tomllib

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

from tools.release.supply_chain import EXTRA_LOCKS, LICENCES, LOCK, ROOT, SBOM, licence_page, pins

PYTHONS = ("3.11", "3.12", "3.13")


def locked(python, lock=LOCK):
    """Version by name that a lock holds for a Python on Linux."""
    where = {
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
    }
    found = {}
    for name, version, marker in pins(lock.read_text()):
        if not marker or Marker(marker).evaluate(where):
            assert name not in found, f"{name} twice for Python {python}"
            found[name] = version
    return found


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_satisfies_the_requirements_for_every_python(python):
    versions = locked(python)
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    for requirement in (Requirement(line) for line in lines if line and line[0] != "#"):
        assert requirement.specifier.contains(versions[requirement.name]), requirement
    assert int(versions["setuptools"].split(".")[0]) >= 77, "builds the project"


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", EXTRA_LOCKS, ids=lambda lock: lock.stem)
def test_locks_of_extras_satisfy_them_with_the_versions_of_the_base(lock, python):
    versions, base = locked(python, lock), locked(python)
    assert base.items() <= versions.items()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = extras["optional-dependencies"]
    waiting, seen = [EXTRA_LOCKS[lock][0]], set()
    for requirement in (Requirement(line) for name in waiting for line in extras[name]):
        if requirement.name == "cxr-tf":
            waiting += sorted(requirement.extras - seen)
            seen |= requirement.extras
        else:
            assert requirement.specifier.contains(versions[requirement.name.lower()]), requirement
    if EXTRA_LOCKS[lock][0] == "gpu":
        assert "nvidia-cudnn-cu12" in versions


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_dockerfiles_install_by_hashes_alone(name):
    text = (ROOT / "tools" / "docker" / f"{name}.Dockerfile").read_text()
    installs = re.findall(r"pip install (.*)", text)
    named = "${LOCK}" if name == "cpu" else "requirements-lock-gpu.txt"
    assert installs == [f"--require-hashes -r {named}", "--no-deps --no-build-isolation ."]
    assert ("ARG LOCK=requirements-lock.txt\n" in text) == (name == "cpu")
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{lock.name}" for lock in (LOCK, *EXTRA_LOCKS) if "dev" not in lock.name} <= {*sent}


@pytest.mark.parametrize("lock", [LOCK, *EXTRA_LOCKS], ids=lambda lock: lock.stem)
def test_every_locked_version_has_hashes_and_no_other_source(lock):
    text = lock.read_text()
    blocks = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    assert len(blocks) == len(pins(text)) > 50
    for block in blocks:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block
    assert "://" not in text and "--index" not in text


def test_sbom_and_licences_are_those_of_the_lock():
    allowed = {(re.sub(r"[-_.]+", "-", n).lower(), v) for n, v, _ in pins(LOCK.read_text())}
    components = json.loads(SBOM.read_text())["components"]
    named = {(re.sub(r"[-_.]+", "-", c["name"]).lower(), c["version"]) for c in components}
    assert {name for name, _ in named - allowed} <= {"pip"}
    rows = re.findall(
        r"(?<=[|,] )\[?(\w[\w.-]*)\]?(?:\([^)]*\))? (\d[^\s,]*)(?=[, ])", LICENCES.read_text()
    )
    listed = {(re.sub(r"[-_.]+", "-", n).lower(), v) for n, v in rows}
    assert listed <= allowed and len(listed) > 50


def test_the_page_tells_copyleft_from_the_rest():
    packages = [
        {"Name": "b", "Version": "1", "License": "GPLv3", "URL": "https://b"},
        {"Name": "A", "Version": "2", "License": "MIT", "URL": "UNKNOWN"},
    ]
    page = licence_page(packages)
    assert "License: b.**" in page and "| GPLv3 | [b](https://b) 1 |\n| MIT | A 2 |" in page
    assert "General Public" not in licence_page(packages[1:])
