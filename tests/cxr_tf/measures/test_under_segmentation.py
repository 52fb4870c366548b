import math

import cv2
import numpy as np
import pytest

from cxr_tf.measures.under_segmentation import LIMIT, hull_area, hull_deficit, under_segmentation


def lungs(left=slice(20, 80), right=slice(20, 80)):
    """Two rectangles of 30 columns."""
    labels = np.zeros((100, 100), np.uint8)
    labels[left, 60:90] = 2
    labels[right, 10:40] = 3
    return labels


def test_a_hull_is_counted_in_pixels():
    mask = np.zeros((20, 20), bool)
    mask[2:12, 3:8] = True
    assert hull_area(mask) == 50
    mask[4:10, 5:8] = False  # a dent does not change the hull
    assert hull_area(mask) == 50
    assert hull_area(np.zeros((4, 4), bool)) == 0


def test_the_share_missed_is_that_computed_by_hand():
    assert under_segmentation(lungs()) == 0
    halved = lungs(left=slice(20, 50))
    assert under_segmentation(halved) == pytest.approx(1 - 2700 / (2 * 0.85 * 1800))
    lost = lungs(left=slice(0, 0))
    assert under_segmentation(lost) == pytest.approx(1 - 1800 / (2 * 0.85 * 1800))
    assert under_segmentation(lost) > LIMIT


def test_a_lost_lung_shows_here_and_not_in_the_hull_alone():
    lost = lungs(left=slice(0, 0))
    assert hull_deficit(lost) == 0 < LIMIT < under_segmentation(lost)


def test_a_dent_shows_in_both():
    dented = lungs()
    dented[30:70, 10:40] = 0
    assert hull_deficit(dented) == pytest.approx(1200 / 3600)
    assert under_segmentation(dented) == pytest.approx(1 - 2400 / (2 * 0.85 * 1800))


def test_without_lungs_there_is_no_answer():
    empty = np.zeros((8, 8), np.uint8)
    assert math.isnan(under_segmentation(empty)) and math.isnan(hull_deficit(empty))


def test_true_masks_are_never_flagged(research_data):
    folder = research_data / "seg" / "jsrt"
    worst = 0.0
    for path in sorted((folder / "masks_left_lung").glob("*.png"))[::4]:
        labels = np.zeros((256, 256), np.uint8)
        for value, side in ((2, "left"), (3, "right")):
            mask = cv2.imread(str(folder / f"masks_{side}_lung" / path.name), 0)
            labels[cv2.resize(mask, (256, 256), interpolation=cv2.INTER_NEAREST) > 0] = value
        worst = max(worst, under_segmentation(labels))
    assert worst < LIMIT
