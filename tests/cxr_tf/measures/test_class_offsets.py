"""Offsets of the classes: the vote with them, and what the fit finds."""

import numpy as np
import pytest

from cxr_tf.measures.class_offsets import fit_offsets, macro_recall, vote_with
from cxr_tf.measures.vote_rules import decisions


def films(shift, count=80, seed=0):
    """Patches of films whose logits tell three classes, all shifted alike."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, count)
    logits = random.normal(0, 1.0, (count, 15, 3)) + random.normal(0, 0.6, (count, 1, 3))
    logits[np.arange(count), :, truth] += 1.2
    exponents = np.exp(logits + np.asarray(shift))
    return exponents / exponents.sum(-1, keepdims=True), truth


def test_without_offsets_the_vote_is_the_majority_of_the_paper():
    probabilities, _ = films([0, 0, 0])
    shares = np.ones(15)
    assert vote_with(probabilities, [0, 0, 0]).tolist() == [
        decisions(each, shares)["majority"] for each in probabilities
    ]


def test_a_tie_goes_to_the_larger_mean_after_the_offset():
    patches = np.array([[[0.6, 0.4], [0.3, 0.7]]])
    assert vote_with(patches, [0, 0]) == [1]  # means 0.45 and 0.55
    assert vote_with(patches, [0.3, 0]) == [0]  # 0.67 and 0.37 for the first: 0.52


def test_offsets_undo_a_shift_of_the_logits():
    plain, truth = films([0, 0, 0])
    shifted, _ = films([1.5, 0, -1.0])
    assert np.array_equal(vote_with(shifted, [-1.5, 0, 1.0]), vote_with(plain, [0, 0, 0]))
    before = macro_recall(truth, vote_with(shifted, [0, 0, 0]), 3)
    found = fit_offsets(shifted, truth)
    after = macro_recall(truth, vote_with(shifted, found), 3)
    assert after > before + 0.15
    assert found.mean() == pytest.approx(0) and found[0] < found[1] < found[2]


def test_offsets_hold_for_other_films():
    shifted, truth = films([1.5, 0, -1.0], seed=1)
    others, their_truth = films([1.5, 0, -1.0], seed=2)
    found = fit_offsets(shifted, truth)
    gain = [macro_recall(their_truth, vote_with(others, x), 3) for x in ([0, 0, 0], found)]
    assert gain[1] > gain[0] + 0.1


def test_nothing_is_fitted_where_nothing_is_gained():
    sure = np.eye(3)[np.arange(9) % 3][:, None].repeat(4, axis=1)
    assert fit_offsets(sure, np.arange(9) % 3).tolist() == [0, 0, 0]
    shifted, truth = films([1.5, 0, -1.0])
    assert fit_offsets(shifted, truth, penalty=100.0).tolist() == [0, 0, 0]


def test_a_class_without_films_counts_nothing():
    assert macro_recall(np.array([0, 0, 1]), np.array([0, 1, 1]), 3) == pytest.approx(3 / 4)
