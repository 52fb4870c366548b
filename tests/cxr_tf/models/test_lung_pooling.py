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
