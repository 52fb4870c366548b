import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr_tf.measures.wilson import wilson

Z = 1.959963984540054


@given(trials=st.integers(1, 400), share=st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_the_ends_are_where_the_share_lies_z_deviations_off(trials, share):
    """Wilson's definition: |share - end| = z sqrt(end (1 - end) / trials)."""
    share = round(share * trials) / trials
    low, high = wilson(round(share * trials), trials)
    assert 0 <= low <= share <= high <= 1
    for end in (low, high):
        away = Z * math.sqrt(end * (1 - end) / trials)
        assert abs(share - end) == pytest.approx(away, abs=1e-7)


def test_no_trials_have_no_interval():
    assert wilson(0, 0) == (0.0, 0.0)
