"""Tests of significance against SciPy, hand-computed values and each other."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cxr_tf.measures.statistics import (
    all_pairs,
    asterisks,
    holm,
    normality,
    rank_sum,
    signed_rank,
)

RNG = np.random.default_rng(4)
small = st.lists(st.integers(0, 9), min_size=1, max_size=12)


def test_normality_is_scipys_on_standardised_values():
    values = RNG.normal(300.0, 7.0, 60)
    found = normality(values, samples=199)
    own = stats.kstest((values - values.mean()) / values.std(ddof=1), "norm")
    assert (found.statistic, found.p) == (own.statistic, own.pvalue)
    scaled = normality(values / 1000.0 - 5.0, samples=199)
    assert scaled.p == pytest.approx(found.p)
    plain = stats.kstest(values, "norm").pvalue
    assert plain < 1e-12 < found.p  # what comes of leaving the standardisation out


def test_fitted_parameters_make_the_test_stricter_and_find_a_skew():
    skewed = RNG.exponential(1.0, 40)
    found = normality(skewed, samples=499)
    assert found.p_fitted < found.p
    assert found.p_fitted < 0.01
    assert normality(RNG.normal(size=80), samples=199).p_fitted > 0.05
    assert normality(skewed, samples=99, seed=3) == normality(skewed, samples=99, seed=3)


@pytest.mark.parametrize("values", [[], [1.0, 2.0, 3.0], [0.3] * 30, [0.1 + 0.2] * 9 + [0.3]])
def test_too_few_or_equal_values_are_not_tested(values):
    found = normality(values)
    assert found.n == len(values)
    assert all(map(math.isnan, (found.statistic, found.p, found.p_fitted)))


def test_values_that_are_not_finite_are_left_out():
    assert normality([1.0, 2.0, 4.0, math.nan, 3.0, math.inf], samples=9).n == 4
    assert rank_sum([1.0, math.nan], [2.0]).n_first == 1
    assert signed_rank([1.0, math.nan, 3.0], [2.0, 1.0, math.nan]).n_first == 1


def test_rank_sum_is_that_computed_by_hand():
    # 8 of 9 pairs are won, so U = 8; of 20 arrangements 2 are as far out on each side.
    found = rank_sum([4.0, 6.0, 7.0], [1.0, 2.0, 5.0], ("a", "b"))
    assert (found.first, found.second, found.n_first, found.n_second) == ("a", "b", 3, 3)
    assert found.statistic == 8 and found.effect == pytest.approx(2 * 8 / 9 - 1)
    assert found.p == pytest.approx(4 / 20)


def test_rank_sum_is_scipys():
    one, other = RNG.normal(0.0, 1.0, 40), RNG.normal(0.5, 2.0, 25)
    found = rank_sum(one, other)
    own = stats.mannwhitneyu(one, other, alternative="two-sided")
    assert (found.statistic, found.p) == (own.statistic, own.pvalue)


@given(small, small)
def test_the_effect_is_cliffs_delta_and_turns_with_the_groups(one, other):
    a, b = np.array(one), np.array(other)
    delta = np.sign(a[:, None] - b[None, :]).mean()
    found = rank_sum(a, b)
    assert found.effect == pytest.approx(delta)
    assert 0 <= found.p <= 1
    turned = rank_sum(b, a)
    assert turned.effect == pytest.approx(-delta) and turned.p == pytest.approx(found.p)


def test_equal_groups_and_empty_ones():
    same = rank_sum([0.5] * 4, [0.5] * 7)
    assert (same.p, same.effect, same.statistic) == (1.0, 0.0, 14.0)
    empty = rank_sum([], [1.0])
    assert math.isnan(empty.p) and math.isnan(empty.effect) and empty.n_second == 1


def test_signed_rank_is_that_computed_by_hand():
    # Differences 1, 2, -3, 4: ranks 1 + 2 + 4 against 3; 10 of 16 signs give 3 or less, or 7.
    found = signed_rank([2.0, 4.0, 1.0, 8.0], [1.0, 2.0, 4.0, 4.0])
    assert found.statistic == 3 and found.effect == pytest.approx((7 - 3) / 10)
    assert found.p == pytest.approx(10 / 16)


def test_signed_rank_is_scipys():
    one = RNG.normal(size=70)
    other = one + RNG.normal(0.1, 1.0, 70)
    found = signed_rank(one, other)
    own = stats.wilcoxon(one, other)
    assert (found.statistic, found.p) == (own.statistic, own.pvalue)


def test_pairs_that_do_not_differ():
    same = signed_rank([1.0, 2.0], [1.0, 2.0])
    assert (same.p, same.effect) == (1.0, 0.0)
    assert math.isnan(signed_rank([], []).p)
    part = signed_rank([1.0, 5.0, 7.0], [1.0, 4.0, 5.0])
    assert part.effect == 1.0 and part.p > 0.05
    with pytest.raises(ValueError, match="one length"):
        signed_rank([1.0], [1.0, 2.0])


def test_holm_is_that_computed_by_hand():
    found = holm([0.01, 0.04, math.nan, 0.03, 0.005])
    assert found[:2] == pytest.approx([0.03, 0.06])
    assert math.isnan(found[2]) and found[3:] == pytest.approx([0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_never_lowers_a_p_keeps_the_order_and_bonferroni_bounds_it(values):
    found = holm(values)
    for p, corrected in zip(values, found, strict=True):
        assert p <= corrected <= min(1.0, len(values) * p) + 1e-12
    order = np.argsort(values, kind="stable")
    assert (np.diff(np.array(found)[order]) >= 0).all()


def test_all_pairs_are_compared_once_as_one_family():
    groups = {"a": RNG.normal(0, 1, 20), "b": RNG.normal(1, 1, 20), "c": RNG.normal(3, 1, 20)}
    found = all_pairs(groups)
    assert [(x.first, x.second) for x in found] == [("b", "a"), ("c", "a"), ("c", "b")]
    assert all(x.effect > 0 for x in found)
    assert [x.p_holm for x in found] == holm([x.p for x in found])
    assert found[0].p == rank_sum(groups["b"], groups["a"]).p


@pytest.mark.parametrize(
    ("p", "mark"),
    [(0.0009, "***"), (0.001, "**"), (0.01, "*"), (0.05, "-"), (1.0, "-"), (math.nan, "")],
)
def test_asterisks_are_the_papers(p, mark):
    assert asterisks(p) == mark
