"""Segmentation networks in training that hold less, against the networks themselves."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.models.recomputed import with_less_memory
from cxr_tf.models.registry import build


def _network(name: str) -> keras.Model:
    """A network with the same weights each time, whose biases and factors are not 0 and 1."""
    network = build(name, size=64, dropout=0.0)
    rng = np.random.default_rng(1)
    for variable in network.variables:
        if "seed" not in variable.path:
            low, high = (-0.1, 0.1) if "kernel" in variable.path else (0.5, 1.5)
            variable.assign(rng.uniform(low, high, variable.shape))
    return network


def _films() -> tf.Tensor:
    return tf.random.stateless_uniform([2, 64, 64, 1], [0, 0])


def _gradients(network: keras.Model, way: Callable[[tf.Tensor], tf.Tensor]) -> Any:
    """From films to a loss and its gradients."""

    @tf.function(autograph=False)
    def run(films: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.sin(way(films)))
        return [loss, *tape.gradient(loss, network.trainable_variables)]

    return run


def _step(network: keras.Model, way: Callable[[tf.Tensor], tf.Tensor]) -> list[np.ndarray]:
    """Loss, gradients and the statistics that a step leaves behind."""
    found = _gradients(network, way)(_films())
    return [np.asarray(each) for each in (*found, *network.non_trainable_variables)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fc_densenet56", "u_net_small"])
def test_a_step_is_that_of_the_network(name):
    plain, sparing = _network(name), _network(name)
    expected = _step(plain, lambda films: plain(films, training=True))
    before = [np.asarray(each) for each in _network(name).non_trainable_variables]
    found = _step(sparing, with_less_memory(sparing))
    assert len(found) == len(expected) > len(before)
    gradients = slice(1, 1 + len(plain.trainable_variables))
    # The gradient of a bias ahead of a normalisation is 0 but for rounding.
    nothing = 1e-5 * max(np.abs(each).max() for each in expected[gradients])
    for ours, theirs in zip(found, expected, strict=True):
        tolerance = 1e-4 * np.abs(theirs).max() + nothing
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)
    moved = [
        (old != new).any()
        for old, new in zip(before, found[-len(before) :], strict=True)
        if old.dtype == np.float32
    ]
    assert moved and all(moved)


def _taken_over(network: keras.Model, way: Callable[[tf.Tensor], tf.Tensor]) -> list[int]:
    """Channels of what the backward pass takes over from joining and normalising large images."""
    run = _gradients(network, way)
    graph = run.get_concrete_function(tf.TensorSpec([2, 64, 64, 1])).graph
    backward: set[str] = set()
    found = set()
    for operation in graph.get_operations():  # each behind those that it depends on
        inputs = {each.op.name for each in operation.inputs}
        if operation.name.startswith("gradient_tape/") or inputs & backward:
            backward.add(operation.name)
            found |= {
                (each.name, each.shape[-1])
                for each in operation.inputs
                if each.op.type in ("ConcatV2", "FusedBatchNormV3", "Relu")
                and each.op.name not in backward
                and each.shape.rank == 4
                and each.shape[1] == 64
            }
    return sorted(channels for _, channels in found)


def test_the_backward_pass_takes_over_no_copies_of_large_images():
    network = _network("fc_densenet56")
    # What the last layer sees, a convolution without normalisation: 4 x 12 new channels of the
    # second block, 48 + 4 x 12 of the skip, and 4 x 12 more.
    assert _taken_over(network, with_less_memory(network)) == [192]
    assert sum(_taken_over(network, lambda films: network(films, training=True))) > 2000
