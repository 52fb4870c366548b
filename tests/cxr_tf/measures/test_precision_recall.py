"""Precision against recall, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from cxr_tf.measures.precision_recall import average_precision, precision_recall_curve


def drawn(seed, films=50, ties=True):
    rng = np.random.default_rng(seed)
    truth, scores = rng.integers(0, 3, films), rng.random((films, 3))
    scores[np.arange(films), truth] += 0.3
    return truth, np.round(scores, 1) if ties else scores


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ties", [False, True])
def test_it_equals_scikit_learn(seed, ties):
    truth, scores = drawn(seed, ties=ties)
    found = average_precision(truth, scores)
    for index in range(3):
        own = truth == index
        expected = sklearn_metrics.average_precision_score(own, scores[:, index])
        assert found[index] == pytest.approx(expected)
        recall, precision = precision_recall_curve(own, scores[:, index])
        assert (np.diff(recall) * precision[1:]).sum() == pytest.approx(expected)
        theirs, reached, _ = sklearn_metrics.precision_recall_curve(own, scores[:, index])
        points = dict(zip(reached.tolist(), theirs.tolist(), strict=True))
        assert recall[-1] == 1.0 and precision[-1] == pytest.approx(own.mean())
        assert points[1.0] >= precision[-1]


def test_weights_count_films_several_times():
    truth, scores = drawn(7)
    weights = np.random.default_rng(0).integers(0, 4, (20, len(truth)))
    found = average_precision(truth, scores, weights)
    for weight, areas in zip(weights, found, strict=True):
        films = np.repeat(np.arange(len(truth)), weight)
        assert areas == pytest.approx(average_precision(truth[films], scores[films]))


def test_by_hand():
    """Hit, miss, hit: precisions 1 and 2/3 at the two steps of the recall."""
    scores = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])
    assert average_precision([0, 1, 0], scores)[0] == pytest.approx((1 + 2 / 3) / 2)
    recall, precision = precision_recall_curve([True, False, True], scores[:, 0])
    np.testing.assert_allclose(recall, [0, 0.5, 0.5, 1])
    np.testing.assert_allclose(precision, [1, 1, 0.5, 2 / 3])


def test_a_class_without_films_or_with_all_has_none():
    found = average_precision([0, 0], np.array([[0.5, 0.5], [0.4, 0.6]]))
    assert np.isnan(found).all()
    assert np.isnan(average_precision([], np.zeros((0, 2)))).all()
    weights = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    drawn_once = average_precision([0, 1], np.array([[0.5, 0.5], [0.4, 0.6]]), weights)
    assert np.isnan(drawn_once[[0, 2]]).all() and (drawn_once[1] == 1.0).all()
    with pytest.raises(ValueError, match="films of the class and of the rest"):
        precision_recall_curve([True], [0.5])


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="does not match"):
        average_precision([0, 1], np.zeros((3, 2)))
    with pytest.raises(ValueError, match="not finite"):
        average_precision([0], np.array([[np.nan]]))
