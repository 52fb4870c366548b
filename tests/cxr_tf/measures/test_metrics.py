"""Metrics against scikit-learn, and the cases scikit-learn leaves open."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sklearn_metrics

from cxr_tf.measures.metrics import (
    classification_metrics,
    confusion_matrix,
    enlarge_labels,
    jaccard,
    label_jaccard,
    macro_mean,
    roc_auc,
    roc_curve,
    uncertainty_auc,
)

#: scikit-learn's first calls are slow on a busy machine.
unhurried = settings(deadline=None)
CLASSES = 4
RANGE = list(range(CLASSES))
decisions = st.integers(1, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, CLASSES - 1), min_size=n, max_size=n),
        st.lists(st.integers(-1, CLASSES - 1), min_size=n, max_size=n),
    )
)


@unhurried
@given(
    arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6))).flatmap(
        lambda mask: st.tuples(st.just(mask), arrays(bool, mask.shape))
    )
)
def test_jaccard_equals_scikit_learn(masks):
    first, second = masks
    expected = sklearn_metrics.jaccard_score(
        first.ravel(), second.ravel(), zero_division=1.0 if not (first | second).any() else 0.0
    )
    assert jaccard(first, second) == pytest.approx(expected, abs=1e-12)


def test_jaccard_of_two_empty_masks_is_one_and_of_one_empty_mask_zero():
    empty, full = np.zeros((3, 3), bool), np.ones((3, 3), bool)
    assert jaccard(empty, empty) == 1.0
    assert jaccard(empty, full) == 0.0


def test_jaccard_refuses_masks_of_two_sizes():
    with pytest.raises(ValueError, match="enlarge_labels"):
        jaccard(np.zeros((1, 3)), np.zeros((3, 3)))


@unhurried
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(0, 3)),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_whole_number_enlargement_repeats_each_label(labels, down, across):
    enlarged = enlarge_labels(labels, labels.shape[0] * down, labels.shape[1] * across)
    np.testing.assert_array_equal(enlarged, labels.repeat(down, 0).repeat(across, 1))
    assert enlarged.dtype == labels.dtype


@unhurried
@given(st.integers(1, 40), st.integers(1, 40))
def test_enlargement_takes_the_nearest_pixel_centre(source, target):
    picked = enlarge_labels(np.arange(source)[:, None], target, 1)[:, 0]
    centres = (np.arange(target) + 0.5) * source / target
    distance = np.abs(centres[:, None] - (np.arange(source) + 0.5))
    np.testing.assert_allclose(distance[np.arange(target), picked], distance.min(axis=1), atol=1e-9)


def _boxes(size):
    scale = size // 8
    heart, left, right = (np.zeros((size, size), bool) for _ in range(3))
    heart[4 * scale : 6 * scale, 3 * scale : 5 * scale] = True
    left[2 * scale : 6 * scale, 5 * scale : 7 * scale] = True
    right[2 * scale : 6 * scale, 1 * scale : 3 * scale] = True
    return {"heart": heart, "left_lung": left, "right_lung": right}


def _label_map(masks):
    return (
        masks["heart"] * np.uint8(1)
        + masks["left_lung"] * np.uint8(2)
        + masks["right_lung"] * np.uint8(3)
    )


def test_a_right_label_map_scores_one_at_the_masks_own_size():
    scores = label_jaccard(_label_map(_boxes(16)), _boxes(64))
    assert scores == dict.fromkeys(("lung", "left_lung", "right_lung", "lung_union", "heart"), 1.0)


def test_lung_is_the_mean_of_both_lungs_and_the_union_weighs_by_area():
    truth = _boxes(64)
    labels = _label_map(_boxes(16))
    labels[labels == 3] = 0  # the right lung is missed
    scores = label_jaccard(labels, truth)
    assert (scores["left_lung"], scores["right_lung"], scores["lung"]) == (1.0, 0.0, 0.5)
    assert scores["lung_union"] == 0.5
    truth["left_lung"][: 4 * 8] = False  # half of the left lung was never marked
    scores = label_jaccard(labels, truth)
    assert scores["lung"] == 0.25
    # 16 x 16 pixels of the 16 x 32 decided are marked, and 16 x 32 marked ones are missed.
    assert scores["lung_union"] == pytest.approx(256 / 1024)


def test_exchanged_lungs_score_zero_but_their_union_one():
    labels = _label_map(_boxes(16))
    exchanged = np.array([0, 1, 3, 2], np.uint8)[labels]
    scores = label_jaccard(exchanged, _boxes(64))
    assert (scores["lung"], scores["lung_union"], scores["heart"]) == (0.0, 1.0, 1.0)


def test_a_union_mask_alone_gives_the_union_alone():
    truth = _boxes(64)
    union = {"lung": truth["left_lung"] | truth["right_lung"]}
    assert label_jaccard(_label_map(_boxes(16)), union) == {"lung_union": 1.0}
    assert label_jaccard(_label_map(_boxes(16)), {}) == {}


def test_label_jaccard_refuses_unknown_masks_and_shapes():
    labels = np.zeros((4, 4), np.uint8)
    with pytest.raises(ValueError, match="clavicle"):
        label_jaccard(labels, {"clavicle": np.zeros((4, 4), bool)})
    with pytest.raises(ValueError, match="rows x columns"):
        label_jaccard(labels, {"heart": np.zeros((4, 4, 1), bool)})


@unhurried
@given(decisions)
def test_confusion_matrix_equals_scikit_learn(lists):
    truth, decided = lists
    counts = confusion_matrix(truth, decided, CLASSES)
    expected = sklearn_metrics.confusion_matrix(
        truth, [CLASSES if d < 0 else d for d in decided], labels=[*RANGE, CLASSES]
    )
    np.testing.assert_array_equal(counts, expected[:CLASSES])


@pytest.mark.parametrize("truth, decided", [([0], [4]), ([4], [0]), ([-1], [0]), ([0, 1], [0])])
def test_confusion_matrix_refuses_what_it_cannot_count(truth, decided):
    with pytest.raises(ValueError):
        confusion_matrix(truth, decided, CLASSES)


@unhurried
@given(decisions)
def test_metrics_equal_scikit_learn(lists):
    truth, decided = lists
    metrics = classification_metrics(confusion_matrix(truth, decided, CLASSES))
    assert metrics.accuracy == pytest.approx(sklearn_metrics.accuracy_score(truth, decided))
    present = sorted(set(truth))
    precision, recall, f1, _ = sklearn_metrics.precision_recall_fscore_support(
        truth, decided, labels=present, zero_division=0.0, average="macro"
    )
    assert metrics.precision == pytest.approx(precision)
    assert metrics.recall == pytest.approx(recall)
    assert metrics.f1 == pytest.approx(f1)
    precision, recall, f1, _ = sklearn_metrics.precision_recall_fscore_support(
        truth, decided, labels=RANGE, zero_division=np.nan, average=None
    )
    np.testing.assert_allclose(metrics.by_class["precision"], precision)
    np.testing.assert_allclose(metrics.by_class["recall"], recall)
    np.testing.assert_allclose(metrics.by_class["f1"][present], f1[present])
    # Specificity is the recall of "not this class".
    for index in RANGE:
        specificity = sklearn_metrics.recall_score(
            np.array(truth) != index, np.array(decided) != index, zero_division=np.nan
        )
        np.testing.assert_allclose(metrics.by_class["specificity"][index], specificity)
    if len(present) > 1:
        assert metrics.specificity == pytest.approx(
            np.mean(metrics.by_class["specificity"][present])
        )


def test_metrics_of_many_matrices_are_those_of_each():
    rng = np.random.default_rng(0)
    stack = rng.integers(0, 5, (7, 3, 4))
    stack[0, 1] = 0  # a class without films
    together = classification_metrics(stack)
    for index, confusion in enumerate(stack):
        alone = classification_metrics(confusion)
        for name in ("accuracy", "precision", "recall", "f1", "specificity"):
            np.testing.assert_array_equal(getattr(together, name)[index], getattr(alone, name))


def test_ignoring_a_class_lowers_the_mean_precision():
    metrics = classification_metrics(confusion_matrix([0, 0, 1], [0, 0, 0], 2))
    assert np.isnan(metrics.by_class["precision"][1])
    assert metrics.precision == pytest.approx((2 / 3 + 0) / 2)
    assert metrics.f1 == pytest.approx((0.8 + 0) / 2)


def test_refused_films_are_missed_but_are_no_false_alarms():
    metrics = classification_metrics(confusion_matrix([0, 0, 1, 1], [0, -1, 1, -1], 2))
    assert metrics.accuracy == 0.5
    np.testing.assert_array_equal(metrics.by_class["recall"], [0.5, 0.5])
    np.testing.assert_array_equal(metrics.by_class["precision"], [1.0, 1.0])
    np.testing.assert_array_equal(metrics.by_class["specificity"], [1.0, 1.0])


def test_means_over_listed_classes_are_undefined_where_one_has_no_films():
    confusion = confusion_matrix([0, 1], [0, 1], 3)
    assert classification_metrics(confusion).recall == 1.0
    listed = classification_metrics(confusion, present=[True, True, True])
    assert all(np.isnan(getattr(listed, m)) for m in ("precision", "recall", "f1", "specificity"))
    assert listed.accuracy == 1.0


def test_no_film_leaves_every_metric_undefined():
    metrics = classification_metrics(confusion_matrix([], [], 2))
    assert np.isnan([metrics.accuracy, metrics.f1, metrics.specificity]).all()


def test_metrics_refuse_what_is_no_confusion_matrix():
    with pytest.raises(ValueError, match="C x"):
        classification_metrics(np.zeros((2, 4)))


def test_macro_mean_averages_the_chosen_classes():
    assert macro_mean([0.5, 1.0, np.nan], [True, True, False]) == 0.75
    assert np.isnan(macro_mean([0.5, 1.0, np.nan], [True, True, True]))
    assert np.isnan(macro_mean([0.5], [False]))


@st.composite
def scored(draw):
    n = draw(st.integers(2, 30))
    truth = draw(arrays(np.int64, n, elements=st.integers(0, 2)))
    # Few distinct values, so that ties are common.
    scores = draw(arrays(np.int64, (n, 3), elements=st.integers(0, 5))) / 5
    weights = draw(arrays(np.int64, (2, n), elements=st.integers(0, 3)))
    return truth, scores, weights


@unhurried
@given(scored())
def test_roc_auc_equals_scikit_learn_with_ties_and_weights(case):
    truth, scores, weights = case
    plain, weighted = roc_auc(truth, scores), roc_auc(truth, scores, weights)
    assert plain.shape == (3,) and weighted.shape == (2, 3)
    for index in range(3):
        positive = truth == index
        for area, weight in ((plain, np.ones(len(truth))), *zip(weighted, weights, strict=True)):
            if (weight * positive).sum() == 0 or (weight * ~positive).sum() == 0:
                assert np.isnan(area[index])
            else:
                expected = sklearn_metrics.roc_auc_score(
                    positive, scores[:, index], sample_weight=weight
                )
                assert area[index] == pytest.approx(expected, abs=1e-12)


def test_roc_auc_of_no_film_is_undefined_and_bad_input_is_refused():
    assert np.isnan(roc_auc(np.zeros(0, int), np.zeros((0, 3)))).all()
    with pytest.raises(ValueError, match="not finite"):
        roc_auc([0, 1], [[np.nan], [0.5]])
    with pytest.raises(ValueError, match="does not match"):
        roc_auc([0], [[0.1], [0.5]])
    with pytest.raises(ValueError, match="weights"):
        roc_auc([0, 1], [[0.1], [0.5]], [1])


@unhurried
@given(scored())
def test_roc_curve_equals_scikit_learn(case):
    truth, scores, _ = case
    positive = truth == 0
    if not positive.any() or positive.all():
        with pytest.raises(ValueError, match="rest"):
            roc_curve(positive, scores[:, 0])
        return
    alarms, hits = roc_curve(positive, scores[:, 0])
    expected = sklearn_metrics.roc_curve(positive, scores[:, 0], drop_intermediate=False)
    np.testing.assert_allclose(alarms, expected[0])
    np.testing.assert_allclose(hits, expected[1])
    assert np.trapezoid(hits, alarms) == pytest.approx(roc_auc(truth, scores)[0])


def test_uncertainty_is_ranked_against_wrong_pixels_as_by_scikit_learn():
    truth, labels = _boxes(64), _label_map(_boxes(16))
    labels[labels == 3] = 0  # the right lung is missed
    unsure = np.random.default_rng(0).random((16, 16))
    found = np.isin(enlarge_labels(labels, 64, 64), (2, 3))
    wrong = found != (truth["left_lung"] | truth["right_lung"])
    expected = sklearn_metrics.roc_auc_score(wrong.ravel(), enlarge_labels(unsure, 64, 64).ravel())
    assert uncertainty_auc(unsure, labels, truth) == pytest.approx(expected)
    union = {"lung": truth["left_lung"] | truth["right_lung"]}
    assert uncertainty_auc(unsure, labels, union) == pytest.approx(expected)
    assert np.isnan(uncertainty_auc(unsure, labels, {"heart": truth["heart"]}))
    assert np.isnan(uncertainty_auc(unsure, _label_map(_boxes(16)), truth))  # nothing is wrong
