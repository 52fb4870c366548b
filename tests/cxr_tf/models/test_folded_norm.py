"""Batch normalisation folded into convolutions, against the network as Keras calls it."""

from collections import Counter

import keras
import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.models.folded_norm import with_folded_norms
from cxr_tf.models.layers import batch_norm
from cxr_tf.models.registry import build
from tests.cxr_tf.models.varied_norms import varied_norms


def _norms_left(network):
    """Call the network in both ways on the same input; count the normalisations of the second."""
    inputs = np.random.default_rng(0).normal(0, 1, (2, *network.input_shape[1:]))
    inputs = tf.constant(inputs, tf.float32)
    run = tf.function(with_folded_norms(network), autograph=False).get_concrete_function(inputs)
    expected, found = network(inputs, training=False), run(inputs)
    for want, have in zip(tf.nest.flatten(expected), tf.nest.flatten(found), strict=True):
        np.testing.assert_allclose(have, want, atol=2e-5 * np.abs(want).max())
    return Counter(each.type for each in run.graph.get_operations())["FusedBatchNormV3"]


@pytest.mark.parametrize("name", ["resnet18", "resnet18_layer3"])
def test_no_normalisation_of_a_resnet_is_left(name):
    assert _norms_left(varied_norms(build(name, size=64))) == 0


def _convolved(x, name, **options):
    options = {"use_bias": False, "padding": "same", **options}
    return keras.layers.Conv2D(4, 3, name=name, **options)(x)


def test_a_convolution_that_something_else_needs_is_left():
    inputs = keras.Input((8, 8, 3))
    x = _convolved(inputs, "seen")
    x = keras.layers.Add()([batch_norm(x, "beside"), x])
    x = batch_norm(_convolved(x, "alone"), "folded")
    assert _norms_left(varied_norms(keras.Model(inputs, x))) == 1


def test_a_convolution_that_is_given_out_is_left():
    inputs = keras.Input((8, 8, 3))
    x = _convolved(inputs, "given")
    assert _norms_left(varied_norms(keras.Model(inputs, {"a": x, "b": batch_norm(x, "norm")}))) == 1


@pytest.mark.parametrize("options", [{"use_bias": True}, {"activation": "relu"}])
def test_a_convolution_with_more_than_filters_is_left(options):
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(inputs, batch_norm(_convolved(inputs, "more", **options), "norm"))
    if options.get("use_bias"):
        network.get_layer("more").bias.assign(tf.range(4.0))
    assert _norms_left(varied_norms(network)) == 1


def test_a_normalisation_behind_something_else_is_left():
    inputs = keras.Input((8, 8, 3))
    assert _norms_left(varied_norms(keras.Model(inputs, batch_norm(inputs, "norm")))) == 1
