"""Segmentation networks with their joined channels apart, against the networks themselves."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.method.frozen import frozen
from cxr_tf.models.names import SEGMENTATION_NETWORKS
from cxr_tf.models.registry import build
from cxr_tf.models.split_channels import in_pieces


def _varied(name: str, **options: object) -> keras.Model:
    """A network whose biases and statistics are not 0 and 1."""
    network = build(name, size=64, **options)
    rng = np.random.default_rng(1)
    for variable in network.variables:
        if "kernel" not in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return network


@pytest.mark.parametrize("name", SEGMENTATION_NETWORKS)
def test_answers_are_those_of_the_network(name):
    network = _varied(name)
    film = np.random.default_rng(0).uniform(0, 1, (2, 64, 64, 1)).astype(np.float32)
    expected = network(film, training=False).numpy()
    np.testing.assert_allclose(in_pieces(network)(film), expected, atol=1e-5 * expected.max())


def test_wide_pieces_are_not_copied():
    network = _varied("fc_densenet56")
    film = tf.TensorSpec([1, 64, 64, 1])
    run = tf.function(in_pieces(network)).get_concrete_function(film)
    joined = {
        each.outputs[0].shape[-1]
        for each in run.graph.get_operations()
        if each.type == "ConcatV2" and each.outputs[0].shape[1] == 64
    }
    # New channels, 12 by 12, and the skip of 48 with them; not the 144 of it beside the way up.
    assert joined == {24, 36, 48, 96}
    whole = tf.function(lambda x: network(x, training=False)).get_concrete_function(film)
    assert max(
        each.outputs[0].shape[-1]
        for each in whole.graph.get_operations()
        if each.type == "ConcatV2"
    ) > 144  # fmt: skip


def test_kernels_stay_constants_of_the_frozen_graph():
    network = _varied("fc_densenet56")
    run = frozen(in_pieces(network), tf.TensorSpec([1, 64, 64, 1]))
    film = tf.random.stateless_uniform([1, 64, 64, 1], [0, 0])
    before = run(film)[0].numpy()
    for variable in network.variables:
        variable.assign(tf.zeros_like(variable))
    np.testing.assert_array_equal(run(film)[0], before)


def test_half_precision_stays_in_the_network():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = _varied("fc_densenet56")
    finally:
        keras.config.set_dtype_policy("float32")
    film = np.random.default_rng(0).uniform(0, 1, (1, 64, 64, 1)).astype(np.float32)
    run = tf.function(in_pieces(network)).get_concrete_function(tf.TensorSpec(film.shape))
    kinds = {
        (each.outputs[0].dtype, each.outputs[0].shape[-1] == 4)
        for each in run.graph.get_operations()
        if each.type == "Conv2D"
    }
    assert kinds == {(tf.bfloat16, False), (tf.float32, True)}
    expected = network(film, training=False).numpy()
    np.testing.assert_allclose(run(tf.constant(film)), expected, atol=0.03 * np.abs(expected).max())
