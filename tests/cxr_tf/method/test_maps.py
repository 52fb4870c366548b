"""Maps of windows are those of the patches that they stand for."""

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.method.maps import Maps
from cxr_tf.method.triage_options import TriageOptions
from pipelines.windows import windows_of

CLASSES = ("a", "b", "c")


@pytest.mark.parametrize(("size", "stride"), [(64, 32), (224, 32), (112, 16)])
def test_maps_of_windows_against_those_of_patches(size, stride):
    """Of a film with 32 windows along each side."""
    generator, side = np.random.default_rng(size), size // stride
    kernel = tf.constant(generator.normal(size=(8, 3)).astype(np.float32))
    options = TriageOptions(
        classes=CLASSES, approach="dense", patch_size=size, film_size=32 * stride
    )
    maps = Maps(options, lambda features: tf.reduce_mean(features, [1, 2]) @ kernel, side)
    features = tf.constant(generator.uniform(0, 2, (16, 14, 8)).astype(np.float32))
    cells = tf.constant([[0, 0], [3, 1], [3, 2], [9, 7]])
    found = maps.of_windows(features, cells)
    expected = maps.of_patches(windows_of(features, cells, side))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    centres = cells * stride + tf.constant([0, stride])  # the first one hangs over the film
    probabilities = tf.nn.softmax(tf.constant(generator.normal(size=(4, 3)).astype(np.float32)))
    film = maps.of_windowed_film(found, probabilities, centres)
    used = tf.ones([4], tf.bool)
    plain = maps.of_film(found, probabilities, centres, used)
    np.testing.assert_allclose(film, plain, atol=2e-6)
    assert film.shape == (3, 256, 256) and 0.0 <= np.min(film) and 0.05 < np.max(film) <= 1.0
