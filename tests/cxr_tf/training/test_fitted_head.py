"""The dense layer fitted ahead of training."""

import numpy as np
import pytest
import scipy.special

from cxr_tf.runtime.errors import UsageError
from cxr_tf.training.fitted_head import LEAST_SPREAD, logistic_regression, source_directions

NOTHING = np.zeros((400, 3))
EVENLY = np.full(400, 1 / 400)


@pytest.fixture
def drawn():
    """Features of three classes that overlap, of very different spreads."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 400)
    features = generator.normal(size=(400, 5)) + np.eye(3, 5)[labels]
    return features * [1.0, 0.02, 30.0, 1.0, 1.0] + 7.0, labels


def penalised(drawn, kernel, bias, l2):
    features, labels = drawn
    logs = scipy.special.log_softmax(features @ kernel + bias, axis=1)
    scaled = kernel * (features.std(0) + LEAST_SPREAD)[:, None]
    return -logs[np.arange(len(labels)), labels].mean() + 0.5 * l2 * (scaled**2).sum()


def test_no_other_layer_is_better(drawn):
    features, labels = drawn
    kernel, bias = logistic_regression(features, labels, NOTHING, EVENLY, 0.1)
    least = penalised(drawn, kernel, bias, 0.1)
    generator = np.random.default_rng(1)
    for _ in range(20):
        step = generator.normal(size=kernel.shape) * 0.05 / drawn[0].std(0)[:, None]
        other_bias = bias - drawn[0].mean(0) @ step
        assert penalised(drawn, kernel + step, other_bias, 0.1) > least
    assert least < np.log(3) - 0.1
    assert ((drawn[0] @ kernel + bias).argmax(1) == drawn[1]).mean() > 0.5


def test_the_scale_of_a_feature_changes_nothing(drawn):
    features, labels = drawn
    kernel, bias = logistic_regression(features, labels, NOTHING, EVENLY, 0.01)
    scales = np.array([3.0, 100.0, 1.0, 0.5, 1.0])
    other, its_bias = logistic_regression(features * scales, labels, NOTHING, EVENLY, 0.01)
    found = features * scales @ other + its_bias
    np.testing.assert_allclose(found, features @ kernel + bias, atol=0.05)


def test_what_an_expert_knows_is_not_learnt(drawn):
    """Where a film's source tells its class, little is left for its features."""
    features, labels = drawn
    learnt, _ = logistic_regression(features, labels, NOTHING, EVENLY, 0.1)
    told = np.log(np.where(np.eye(3)[labels], 0.98, 0.01))
    left, _ = logistic_regression(features, labels, told, EVENLY, 0.1)
    assert np.abs(left * features.std(0)[:, None]).max() < 0.1
    assert np.abs(learnt * features.std(0)[:, None]).max() > 0.3


def test_a_film_of_twice_the_weight_counts_as_two(drawn):
    features, labels = drawn
    weights = np.where(labels == 1, 2.0, 1.0)
    weighted, bias = logistic_regression(features, labels, NOTHING, weights / weights.sum(), 0.1)
    twice = np.repeat(np.arange(400), weights.astype(int))
    count = len(twice)
    of_more, its_bias = logistic_regression(
        features[twice], labels[twice], np.zeros((count, 3)), np.full(count, 1 / count), 0.1
    )
    found, expected = features @ weighted + bias, features @ of_more + its_bias
    np.testing.assert_allclose(found, expected, atol=0.05)  # the spread is that of other films
    evenly, even_bias = logistic_regression(features, labels, NOTHING, EVENLY, 0.1)
    assert np.abs(found - (features @ evenly + even_bias)).max() > 0.2


@pytest.fixture
def sources(drawn):
    """Two sources of each class, which lie far apart in the fourth feature alone."""
    features, labels = drawn
    names = np.where(np.random.default_rng(2).integers(0, 2, 400) == 1, "far", "near")
    moved = features + np.outer(names == "far", [0.0, 0.0, 0.0, 6.0, 0.0])
    return moved, labels, names


def test_the_direction_between_the_sources_of_a_class_is_found(sources):
    features, labels, names = sources
    (direction,) = source_directions(features, labels, names, 1)
    assert abs(direction[3]) > 0.98 and np.linalg.norm(direction) == pytest.approx(1)


def test_logits_do_not_depend_on_a_direction_that_is_left_out(sources):
    features, labels, names = sources
    left_out = source_directions(features, labels, names, 1)
    # The source is a shortcut here: most films of class 1 come from afar.
    features = features + np.outer((labels == 1) * 4.0, left_out[0] * features.std(0))
    taken, bias = logistic_regression(features, labels, NOTHING, EVENLY, 0.1, left_out)
    step = left_out[0] * (features.std(0) + LEAST_SPREAD)
    np.testing.assert_allclose(step @ taken, 0.0, atol=1e-6)
    kept, _ = logistic_regression(features, labels, NOTHING, EVENLY, 0.1)
    assert np.abs(step @ kept).max() > 0.1
    assert ((features @ taken + bias).argmax(1) == labels).mean() > 0.5


def test_a_share_of_a_direction_stays(sources):
    """The less is left of it, the more its weights cost, and the less the logits depend on it."""
    features, labels, names = sources
    direction = source_directions(features, labels, names, 1)
    features = features + np.outer((labels == 1) * 4.0, direction[0] * features.std(0))
    step = direction[0] * (features.std(0) + LEAST_SPREAD)
    slopes = []
    for share in (1.0, 0.5, 0.1, 0.0):
        muted = direction * np.sqrt(1.0 - share)
        kernel, _ = logistic_regression(features, labels, NOTHING, EVENLY, 0.1, muted)
        slopes.append(np.abs(step @ kernel).max())
    plain, _ = logistic_regression(features, labels, NOTHING, EVENLY, 0.1)
    assert slopes[0] == pytest.approx(np.abs(step @ plain).max(), rel=1e-6)
    assert slopes == sorted(slopes, reverse=True) and slopes[3] < 1e-6 < slopes[2] < slopes[1]


def test_more_directions_than_the_sources_span_are_refused(sources):
    features, labels, names = sources
    assert source_directions(features, labels, names, 3).shape == (3, 5)
    with pytest.raises(UsageError, match="differ in 3 directions"):
        source_directions(features, labels, names, 4)
    alike = np.full(400, "one")
    with pytest.raises(UsageError, match="differ in 0 directions"):
        source_directions(features, labels, alike, 1)


def test_differences_that_should_not_matter_are_heard_less(drawn):
    """The kernel is the best for the penalty that the definition gives."""
    features, labels = drawn
    generator = np.random.default_rng(2)
    differences = generator.normal(size=(50, 5)) * features.std(0) * [3.0, 0.1, 0.1, 0.1, 0.1]
    apart = differences.T @ differences / 50
    spread = features.std(0) + LEAST_SPREAD

    def objective(kernel, bias):
        heard = (kernel * (apart @ kernel)).sum()
        return penalised(drawn, kernel, bias, 0.1) + 0.05 * heard

    plain, _ = logistic_regression(features, labels, NOTHING, EVENLY, 0.1)
    kernel, bias = logistic_regression(features, labels, NOTHING, EVENLY, 0.1, None, apart)
    least = objective(kernel, bias)
    for _ in range(20):
        step = generator.normal(size=kernel.shape) * 0.05 / spread[:, None]
        assert objective(kernel + step, bias - features.mean(0) @ step) > least
    assert np.std(differences @ kernel) < 0.7 * np.std(differences @ plain)
