"""Pooling over the lungs alone."""

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.models.registry import build
from pipelines.patches import network_input

NAME = "resnet18_layer3_lungs"


@pytest.fixture(scope="module")
def networks():
    """One that pools over lungs, and one of the same weights that pools over everything."""
    lungs, everything = build(NAME, size=96), build("resnet18_layer3", size=96)
    everything.set_weights(lungs.get_weights())
    return lungs, everything


def masked(rows):
    """A picture that shows lungs in its first rows."""
    picture = np.random.default_rng(0).uniform(1, 255, (1, 96, 96)).astype(np.float32)
    picture[:, rows:] = 0.0
    return network_input(tf.constant(picture), "imagenet")


def test_logits_are_those_of_the_mean_over_the_cells_with_lungs(networks):
    lungs, everything = networks
    inputs = masked(40)  # two rows of cells of 16 pixels, and half of a third
    plain = everything(inputs, training=False)["features"].numpy()[0]
    weights = np.repeat([1.0, 1.0, 0.5, 0.0, 0.0, 0.0], 6).reshape(6, 6, 1)
    mean = (plain * weights).sum((0, 1)) / weights.sum()
    dense = lungs.get_layer("fc")
    expected = mean @ dense.kernel.numpy() + dense.bias.numpy()
    found = lungs(inputs, training=False)
    np.testing.assert_allclose(found["logits"][0], expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["features"][0].numpy().mean((0, 1)), mean, rtol=1e-4)
    assert not found["features"][0, 3:].numpy().any()


def test_a_picture_full_of_lungs_is_pooled_as_ever(networks):
    lungs, everything = networks
    inputs = masked(96)
    expected = everything(inputs, training=False)["logits"]
    np.testing.assert_allclose(lungs(inputs, training=False)["logits"], expected, atol=1e-5)


def test_a_picture_without_lungs_has_no_features(networks):
    lungs, _ = networks
    found = lungs(masked(0), training=False)
    assert not found["features"].numpy().any()
    np.testing.assert_array_equal(found["logits"][0], lungs.get_layer("fc").bias)


def test_halves_add_the_difference_between_the_means_above_and_below(networks):
    lungs, everything = networks
    halves = build("resnet18_layer3_lung_halves", size=96)
    others = [layer.name for layer in halves.layers if layer.name != "fc"]
    for name in others:
        halves.get_layer(name).set_weights(lungs.get_layer(name).get_weights())
    inputs = masked(72)  # three rows of cells above; one and a half below
    plain = everything(inputs, training=False)["features"].numpy()[0]
    upper = plain[:3].mean((0, 1))
    lower = (plain[3] + 0.5 * plain[4]).mean(0) / 1.5
    found = halves(inputs, training=False)
    pooled = found["features"][0].numpy().mean((0, 1))
    mean = lungs(inputs, training=False)["features"][0].numpy().mean((0, 1))
    np.testing.assert_allclose(pooled, [*mean, *(upper - lower)], rtol=1e-3, atol=1e-5)
    dense = halves.get_layer("fc")
    expected = pooled @ dense.kernel.numpy() + dense.bias.numpy()
    np.testing.assert_allclose(found["logits"][0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sign", [1, -1], ids=["above", "below"])
def test_a_half_without_lungs_counts_as_nothing(sign):
    picture = masked(48)
    shown = build("resnet18_layer3_lung_halves", size=96)(picture[:, ::sign], training=False)
    mean, apart = np.split(shown["features"][0].numpy().mean((0, 1)), 2)
    np.testing.assert_allclose(apart, sign * mean, rtol=1e-4, atol=1e-6)
    assert mean.any()
