import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr_tf.method.voting import (
    count_votes,
    decide,
    mean_probabilities,
    patches_needed_more,
)
from tests.cxr_tf.plain_method import patches_needed
from tests.protocol import check_op

FEW = settings(max_examples=60, deadline=None)


@st.composite
def softmaxes(draw):
    """Probabilities [K, C] and which of them count."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    patches, classes = draw(st.integers(1, 30)), draw(st.integers(2, 5))
    probabilities = rng.dirichlet(np.ones(classes), patches).astype(np.float32)
    return probabilities, rng.random(patches) < draw(st.sampled_from([0.0, 0.5, 1.0]))


@FEW
@given(softmaxes())
def test_votes_and_means_in_plain_numpy(example):
    probabilities, used = example
    votes, total = [0] * probabilities.shape[1], np.zeros(probabilities.shape[1])
    for patch in probabilities[used]:
        votes[int(np.argmax(patch))] += 1
        total += patch
    counted = count_votes(tf.constant(probabilities), used)
    assert counted.dtype == tf.int32
    np.testing.assert_array_equal(counted, votes)
    mean = mean_probabilities(probabilities, used)
    np.testing.assert_allclose(mean, total / max(1, used.sum()), rtol=0, atol=1e-6)


@FEW
@given(st.data(), st.integers(2, 5))
def test_most_votes_then_mean_probability_then_the_lower_index(data, classes):
    votes = data.draw(st.lists(st.integers(0, 3), min_size=classes, max_size=classes))
    levels = st.sampled_from([0.0, 0.25, 0.5, 1.0])
    means = data.draw(st.lists(levels, min_size=classes, max_size=classes))
    expected = sorted(range(classes), key=lambda c: (-votes[c], -means[c], c))[0]
    chosen = decide(np.array(votes, np.int32), np.array(means, np.float32))
    assert chosen.dtype == tf.int32
    assert chosen == expected


@pytest.mark.parametrize(
    ("votes", "means", "expected"),
    [
        ([60, 40, 0, 0], [0.2, 0.8, 0, 0], 0),
        ([50, 50, 0, 0], [0.45, 0.55, 0, 0], 1),
        ([10, 45, 45, 0], [0.5, 0.2, 0.3, 0], 2),
        ([50, 0, 0, 50], [0.5, 0, 0, 0.5], 0),
        ([0, 50, 50, 0], [0, 0, 0, 0], 1),
        ([25, 25, 25, 25], [0.1, 0.3, 0.3, 0.3], 1),
    ],
    ids="majority tie tie-below-a-probable-loser equal-tie zero-means all-tied".split(),
)
def test_decisions(votes, means, expected):
    chosen = check_op(decide, np.array(votes, np.int32), np.array(means, np.float32))
    assert chosen == expected


def test_counting_in_all_ways():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), 20).astype(np.float32)
    used = np.arange(20) < 13
    votes = check_op(
        lambda x, y: count_votes(tf.ensure_shape(x, [None, 4]), y), probabilities, used
    )
    assert votes.numpy().sum() == 13
    mean = check_op(mean_probabilities, probabilities, used, atol=1e-6)
    np.testing.assert_allclose(mean, probabilities[:13].mean(0), rtol=0, atol=1e-6)


def test_patches_that_do_not_count_may_hold_anything():
    probabilities = np.array([[0.9, 0.1], [np.nan, np.inf]], np.float32)
    used = np.array([True, False])
    np.testing.assert_array_equal(count_votes(tf.constant(probabilities), used), [1, 0])
    np.testing.assert_allclose(mean_probabilities(probabilities, used), [0.9, 0.1])


def test_no_patch_gives_zeros():
    used = np.zeros(3, bool)
    probabilities = np.full((3, 2), 0.5, np.float32)
    np.testing.assert_array_equal(count_votes(tf.constant(probabilities), used), [0, 0])
    np.testing.assert_array_equal(mean_probabilities(probabilities, used), [0, 0])


# The early stop.


@settings(max_examples=300, deadline=None)
@given(st.integers(2, 5), st.data())
def test_the_early_stop_gives_the_full_vote(classes, data):
    winners = data.draw(st.lists(st.integers(0, classes - 1), min_size=1, max_size=40))
    needed = patches_needed(winners, classes)
    assert 1 <= needed <= len(winners)
    early = np.bincount(winners[:needed], minlength=classes)
    full = np.bincount(winners, minlength=classes)
    if needed < len(winners):
        # No tie can arise any more, so that mean probabilities have no say either.
        assert np.sum(full == full.max()) == 1
        assert np.argmax(early) == np.argmax(full)
        rest = len(winners) - needed
        for rival in set(range(classes)) - {int(np.argmax(early))}:
            assert early[rival] + rest < early.max()
    for sooner in range(1, needed):
        # One patch less, and the runner-up could still draw level.
        votes = np.sort(np.bincount(winners[:sooner], minlength=classes))
        assert votes[-2] + len(winners) - sooner >= votes[-1]


@pytest.mark.parametrize(("patches", "classes"), [(5, 3), (7, 2)])
def test_the_early_stop_on_every_vote(patches, classes):
    for winners in itertools.product(range(classes), repeat=patches):
        needed = patches_needed(winners, classes)
        votes = np.bincount(winners, minlength=classes)
        if needed < patches:
            seen = np.bincount(winners[:needed], minlength=classes)
            assert np.argmax(seen) == np.argmax(votes)
            assert np.sum(votes == votes.max()) == 1


@pytest.mark.parametrize(
    ("winners", "needed"),
    [
        ([2] * 100, 51),
        ([0] * 99, 50),
        ([0], 1),
        ([0, 1], 2),
        ([0, 1] * 50, 100),
        ([0] * 50 + [1] * 50, 100),
        ([0] * 51 + [1] * 49, 51),
    ],
)
def test_patches_needed(winners, needed):
    assert patches_needed(winners, 4) == needed
    assert patches_needed(np.array(winners, np.int32), 4) == needed


@pytest.mark.parametrize(("patches", "classes"), [(1, 4), (5, 3), (7, 2)])
def test_no_vote_is_settled_sooner_than_said(patches, classes):
    """From every point of every vote, and never zero before it is settled."""
    for winners in itertools.product(range(classes), repeat=patches):
        needed = patches_needed(winners, classes)
        for seen in range(patches + 1):
            votes = np.bincount(winners[:seen], minlength=classes).astype(np.int32)
            more = int(patches_needed_more(tf.constant(votes), tf.constant(patches)))
            assert (more == 0) == (seen >= needed)
            assert seen + more <= max(needed, seen)


@pytest.mark.parametrize(
    ("votes", "enough", "needed"),
    [
        ([0, 0, 0], 1.5, 51),
        ([5, 0, 0], 1.5, 0),  # 5 > 1.5 x 2.24
        ([4, 1, 0], 1.5, 47),  # 3 < 3.35
        ([8, 3, 3], 1.5, 0),  # 5 > 4.97: the third class does not count
        ([10, 3, 7], 1.5, 39),  # 3 < 6.2
        ([5, 0, 0], np.inf, 46),
    ],
)
def test_a_lead_that_is_enough_settles_a_vote(votes, enough, needed):
    assert int(patches_needed_more(tf.constant(votes), tf.constant(100), enough)) == needed
