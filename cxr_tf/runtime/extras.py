"""The optional parts of cxr-tf: what each brings, and whether it is installed."""

from collections.abc import Iterable
from importlib import metadata
from typing import NamedTuple


class Extra(NamedTuple):
    """An extra of `pyproject.toml`.

    Attributes:
        brings: what can be done with it.
        needs: the distributions that it installs, without those of other extras it includes.
    """

    brings: str
    needs: tuple[str, ...]


EXTRAS = {
    "gpu": Extra("CUDA and cuDNN for NVIDIA GPUs", ("nvidia-cudnn-cu12",)),
    "serving": Extra(
        "warm-up records in exports; score --server grpc://", ("tensorflow-serving-api",)
    ),
    "parquet": Extra("score --format parquet", ("pyarrow",)),
    "distributed": Extra("score --engine ray", ("pyarrow", "ray")),
    "cloud": Extra("films at s3:// and gs://", ("fsspec", "gcsfs", "s3fs")),
    "dicom": Extra("score --dicom-out", ("highdicom",)),
    "spreadsheets": Extra("tables of data releases that are Excel workbooks", ("openpyxl",)),
    "node": Extra(
        "python -m cxr_tf.node: a DICOM node",
        ("dicomweb-client", "highdicom", "prometheus-client", "pynetdicom"),
    ),
    "reliability": Extra(
        "python -m tools.reliability: fit gate and calibration", ("scikit-image", "scikit-learn")
    ),
    "profile": Extra("read the profiles of train --profile", ("xprof",)),
    "onnx": Extra("export --also onnx", ("onnx", "onnxruntime", "tf2onnx")),
    "openvino": Extra("export --also openvino", ("openvino",)),
    "docs": Extra("the documentation site", ("mkdocs", "mkdocs-material", "mkdocstrings")),
    "release": Extra(
        "lock, list of materials, licences and audit",
        ("cyclonedx-bom", "pip-audit", "pip-licenses", "uv"),
    ),
    "dev": Extra(
        "lint, types and tests, with the extras that these need",
        (
            "hypothesis", "import-linter", "ipykernel", "jsonschema", "mypy", "nbclient",
            "nbformat", "playwright", "pytest", "pytest-timeout", "pytest-xdist", "pyyaml", "ruff",
            "scikit-learn",
        ),
    ),
}  # fmt: skip


def missing(distributions: Iterable[str]) -> list[str]:
    """Tell which distributions are not installed, without importing any.

    Args:
        distributions: their names.

    Returns:
        The names of those that are not, in the order given.
    """

    def installed(name: str) -> bool:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            return False
        return True

    return [name for name in distributions if not installed(name)]
