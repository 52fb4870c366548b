import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxr_tf.training.schedules import Patience, learning_rate


def rates(schedule, total=100, warmup=0, factor=1.0, base=1e-3):
    return [learning_rate(schedule, base, step, total, warmup, factor) for step in range(total + 1)]


def test_constant():
    assert rates("constant", factor=0.01) == [1e-3] * 101


def test_plateaus_take_their_factor():
    assert rates("plateau", factor=0.01) == [pytest.approx(1e-5)] * 101


def test_cosine_falls_from_the_peak_to_zero():
    found = rates("cosine", factor=0.01)
    assert found[0] == 1e-3
    assert found[50] == pytest.approx(5e-4)
    assert found[25] == pytest.approx(1e-3 * (1 + math.sqrt(0.5)) / 2)
    assert found[100] == pytest.approx(0, abs=1e-12)
    assert all(a > b for a, b in zip(found, found[1:], strict=False))


def test_cosine_stays_at_zero_behind_its_end():
    assert learning_rate("cosine", 1.0, 500, 100, 10, 1.0) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("schedule", ["constant", "plateau", "cosine"])
def test_warmup_rises_linearly_to_the_peak(schedule):
    found = rates(schedule, warmup=10)
    assert found[:10] == pytest.approx([1e-4 * (step + 1) for step in range(10)])
    assert found[10] == pytest.approx(1e-3)
    assert max(found) == pytest.approx(1e-3)


@given(
    st.sampled_from(["constant", "plateau", "cosine"]),
    st.integers(0, 300),
    st.integers(0, 200),
    st.integers(0, 200),
)
def test_rates_lie_between_zero_and_the_peak(schedule, step, total, warmup):
    assert 0 <= learning_rate(schedule, 1.0, step, total, warmup, 1.0) <= 1


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match="'step' is unknown; choose constant, plateau or cosine"):
        learning_rate("step", 1.0, 0, 1, 0, 1.0)


def test_patience_counts_since_the_best():
    patience = Patience()
    told = [patience.improved(x, epoch) for epoch, x in enumerate([0.2, 0.5, 0.5, 0.4, 0.6, 0.1])]
    assert told == [True, True, False, False, True, False]
    assert patience == Patience(best=0.6, best_epoch=4, waited=1)


def test_a_gain_below_the_least_does_not_count():
    patience = Patience(best=1.0, best_epoch=3)
    assert not patience.improved(1.05, 4, least=0.1)
    assert patience == Patience(1.0, 3, 1)
    assert patience.improved(1.2, 5, least=0.1)


def test_nan_is_never_better():
    patience = Patience()
    assert not patience.improved(math.nan, 0)
    assert patience.improved(-5.0, 1)
    assert not patience.improved(math.nan, 2)
    assert patience == Patience(-5.0, 1, 1)


@given(st.lists(st.floats(-1, 1), min_size=1))
def test_patience_finds_the_first_of_the_best(values):
    patience = Patience()
    for epoch, value in enumerate(values):
        patience.improved(value, epoch)
    best = values.index(max(values))
    assert patience == Patience(values[best], best, len(values) - 1 - best)
