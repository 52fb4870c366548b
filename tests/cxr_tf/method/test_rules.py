"""The rules beside the majority: the graph against NumPy, and by hand."""

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.measures import vote_rules
from cxr_tf.method.rules import class_scores, lead, lung_shares
from cxr_tf.method.voting import decide

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("rule", ["mean", "trimmed_mean", "area_weighted"])
@pytest.mark.parametrize("count", [1, 9, 10, 19, 100, 400])
def test_the_graph_scores_as_numpy_does(rule, count):
    graph = tf.function(class_scores, reduce_retracing=True)
    probabilities = RNG.dirichlet(np.ones(4), count).astype(np.float32)
    shares = RNG.uniform(0, 1, count)
    found = graph(rule, tf.constant(probabilities), tf.constant(shares))
    expected = vote_rules.aggregate(probabilities, shares)[rule]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    mean = tf.constant(probabilities.mean(0))
    assert decide(found, mean) == vote_rules.best(expected, probabilities)


def test_patches_without_lung_weigh_alike():
    probabilities = tf.constant([[0.2, 0.8], [0.6, 0.4]])
    found = class_scores("area_weighted", probabilities, tf.zeros([2], tf.float64))
    np.testing.assert_allclose(found, [0.4, 0.6], rtol=1e-7)


def test_the_share_of_lung_is_that_of_the_window():
    labels = np.zeros((256, 256), np.uint8)
    labels[40:200, 30:110] = 2
    labels[50:210, 150:230] = 3
    lungs = np.isin(labels, (2, 3)).repeat(4, 0).repeat(4, 1)
    centres = RNG.integers(0, 1024, (40, 2)).astype(np.int32)
    found = lung_shares(tf.constant(lungs), tf.constant(centres), 224)
    np.testing.assert_array_equal(found, vote_rules.lung_shares(labels, centres, 224))
    halved = lung_shares(tf.constant(lungs[::2, ::2]), tf.constant(centres // 2), 112)
    doubled = vote_rules.lung_shares(labels, centres // 2 * 2, 224)
    np.testing.assert_allclose(halved, doubled, rtol=0, atol=1e-12)
    inside = lung_shares(tf.constant(lungs), tf.constant([[272, 232]]), 112)
    assert inside.numpy().tolist() == [1.0]


def test_the_lead_is_over_the_best_of_the_others():
    scores = tf.constant([0.5, 0.2, 0.3], tf.float64)
    assert lead(scores, tf.constant(0)).numpy() == pytest.approx(0.2)
    assert lead(scores, tf.constant(2)).numpy() == 0.0


def test_the_majority_has_no_scores_here():
    with pytest.raises(ValueError, match="'majority' has no scores"):
        class_scores("majority", tf.constant([[0.5, 0.5]]), tf.ones([1], tf.float64))
