"""Bootstrap intervals against known cases."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cxr_tf.measures.bootstrap import (
    Estimate,
    estimate,
    mean_estimate,
    percentile_interval,
    resample_patients,
)


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=15), st.integers(0, 5))
def test_a_sample_draws_as_many_patients_and_keeps_their_films_together(patients, seed):
    draws = resample_patients(patients, samples=20, seed=seed)
    assert draws.shape == (20, len(patients)) and draws.min() >= 0
    first = {name: patients.index(name) for name in patients}
    np.testing.assert_array_equal(draws, draws[:, [first[name] for name in patients]])
    assert (draws[:, sorted(first.values())].sum(axis=1) == len(first)).all()


def test_samples_depend_on_the_seed_and_not_on_the_order_of_films():
    patients = ["b", "a", "c", "a"]
    draws = resample_patients(patients, seed=1)
    np.testing.assert_array_equal(draws, resample_patients(patients, seed=1))
    assert (draws != resample_patients(patients, seed=2)).any()
    order = [2, 0, 3, 1]
    np.testing.assert_array_equal(
        draws[:, order], resample_patients([patients[i] for i in order], seed=1)
    )


def test_each_patient_is_drawn_once_on_average_with_binomial_spread():
    draws = resample_patients([str(i) for i in range(10)], samples=20_000)
    np.testing.assert_allclose(draws.mean(axis=0), 1, atol=0.03)
    np.testing.assert_allclose(draws.var(axis=0), 0.9, atol=0.05)


def test_the_interval_of_a_share_is_the_binomial_one():
    right = np.r_[np.ones(80), np.zeros(20)]
    found = mean_estimate(right, [str(i) for i in range(100)], samples=20_000)
    low, high = stats.binom(100, 0.8).ppf([0.025, 0.975]) / 100
    assert found.value == 0.8 and (found.n, found.patients) == (100, 100)
    assert found.low == pytest.approx(low, abs=0.011)
    assert found.high == pytest.approx(high, abs=0.011)


def test_the_interval_of_a_mean_is_the_normal_one():
    values = np.random.default_rng(0).normal(0.9, 0.02, 400)
    found = mean_estimate(values, [str(i) for i in range(400)])
    half = 1.96 * values.std() / 20
    assert found.low == pytest.approx(values.mean() - half, abs=half / 8)
    assert found.high == pytest.approx(values.mean() + half, abs=half / 8)


def test_repeated_films_of_a_patient_do_not_narrow_the_interval():
    values = np.r_[np.ones(15), np.zeros(15)]
    patients = [str(i) for i in range(30)]
    alone = mean_estimate(values, patients)
    repeated = mean_estimate(np.repeat(values, 9), np.repeat(patients, 9).tolist())
    assert (repeated.n, repeated.patients) == (270, 30)
    assert repeated.low == pytest.approx(alone.low) and repeated.high == pytest.approx(alone.high)


def test_equal_values_have_an_interval_without_width():
    found = mean_estimate([0.5, 0.5, 0.5], ["a", "b", "c"])
    assert (found.low, found.value, found.high) == (0.5, 0.5, 0.5)


def test_one_patient_or_none_has_no_interval():
    found = mean_estimate([0.2, 0.4], ["a", "a"])
    assert found.value == pytest.approx(0.3) and np.isnan([found.low, found.high]).all()
    assert (found.n, found.patients) == (2, 1)
    nothing = mean_estimate([], [])
    assert np.isnan(nothing.value) and nothing.n == 0


def test_percentiles_leave_out_undefined_samples_up_to_a_half():
    values = np.arange(101.0)
    assert percentile_interval(values) == pytest.approx((2.5, 97.5))
    assert percentile_interval(np.r_[values, np.full(100, np.nan)]) == pytest.approx((2.5, 97.5))
    assert np.isnan(percentile_interval(np.r_[values, np.full(103, np.nan)])).all()
    assert percentile_interval(values, level=0.5) == pytest.approx((25.0, 75.0))


def test_an_undefined_figure_has_no_interval_and_is_null_in_json():
    found = estimate(float("nan"), np.ones(10), ["a", "b"])
    assert json.loads(json.dumps(found.record(), allow_nan=False)) == {
        "value": None,
        "low": None,
        "high": None,
        "n": 2,
        "patients": 2,
    }
    assert str(found) == "undefined, n=2"
    assert str(Estimate(0.5, 0.25, 0.75, 8, 4)) == "0.500 (0.250-0.750), n=8"
    assert str(Estimate(0.5, float("nan"), float("nan"), 1, 1)) == "0.500 (no interval), n=1"


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        resample_patients(["a"], samples=0)
    with pytest.raises(ValueError, match="do not match"):
        mean_estimate([1.0], ["a", "b"])
