import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pipelines.faults import FileFault, each_row, film_fault, mask_fault
from pipelines.manifest.table import read_manifest
from tools.phantoms.layouts import write_manifest_layout

ERROR = tf.errors.InvalidArgumentError(None, None, "first words\nand a trace of forty lines")


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantoms")
    write_manifest_layout(out, 12, 0, 96)
    return out


@pytest.fixture
def row(phantoms, tmp_path):
    """A row whose files may be spoilt."""
    folder = Path(shutil.copytree(phantoms, tmp_path / "data"))
    return read_manifest(folder / "manifest.csv").rows[0]


def test_a_film_is_told_by_its_reader(row):
    row.path.write_bytes(b"junk")
    fault = film_fault(row, ERROR)
    assert (fault.path, fault.role) == (row.path, "film")
    assert fault.reason.startswith("unreadable: this is no image")
    row.path.unlink()
    assert "No such file" in film_fault(row, ERROR).reason


def test_of_a_film_that_reads_well_the_error_s_first_line_is_told(row):
    assert film_fault(row, ERROR).reason == "it cannot be used (first words)"


@pytest.mark.parametrize("name", ["heart", "left_lung", "right_lung"])
@pytest.mark.parametrize("content", [None, b"", b"junk"])
def test_the_mask_at_fault_is_found(row, name, content):
    path = row.masks[name]
    path.unlink() if content is None else path.write_bytes(content)
    fault = mask_fault(row, ERROR)
    assert (fault.path, fault.role) == (path, f"{name.replace('_', ' ')} mask")
    assert ("No such file" in fault.reason) == (content is None)


def test_masks_of_several_sizes_are_told_by_their_film(row):
    path = row.masks["heart"]
    small = tf.io.encode_png(np.zeros((10, 10, 1), np.uint8)).numpy()
    path.write_bytes(small)
    fault = mask_fault(row, ERROR)
    assert (fault.path, fault.role) == (row.path, "masks of this film")


def test_the_row_is_found_by_its_place(row):
    rows = [dataclasses.replace(row, label=str(n)) for n in range(5)]
    numbers = tf.data.Dataset.range(5).map(
        lambda n: tf.debugging.check_numerics(tf.where(n == 3, np.nan, 1.0), "three"),
        num_parallel_calls=4,
    )
    seen = []

    def fault(row, error):
        assert "three" in error.message
        return FileFault(row.path, row.label, "found")

    with pytest.raises(FileFault) as told:
        for element in each_row(numbers, rows, fault):
            seen.append(element)
    assert len(seen) == 3 and told.value.role == "3"


def test_want_of_memory_is_no_fault_of_a_file(row):
    def fail():
        raise tf.errors.ResourceExhaustedError(None, None, "no memory")
        yield

    with pytest.raises(tf.errors.ResourceExhaustedError):
        list(each_row(fail(), [row]))
