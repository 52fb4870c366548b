"""Two classifiers on the same films, by hand, by SciPy and by a slow bootstrap."""

import json

import numpy as np
import pytest
from scipy import stats

from cxr_tf.measures.bootstrap import resample_patients
from cxr_tf.measures.estimates import Decisions
from cxr_tf.measures.metrics import classification_metrics, confusion_matrix, roc_auc
from cxr_tf.measures.paired import compare, mcnemar

CLASSES = ("normal", "viral", "bacterial")


def pair(films=80, seed=0, skill=(0.6, 0.3)):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, films)
    patients = tuple(f"p{number}" for number in rng.integers(0, films // 2, films))
    found = []
    for own in skill:
        scores = rng.random((films, 3))
        scores[np.arange(films), truth] += own
        scores /= scores.sum(axis=1, keepdims=True)
        found.append(Decisions(truth, scores.argmax(axis=1), scores, patients))
    return found


def test_mcnemar_by_hand():
    """Nine films part them, eight to one: p = 2 (1 + 9) / 2^9."""
    first = np.array([True] * 10 + [True] * 8 + [False] + [False] * 5)
    second = np.array([True] * 10 + [False] * 8 + [True] + [False] * 5)
    found = mcnemar(first, second)
    counts = (found.both_right, found.first_only, found.second_only, found.both_wrong)
    assert counts == (10, 8, 1, 5)
    assert found.p == pytest.approx(20 / 512)
    assert mcnemar(second, first).p == found.p
    assert mcnemar(first, first).p == 1.0


def test_mcnemar_rejects_as_often_as_it_may():
    """Classifiers alike: p is at most 0.05 in no more than 5 % of the draws."""
    rng = np.random.default_rng(1)
    ps = np.array([mcnemar(rng.random(60) < 0.7, rng.random(60) < 0.7).p for _ in range(1000)])
    assert 0.005 < (ps <= 0.05).mean() < 0.05
    assert stats.kstest(ps, "uniform", alternative="greater").pvalue > 0.01


def test_differences_equal_a_film_by_film_bootstrap():
    first, second = pair()
    found = compare(first, second, CLASSES, samples=200, seed=4)
    rows = []
    for draw in resample_patients(first.patients, 200, 4):
        films = np.repeat(np.arange(len(draw)), draw).tolist()
        figures = []
        for each in (first.take(films), second.take(films)):
            metrics = classification_metrics(confusion_matrix(each.truth, each.decided, 3))
            area = roc_auc(each.truth, each.probabilities).mean()
            means = float(metrics.accuracy), float(metrics.recall), float(metrics.f1)
            figures.append((*means, area))
        rows.append(np.subtract(*figures))
    for place, name in enumerate(("accuracy", "recall", "f1", "roc_auc")):
        low, high = np.quantile(np.array(rows)[:, place], [0.025, 0.975])
        own = found.figures[name]
        assert (own.difference.low, own.difference.high) == pytest.approx((low, high))
        assert own.difference.value == pytest.approx(own.first - own.second)
    assert found.figures["accuracy"].first == (first.decided == first.truth).mean()
    assert (found.n, found.patients) == (80, len(set(first.patients)))
    json.dumps(found.record(), allow_nan=False)


def test_pairing_narrows_the_interval():
    """The other is the same but on three films: the difference is known better than either."""
    first, _ = pair(films=200, seed=2)
    decided = first.decided.copy()
    right = np.flatnonzero(decided == first.truth)[:3]
    decided[right] = (decided[right] + 1) % 3
    second = Decisions(first.truth, decided, first.probabilities, first.patients)
    difference = compare(first, second, CLASSES).figures["accuracy"].difference
    assert difference.value == pytest.approx(3 / 200)
    assert 0.0 <= difference.low and difference.high < 0.04
    assert compare(first, second, CLASSES).figures["roc_auc"].difference.high == 0.0


def test_one_patient_has_no_interval_and_one_class_no_area():
    decisions = Decisions(
        np.zeros(3, np.int64), np.zeros(3, np.int64), np.full((3, 3), 1 / 3), ("a", "a", "a")
    )
    found = compare(decisions, decisions, CLASSES, samples=20)
    assert np.isnan(found.figures["accuracy"].difference.low)
    assert np.isnan(found.figures["roc_auc"].first)
    json.dumps(found.record(), allow_nan=False)


def test_other_films_are_refused():
    first, second = pair()
    with pytest.raises(ValueError, match="not the same"):
        compare(first, second.take(range(79)), CLASSES)
    second.decided[0] = -1
    with pytest.raises(ValueError, match="not decided by both"):
        compare(first, second, CLASSES)
