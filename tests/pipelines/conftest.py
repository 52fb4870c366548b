"""Films that several test files share."""

import numpy as np
import pytest

from pipelines.manifest.table import read_manifest
from pipelines.segmentation_examples import label_dataset
from tests.pipelines.examples import FILMS
from tools.phantoms.__main__ import main


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms")
    assert main([str(folder), "--films", str(FILMS), "--seed", "5", "--size", "96"]) == 0
    return read_manifest(folder / "manifest.csv").rows


@pytest.fixture(scope="module")
def label_maps(rows):
    return np.stack([x.numpy() for x in label_dataset(rows, 256)])


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("films")
