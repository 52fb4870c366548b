import re
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from cxr_tf.runtime.extras import EXTRAS, missing

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]


def packages(requirements):
    """What an extra installs: those of extras that it includes, where it has none of its own."""
    named = {Requirement(line) for line in requirements}
    return {re.sub(r"[-_.]+", "-", each.name).lower() for each in named} - {"cxr-tf"}


def test_they_are_those_of_pyproject_and_need_what_stands_there():
    extras = PROJECT["optional-dependencies"]
    assert EXTRAS.keys() == extras.keys()
    expected = {name: packages(lines) for name, lines in extras.items()}
    expected["distributed"] |= expected["parquet"]
    expected["node"] |= expected["dicom"]
    expected["cloud"] |= {"gcsfs", "s3fs"}  # by extras of fsspec
    cuda = [line for line in metadata.requires("tensorflow") if "and-cuda" in line]
    assert set(EXTRAS["gpu"].needs) <= packages(cuda)
    expected["gpu"] = set(EXTRAS["gpu"].needs)
    assert {name: set(extra.needs) for name, extra in EXTRAS.items()} == expected


def test_what_is_not_installed_is_told():
    assert missing(["numpy", "no-such-distribution"]) == ["no-such-distribution"]
