"""Our networks against those of PyTorch, whose answers tools/golden/networks.py made."""

import functools
import pathlib

import numpy as np
import pytest

from cxr_tf.models.registry import build
from cxr_tf.models.weights import weight_arrays
from tools.golden import networks

#: Of the largest value; at least five times what rounding makes of it, with and without oneDNN.
TOLERANCE = 1e-5
GOLDEN = pathlib.Path(__file__).parents[2] / "golden"


@pytest.fixture(params=networks.INPUTS)
def name(request):
    return request.param


@pytest.fixture
def golden(name):
    return np.load(GOLDEN / f"torch_{name}.npz")


@functools.cache
def network(name):
    """Ours, with the weights drawn by their paths."""
    model = build(name, size=networks.INPUTS[name][1])
    for weight in model.weights:
        weight.assign(networks.drawn(weight.path, tuple(weight.shape)))
    return model


def answer(name):
    """What ours answers: logits, and the features of a classifier."""
    inputs = networks.drawn(f"{name}/input", networks.INPUTS[name])
    found = network(name)(inputs, training=False)
    if isinstance(found, dict):
        return {key: np.asarray(values) for key, values in found.items()}
    return {"logits": np.asarray(found)[:, :: networks.STEP, :: networks.STEP]}


def test_weights_are_those_of_pytorch_by_name_shape_and_value(name, golden):
    assert networks.checksum(weight_arrays(network(name))) == str(golden["weights_sha256"])


def test_answers_are_those_of_pytorch(name, golden):
    assert {*answer(name), "weights_sha256", "torch"} == {*golden}
    for key, values in answer(name).items():
        theirs = golden[key]
        assert theirs.std() > 0.1  # answers of which every one is the same would prove nothing
        np.testing.assert_allclose(values, theirs, rtol=0, atol=TOLERANCE * np.abs(theirs).max())


def test_the_layer_that_counts_least_would_be_missed(name, golden):
    """Deep in the middle, a tenth less of one layer's gamma still shows."""
    layer = {"fc_densenet103": "bottleneck_14_bn", "resnet18": "layer3_0_bn2"}[name]
    weight = network(name).get_layer(layer).gamma
    before = np.asarray(weight)
    weight.assign(0.9 * before)
    try:
        found = answer(name)["logits"]
    finally:
        weight.assign(before)
    theirs = golden["logits"]
    assert np.abs(found - theirs).max() > 10 * TOLERANCE * np.abs(theirs).max()
