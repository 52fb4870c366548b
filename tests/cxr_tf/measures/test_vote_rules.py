import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr_tf.measures.rule_names import RULES
from cxr_tf.measures.vote_rules import aggregate, decisions, lung_shares
from cxr_tf.method.voting import count_votes, decide, mean_probabilities


def test_each_rule_by_hand():
    patches = np.array([[0.6, 0.4, 0.0], [0.6, 0.4, 0.0], [0.0, 0.1, 0.9], [0.55, 0.3, 0.15]])
    shares = np.array([0.1, 0.1, 0.7, 0.1])
    scores = aggregate(patches, shares, trimmed=0.25)
    assert tuple(scores) == RULES
    np.testing.assert_allclose(scores["majority"], [0.75, 0, 0.25])
    np.testing.assert_allclose(scores["mean"], [0.4375, 0.3, 0.2625])
    np.testing.assert_allclose(scores["trimmed_mean"], [0.575, 0.35, 0.075])
    np.testing.assert_allclose(scores["area_weighted"], [0.175, 0.18, 0.645])
    found = decisions(patches, shares)
    assert found == {"majority": 0, "mean": 0, "trimmed_mean": 0, "area_weighted": 2}


def test_the_trimmed_mean_leaves_out_a_tenth_at_either_end():
    column = np.array([1.0, 0, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3])
    found = aggregate(np.stack([column, 1 - column], 1), np.ones(10))["trimmed_mean"]
    np.testing.assert_allclose(found, [0.3, 0.7])


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 12), st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_the_majority_is_that_of_the_vote(count, classes, seed):
    # Few levels, so that ties are frequent.
    raw = np.random.default_rng(seed).integers(1, 4, (count, classes)).astype(np.float32)
    patches = raw / raw.sum(1, keepdims=True)
    used = tf.ones([count], tf.bool)
    tensors = tf.constant(patches)
    expected = decide(count_votes(tensors, used), mean_probabilities(tensors, used))
    votes = count_votes(tensors, used).numpy()
    mean = patches.astype(np.float64).mean(0)
    leading = np.flatnonzero(votes == votes.max())
    found = decisions(patches, np.ones(count))["majority"]
    # float32 and float64 may order equal means differently.
    assert found == int(expected) or np.isclose(mean[found], mean[leading].max(), atol=1e-6)


def test_without_any_lung_all_patches_weigh_alike():
    patches = np.array([[0.9, 0.1], [0.3, 0.7]])
    scores = aggregate(patches, np.zeros(2))
    np.testing.assert_allclose(scores["area_weighted"], scores["mean"])


@pytest.mark.parametrize("size", [112, 224, 448])
def test_shares_are_those_of_windows_cut_from_the_mask(size):
    rng = np.random.default_rng(size)
    labels = rng.integers(0, 4, (256, 256)).astype(np.uint8)
    labels[:, :90] = 2
    centres = np.concatenate([rng.integers(0, 1024, (20, 2)), [[0, 0], [1023, 1023], [0, 1023]]])
    lungs = np.pad((labels >= 2).repeat(4, 0).repeat(4, 1), size // 2)
    expected = [lungs[y : y + size, x : x + size].mean() for y, x in centres]
    np.testing.assert_allclose(lung_shares(labels, centres, size), expected)
