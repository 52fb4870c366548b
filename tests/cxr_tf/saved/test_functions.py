"""Functions of a SavedModel in sessions of their own, against TensorFlow's own loader."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.saved import functions as module
from cxr_tf.saved.functions import saved_functions


class Sums(tf.Module):
    """Two functions of tensors, one of a variable, one without names for its results."""

    def __init__(self):
        super().__init__()
        self.held = tf.Variable(2.0)

    @tf.function(input_signature=[tf.TensorSpec([None]), tf.TensorSpec([], tf.int32)])
    def power(self, values, exponent):
        result = tf.while_loop(
            lambda step, _: step < exponent,
            lambda step, x: (step + 1, inner(x, values)),
            (0, tf.ones_like(values)),
        )[1]
        return {"word": tf.constant("done"), "least": tf.reduce_min(result), "all": result}

    @tf.function(input_signature=[tf.TensorSpec([])])
    def other(self, value):
        return {"value": other_inner(value)}

    @tf.function(input_signature=[tf.TensorSpec([])])
    def with_a_variable(self, value):
        return {"value": value * self.held}

    @tf.function
    def untraced(self, value):
        return {"value": value}


@tf.function
def inner(x, y):
    return x * y


@tf.function
def other_inner(x):
    return x + 1.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("sums")
    tf.saved_model.save(Sums(), str(path))
    return path


def test_answers_are_those_of_tensorflows_loader(folder):
    found = saved_functions(folder, ["power", "other"])
    loaded = tf.saved_model.load(str(folder))
    given = np.array([2.0, 3.0], np.float32), 3
    expected = loaded.power(tf.constant(given[0]), tf.constant(given[1]))
    answer = found["power"](*given)
    assert answer["word"] == b"done" and answer["least"] == 8.0
    assert answer.keys() == expected.keys()
    np.testing.assert_array_equal(answer["all"], expected["all"])
    assert found["other"](tf.constant(1.0)) == {"value": 2.0}


def test_what_is_not_asked_for_is_not_loaded(folder):
    names, _, _ = module._read(folder / "saved_model.pb", ("power",))
    assert any("inner" in name for name in names)
    assert not any("other" in name or "variable" in name for name in names)


def test_a_session_starts_once_with_the_first_call(folder, monkeypatch):
    started = []
    definition = module._definition

    def noted(entry, library):
        started.append([each.signature.name for each in library])
        time.sleep(0.3)  # the other threads come meanwhile
        return definition(entry, library)

    monkeypatch.setattr(module, "_definition", noted)
    functions = saved_functions(folder, ["power", "other"])
    assert not started
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(functions["other"], [np.float32(x) for x in range(64)]))
    assert [each["value"] for each in found] == list(range(1, 65))
    (names,) = started
    assert any("other_inner" in name for name in names)
    assert not any("power" in name for name in names)


@pytest.mark.parametrize("name", ["with_a_variable", "untraced", "gone"])
def test_what_cannot_be_run_so_is_told(folder, name):
    with pytest.raises(ValueError, match=f"no frozen function {name}: export the model again"):
        saved_functions(folder, [name])


def test_a_damaged_file_is_told(folder, tmp_path):
    whole = (folder / "saved_model.pb").read_bytes()
    for content in (whole[: len(whole) // 2], b""):
        (tmp_path / "saved_model.pb").write_bytes(content)
        with pytest.raises(ValueError, match="damaged"):
            saved_functions(tmp_path, ["power"])
    (tmp_path / "saved_model.pb").unlink()
    with pytest.raises(FileNotFoundError):
        saved_functions(tmp_path, ["power"])
