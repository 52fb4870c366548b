"""No change may cost a quarter of the speed, measured beside a matrix product."""

import json

import pytest

from tools.bench.processor import features
from tools.bench.speed_ratios import STORED, WORK, measure

#: A busy machine disturbs a measurement, so the best of these counts.
ATTEMPTS = 4
STORED_RATIOS = json.loads(STORED.read_text())


def test_every_piece_of_work_has_a_ratio():
    assert STORED_RATIOS["ratios"].keys() == WORK.keys()
    assert all(ratio > 0 for ratio in STORED_RATIOS["ratios"].values())


@pytest.mark.slow
@pytest.mark.skipif(
    features() != STORED_RATIOS["features"], reason="ratios of another kind of processor are stored"
)
@pytest.mark.parametrize("name", WORK)
def test_no_quarter_of_the_speed_is_lost(name):
    least = 0.75 * STORED_RATIOS["ratios"][name]
    found = []
    while len(found) < ATTEMPTS and max(found, default=0.0) < least:
        found.append(measure(name))
    assert max(found) >= least, f"{name}: {found}, stored {least / 0.75}"
