"""Styles change hands in training; what a film shows, and inference, stay as they are."""

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.models.batch_norm import BatchNormEstimator
from cxr_tf.models.registry import build
from cxr_tf.models.style_exchange import StyleExchange

RNG = np.random.default_rng(0)


def examples(count=64):
    """Examples of one mean and spread each, far apart."""
    number = np.arange(count, dtype=np.float32).reshape(-1, 1, 1, 1)
    shown = RNG.standard_normal((count, 6, 5, 3)).astype(np.float32)
    return shown * (1 + number) + 10 * number


def standardised(x):
    return (x - x.mean((1, 2), keepdims=True)) / x.std((1, 2), keepdims=True)


def test_styles_are_mixed_between_examples_and_nothing_else_is_changed():
    given = examples()
    found = StyleExchange(1.0, seed=1)(given, training=True).numpy()
    np.testing.assert_allclose(standardised(found), standardised(given), atol=1e-4)
    means, before = found.mean((1, 2, 3)), given.mean((1, 2, 3))
    assert (np.abs(means - before) > 1).sum() > 20
    assert before.min() - 1 <= means.min() and means.max() <= before.max() + 1


@pytest.mark.parametrize(("rate", "training"), [(0.0, True), (1.0, False)])
def test_nothing_happens_without_a_rate_or_at_inference(rate, training):
    given = examples(4)
    np.testing.assert_array_equal(StyleExchange(rate)(given, training=training), given)


def test_the_rate_is_the_share_that_is_mixed():
    given = examples(400)
    layer = StyleExchange(0.25, alpha=5.0, seed=2)  # seldom near an end
    changed = np.abs(layer(given, training=True).numpy() - given).max((1, 2, 3)) > 1e-2
    assert 0.15 < changed.mean() < 0.35


def test_a_rate_that_is_no_share_is_refused():
    with pytest.raises(ValueError, match=r"rate of 1\.5 is no share"):
        StyleExchange(1.5)


def test_no_gradient_flows_through_the_styles():
    x = tf.constant(examples(8))
    layer = StyleExchange(1.0, seed=3)
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = tf.reduce_sum(layer(x, training=True)[0])
    gradient = tape.gradient(out, x).numpy()
    assert gradient[0].any() and not gradient[1:].any()


def test_the_network_has_the_same_weights_with_and_without():
    options = dict(size=32, classes=3)
    plain, styled = (build("resnet18_small", **options, style_exchange=rate) for rate in (0.0, 0.5))
    assert sum(isinstance(x, StyleExchange) for x in styled.layers) == 2
    assert [w.path for w in plain.weights] == [w.path for w in styled.weights]
    styled.set_weights(plain.get_weights())
    x = RNG.standard_normal((4, 32, 32, 3)).astype(np.float32)
    np.testing.assert_array_equal(plain(x)["logits"], styled(x)["logits"])
    assert np.abs(styled(x, training=True)["logits"] - plain(x, training=True)["logits"]).max() > 0


def test_statistics_are_estimated_without_an_exchange():
    found, weights = [], None
    for rate in (0.0, 1.0):
        model = build("resnet18_small", size=32, classes=3, style_exchange=rate)
        weights = weights or model.get_weights()
        model.set_weights(weights)
        batch = tf.constant(np.random.default_rng(1).standard_normal((6, 32, 32, 3)), tf.float32)
        assert BatchNormEstimator(model).estimate([batch]) == 1
        found.append([np.asarray(w) for w in model.non_trainable_weights])
    for plain, styled in zip(*found, strict=True):
        np.testing.assert_allclose(plain, styled, rtol=1e-5, atol=1e-6)
    assert [x.rate for x in model.layers if isinstance(x, StyleExchange)] == [1.0, 1.0]
