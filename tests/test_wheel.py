"""What `pip install .` takes along: every module, every file that is read, and the script."""

import importlib
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]
PACKAGES = ("cxr_tf", "pipelines")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_is_a_package_and_every_other_file_is_data(package):
    assert f"{package}*" in SETUPTOOLS["packages"]["find"]["include"]
    folder = ROOT / package
    data = {path for each in SETUPTOOLS["package-data"][package] for path in folder.glob(each)}
    for path in folder.rglob("*"):
        if path.suffix == ".py":
            assert (path.parent / "__init__.py").is_file(), f"{path}: its folder is left out"
        elif path.is_file() and "__pycache__" not in path.parts:
            assert path in data, f"{path} is left out"


def test_the_script_runs_the_commands():
    module, _, function = PROJECT["project"]["scripts"]["cxr-tf"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))
    assert SETUPTOOLS["dynamic"]["dependencies"]["file"] == ["requirements.txt"]
