"""Reading that is tried while a model loads."""

import threading

import numpy as np
import pytest

from cxr_tf.films.inputs import Input
from cxr_tf.scoring.first_film import reading_tried
from pipelines.films import Film
from pipelines.status import OK


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(b"content")
    return path


def test_the_first_film_is_read_beside_the_block(file):
    entered, read = threading.Event(), []

    def slow(path):
        assert entered.wait(10)
        read.append(path)
        return Film(np.arange(65536, dtype=np.uint16).reshape(256, 256), -1, OK, "", "png")

    with reading_tried([Input(file), Input(file.with_name("second.png"))], slow):
        assert not read
        entered.set()
    assert read == [file]


def test_a_film_that_cannot_be_read_is_left_to_its_row(file):
    def broken(path):
        raise MemoryError("large")

    with reading_tried([Input(file)], broken):
        pass


@pytest.mark.parametrize("inputs", [[], ["s3://bucket/film.png"], ["gone"]])
def test_nothing_is_fetched_for_it(inputs, tmp_path):
    inputs = [Input(x if ":" in x else tmp_path / x) for x in inputs]

    def never(path):
        pytest.fail("read")

    with reading_tried(inputs, never):
        pass
