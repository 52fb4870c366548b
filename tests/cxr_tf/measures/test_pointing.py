"""The pointing game, on maps made by hand."""

import numpy as np
import pytest

from cxr_tf.measures.pointing import chance, hit


def _target():
    target = np.zeros((20, 20), bool)
    target[4:8, 4:8] = True
    return target


def _map(*points):
    saliency = np.zeros((20, 20), np.float32)
    for point in points:
        saliency[point] = 0.7
    return saliency


def test_the_highest_point_hits_or_misses():
    assert hit(_map((5, 5)), _target()) == 1.0
    assert hit(_map((10, 5)), _target()) == 0.0
    assert hit(_map((10, 5)), _target(), tolerance=3) == 1.0
    assert hit(_map((10, 5)), _target(), tolerance=2) == 0.0


def test_equal_heights_share_and_no_map_points_nowhere():
    assert hit(_map((5, 5), (15, 15)), _target()) == 0.5
    assert hit(_map(), _target()) == 0.0


def test_chance_is_the_lesion_s_share_of_the_lungs():
    lungs = np.zeros((20, 20), bool)
    lungs[4:8] = True
    assert chance(_target(), lungs) == pytest.approx(0.2)
    assert chance(_target(), lungs, tolerance=2) == pytest.approx(0.4)
    assert np.isnan(chance(_target(), np.zeros((20, 20), bool)))


def test_a_game_without_a_target_is_refused():
    with pytest.raises(ValueError, match="target"):
        hit(_map((5, 5)), np.zeros((20, 20), bool))
    with pytest.raises(ValueError, match="shape"):
        hit(_map((5, 5)), np.ones((3, 3), bool))
