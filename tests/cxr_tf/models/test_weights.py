import hashlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from cxr_tf.models.registry import build
from cxr_tf.models.weights import load_weights, rounded, save_weights, weight_arrays
from cxr_tf.runtime.errors import UsageError
from pipelines.manifest.checks import file_sha256


def network(filters=3, name="small"):
    inputs = keras.Input((4, 4, 2))
    x = keras.layers.Conv2D(filters, 3, name="conv")(inputs)
    x = keras.layers.BatchNormalization(name="bn")(x)
    x = keras.layers.Dropout(0.5, name="dropout")(x)
    return keras.Model(inputs, x, name=name)


def scrambled(model, seed=0):
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(rng.uniform(0.5, 2, weight.shape).astype(weight.dtype))
    return model


def test_names_are_the_paths_of_all_weights_and_no_generator_state():
    arrays = weight_arrays(network())
    assert set(arrays) == {
        *("conv/kernel", "conv/bias"),
        *("bn/gamma", "bn/beta", "bn/moving_mean", "bn/moving_variance"),
    }
    assert arrays["conv/kernel"].shape == (3, 3, 2, 3)


def test_what_is_saved_is_loaded(tmp_path):
    model, other = scrambled(network()), scrambled(network(), 1)
    path = tmp_path / "new" / "folder" / "weights.safetensors"
    save_weights(model, path, {"epoch": "7"})
    load_weights(other, path)
    for left, right in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(left, right)
    with safe_open(path, "numpy") as file:
        assert file.metadata() == {"epoch": "7"}
    assert [x.name for x in path.parent.iterdir()] == ["weights.safetensors"]


@pytest.mark.parametrize("name", ["u_net_small", "resnet18_small"])
def test_our_networks_give_the_same_output_again(name, tmp_path):
    model = scrambled(build(name, size=32))
    path = tmp_path / "weights.safetensors"
    save_weights(model, path)
    keras.backend.clear_session()
    other = build(name, size=32)
    load_weights(other, path)
    films = np.random.default_rng(0).random((1, *model.input.shape[1:])).astype(np.float32)
    left, right = (x(films, training=False) for x in (model, other))
    for a, b in zip(keras.tree.flatten(left), keras.tree.flatten(right), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_file_that_exists_is_replaced(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(scrambled(network()), path)
    second = scrambled(network(), 1)
    save_weights(second, path)
    np.testing.assert_array_equal(load_file(path)["conv/kernel"], second.get_layer("conv").kernel)


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "weights.safetensors"
    save_weights(network(), path)
    before = path.read_bytes()

    def fail(arrays, target, metadata):
        target.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("cxr_tf.models.weights.save_file", fail)
    with pytest.raises(OSError, match="disk full"):
        save_weights(scrambled(network()), path)
    assert path.read_bytes() == before


def test_all_faults_are_named_at_once(tmp_path):
    path = tmp_path / "weights.safetensors"
    arrays = weight_arrays(network())
    del arrays["bn/beta"]
    arrays["conv/bias"] = np.zeros(7, np.float32)
    arrays["fc/kernel"] = np.zeros(2, np.float32)
    save_file(arrays, path)
    with pytest.raises(ValueError) as caught:
        load_weights(network(), path)
    message = str(caught.value)
    assert message.startswith(f"{path} does not fit small: ")
    assert "bn/beta is missing" in message
    assert "conv/bias has shape (7,), not (3,)" in message
    assert "fc/kernel is not part of small" in message


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(network(filters=4), path)
    with pytest.raises(ValueError, match="conv/kernel has shape"):
        load_weights(network(), path)


def test_a_missing_file_is_named(tmp_path):
    path = tmp_path / "none.safetensors"
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors: no weights here"):
        load_weights(network(), path)


@pytest.mark.parametrize("content", [b"", b"\x00" * 3_000_000, bytes(range(256))])
def test_the_hash_is_sha_256(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert file_sha256(path) == hashlib.sha256(content).hexdigest()


def test_the_same_weights_give_the_same_file(tmp_path):
    for name in ("first", "second"):
        keras.backend.clear_session()
        save_weights(scrambled(network()), tmp_path / name)
    assert file_sha256(tmp_path / "first") == file_sha256(tmp_path / "second")


@pytest.mark.parametrize(("bits", "like"), [(10, np.float16), (23, np.float32)])
def test_rounding_to_a_known_type(bits, like):
    rng = np.random.default_rng(0)
    values = (rng.choice([-1, 1], 4000) * np.exp(rng.uniform(-8, 8, 4000))).astype(np.float32)
    values = np.concatenate([values, np.float32([0, 1, -2, 1 + 2**-11, 1 + 3 * 2**-11])])
    found = rounded(values, bits)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, values.astype(like).astype(np.float32))


def test_rounding_to_bfloat16():
    values = np.random.default_rng(1).normal(size=4000).astype(np.float32)
    expected = tf.cast(tf.cast(values, tf.bfloat16), tf.float32)
    np.testing.assert_array_equal(rounded(values, 7), expected)
    with pytest.raises(ValueError, match="1 to 23"):
        rounded(values, 0)


def test_another_head_may_stay_as_it_is(tmp_path):
    path = tmp_path / "four.safetensors"
    old = scrambled(build("resnet18_small", size=32, classes=4))
    save_weights(old, path)
    keras.backend.clear_session()
    new = build("resnet18_small", size=32, classes=3)
    before = new.get_layer("fc").get_weights()
    assert sorted(load_weights(new, path, may_differ="fc")) == ["fc/bias", "fc/kernel"]
    for left, right in zip(new.get_layer("fc").get_weights(), before, strict=True):
        np.testing.assert_array_equal(left, right)
    left, right = (x.get_layer("conv1").get_weights() for x in (new, old))
    np.testing.assert_array_equal(left, right)
    with pytest.raises(UsageError, match="fc/kernel has shape"):
        load_weights(new, path)
