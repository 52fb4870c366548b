"""Zones of the lungs and shares of a map, on maps made by hand."""

import numpy as np
import pytest

from cxr_tf.measures.zones import DEPTHS, HEIGHTS, SIDES, area_shares, map_shares, zone_masks

SIZE = 256


def _labels():
    """The right lung in the left half of the frame, 90 rows; the left lung lower, 60 rows."""
    labels = np.zeros((SIZE, SIZE), np.uint8)
    labels[50:140, 40:80] = 3
    labels[80:140, 150:190] = 2
    labels[100:130, 90:150] = 1
    return labels


def test_each_division_covers_the_lungs_once():
    labels = _labels()
    zones = zone_masks(labels)
    for names in (HEIGHTS, DEPTHS, SIDES):
        assert np.array_equal(sum(zones[name].astype(int) for name in names), labels >= 2)


def test_heights_are_thirds_of_each_lung_s_own_rows():
    zones = zone_masks(_labels())
    for name, right, left in (
        ("upper", (50, 80), (80, 100)),
        ("middle", (80, 110), (100, 120)),
        ("lower", (110, 140), (120, 140)),
    ):
        for side, (first, end) in (("right", right), ("left", left)):
            rows = np.flatnonzero((zones[name] & zones[side]).any(axis=1))
            assert (rows[0], rows[-1] + 1) == (first, end)


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_half_away_from_the_other_lung_is_peripheral(mirrored):
    labels = _labels()
    zones = zone_masks(labels[:, ::-1] if mirrored else labels)
    outer = zones["peripheral"][:, ::-1] if mirrored else zones["peripheral"]
    assert np.array_equal(np.flatnonzero(outer[60]), np.arange(40, 60))
    assert np.array_equal(np.flatnonzero(outer[90]), [*range(40, 60), *range(170, 190)])


def test_one_lung_lies_off_the_middle_of_the_frame_and_an_odd_row_s_middle_is_central():
    labels = np.zeros((SIZE, SIZE), np.uint8)
    labels[10:20, 30:35] = 3
    zones = zone_masks(labels)
    assert np.flatnonzero(zones["peripheral"][15]).tolist() == [30, 31]
    assert np.flatnonzero(zones["central"][15]).tolist() == [32, 33, 34]
    assert not zones["left"].any()


def test_shares_of_a_map_made_by_hand():
    labels, saliency = _labels(), np.zeros((SIZE, SIZE), np.float32)
    saliency[60, 45] = 0.5  # right, upper, peripheral
    saliency[130, 75] = 0.25  # right, lower, central
    saliency[130, 185] = 0.25  # left, lower, peripheral
    saliency[0, 0] = 1.0  # outside
    shares = map_shares(saliency, labels)
    assert shares == pytest.approx({
        "lungs": 0.5, "upper": 0.5, "middle": 0.0, "lower": 0.5, "central": 0.25,
        "peripheral": 0.75, "left": 0.25, "right": 0.75,
    })  # fmt: skip


def test_an_even_map_has_the_shares_of_the_areas():
    labels = _labels()
    areas = area_shares(labels)
    assert areas == pytest.approx(map_shares(np.full(labels.shape, 0.3, np.float32), labels))
    assert areas["left"] == pytest.approx(60 / 150)
    assert areas["lungs"] == pytest.approx(150 * 40 / SIZE**2)
    assert areas["upper"] == pytest.approx(1 / 3) and areas["central"] == pytest.approx(0.5)


def test_what_has_no_share_is_nan():
    empty = map_shares(np.zeros((SIZE, SIZE), np.float32), _labels())
    assert all(np.isnan(share) for share in empty.values())
    nowhere = map_shares(np.ones((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE), np.uint8))
    assert nowhere["lungs"] == 0.0 and np.isnan(nowhere["upper"])
    with pytest.raises(ValueError, match="shape"):
        map_shares(np.ones((2, 2), np.float32), _labels())
