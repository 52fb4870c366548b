"""Estimates against the plain metrics, a slow bootstrap and small cases done by hand."""

from pathlib import Path

import numpy as np
import pytest

from cxr_tf.measures.bootstrap import resample_patients
from cxr_tf.measures.estimates import (
    Decisions,
    classification_estimates,
    film_groups,
    jaccard_estimates,
)
from cxr_tf.measures.metrics import classification_metrics, confusion_matrix, macro_mean, roc_auc
from cxr_tf.measures.precision_recall import average_precision
from pipelines.manifest.rows import ManifestRow

CLASSES = ("normal", "bacterial", "viral")


def _decisions(films=60, seed=0, refused=0.1):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, films)
    probabilities = rng.dirichlet([1, 1, 1], films)
    probabilities[np.arange(films), truth] += 0.4
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    decided = np.where(rng.random(films) < refused, -1, probabilities.argmax(axis=1))
    patients = tuple(f"p{number}" for number in rng.integers(0, films // 2, films))
    return Decisions(truth, decided, probabilities, patients)


def test_values_and_intervals_equal_a_film_by_film_bootstrap():
    decisions = _decisions()
    found = classification_estimates(decisions, CLASSES, samples=300, seed=3)
    draws = resample_patients(decisions.patients, 300, 3)
    figures = {name: [] for name in ("accuracy", "precision", "recall", "f1", "specificity")}
    areas, precisions = [], []
    for draw in draws:
        films = np.repeat(np.arange(len(draw)), draw)
        drawn = decisions.take(films.tolist())
        metrics = classification_metrics(confusion_matrix(drawn.truth, drawn.decided, 3))
        for name, values in figures.items():
            values.append(float(getattr(metrics, name)))
        ranked = drawn.decided >= 0
        areas.append(roc_auc(drawn.truth[ranked], drawn.probabilities[ranked]))
        precisions.append(average_precision(drawn.truth[ranked], drawn.probabilities[ranked]))
    figures |= {"roc_auc": np.mean(areas, axis=1), "average_precision": np.mean(precisions, axis=1)}
    for name, values in figures.items():
        low, high = np.quantile(values, [0.025, 0.975])
        assert (found.overall[name].low, found.overall[name].high) == pytest.approx((low, high))
        assert low < found.overall[name].value < high
    low, high = np.quantile(np.array(areas)[:, 2], [0.025, 0.975])
    viral = found.by_class["viral"]["roc_auc"]
    assert (viral.low, viral.high) == pytest.approx((low, high))


def test_values_are_those_of_the_metrics():
    decisions = _decisions(seed=1)
    found = classification_estimates(decisions, CLASSES, samples=10)
    metrics = classification_metrics(confusion_matrix(decisions.truth, decisions.decided, 3))
    for name in ("accuracy", "precision", "recall", "f1", "specificity"):
        assert found.overall[name].value == getattr(metrics, name)
    ranked = decisions.decided >= 0
    areas = roc_auc(decisions.truth[ranked], decisions.probabilities[ranked])
    assert found.overall["roc_auc"].value == macro_mean(areas, [True] * 3)
    for index, name in enumerate(CLASSES):
        own = found.by_class[name]
        assert own["sensitivity"].value == metrics.by_class["recall"][index]
        assert own["specificity"].value == metrics.by_class["specificity"][index]
        assert own["roc_auc"].value == areas[index]


def test_each_figure_counts_the_films_it_looks_at():
    truth, decided = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, -1, 1, 0, 2])
    decisions = Decisions(truth, decided, np.full((6, 3), 1 / 3), tuple("aabbcc"))
    found = classification_estimates(decisions, CLASSES, samples=50)
    assert (found.n, found.patients) == (6, 3)
    assert found.overall["accuracy"].n == 6 and found.overall["roc_auc"].n == 5
    normal = found.by_class["normal"]
    assert {kind: figure.n for kind, figure in normal.items()} == {
        "sensitivity": 3, "precision": 2, "f1": 4, "specificity": 3, "roc_auc": 5,
        "average_precision": 5,
    }  # fmt: skip
    assert (normal["sensitivity"].patients, normal["precision"].patients) == (2, 2)
    assert found.record()["without_decision"] == 1


def test_a_source_with_one_class_has_what_can_be_known_of_it():
    decisions = Decisions(
        np.zeros(4, int), np.array([0, 0, 0, 1]), np.eye(3)[[0, 0, 0, 1]], tuple("abcd")
    )
    found = classification_estimates(decisions, CLASSES, samples=200)
    assert found.overall["accuracy"].value == found.overall["recall"].value == 0.75
    assert np.isnan(found.overall["specificity"].value)
    assert np.isnan(found.overall["roc_auc"].value)
    record = found.record()
    assert record["by_class"]["viral"]["sensitivity"]["value"] is None
    assert record["by_class"]["viral"]["specificity"]["value"] == 1.0


def test_no_decision_at_all_is_all_wrong_and_has_no_roc():
    decisions = Decisions(np.array([0, 1, 2]), np.full(3, -1), np.zeros((3, 3)), tuple("abc"))
    found = classification_estimates(decisions, CLASSES, samples=20)
    assert found.overall["accuracy"].value == found.overall["f1"].value == 0.0
    assert found.overall["roc_auc"].record() == {
        "value": None, "low": None, "high": None, "n": 0, "patients": 0
    }  # fmt: skip


def test_jaccard_means_run_over_the_films_that_have_the_part():
    films = [{"lung_union": 0.9}, {"lung": 0.8, "lung_union": 0.7}, {"lung": 0.6}]
    found = jaccard_estimates(films, ["a", "b", "b"], samples=50)
    assert list(found) == ["lung", "lung_union"]
    assert found["lung"].mean.value == pytest.approx(0.7)
    assert found["lung"].sd == pytest.approx(np.std([0.8, 0.6], ddof=1))
    assert (found["lung"].mean.n, found["lung"].mean.patients) == (2, 1)
    assert np.isnan(found["lung"].mean.low)  # one patient tells nothing of the next
    assert (found["lung_union"].mean.n, found["lung_union"].mean.patients) == (2, 2)
    assert found["lung_union"].mean.low == pytest.approx(0.7)
    single = jaccard_estimates([{"heart": 0.5}], ["a"])["heart"].record()
    assert (single["value"], single["sd"], single["low"]) == (0.5, None, None)


def test_films_are_grouped_by_list_cohort_source_and_class():
    rows = [
        ManifestRow(Path("a"), "normal", source="jsrt", cohort="adult", paper_list="yes"),
        ManifestRow(Path("b"), "viral", source="kermany", cohort="paediatric"),
        ManifestRow(Path("c"), "normal", source="jsrt"),
    ]
    groups = film_groups(rows)
    assert groups == {
        "all": [0, 1, 2],
        "paper_list": [0],
        "cohort=adult": [0],
        "cohort=paediatric": [1],
        "source=jsrt": [0, 2],
        "source=kermany": [1],
    }
    assert film_groups(rows, classes=True) == groups | {"class=normal": [0, 2], "class=viral": [1]}
    assert film_groups([]) == {"all": []}
    seen = film_groups(rows, seen={1: "any collection of positions"})
    assert seen == groups | {"without_films_seen_in_segmentation": [0, 2]}
    assert list(seen)[:2] == ["all", "without_films_seen_in_segmentation"]
    assert film_groups(rows, seen=[0, 1, 2]) == film_groups(rows, seen=()) == groups
