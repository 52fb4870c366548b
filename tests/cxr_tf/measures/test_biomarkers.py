"""Biomarkers against values computed by hand on small label maps."""

import math

import numpy as np
import pytest

from cxr_tf.measures.biomarkers import (
    FIGURES,
    Line,
    biomarkers,
    cardiothoracic_lines,
    largest_component,
    widest,
)


def chest():
    """Two lungs of 10 x 4 and a heart of 4 x 5, on 20 x 20."""
    labels = np.zeros((20, 20), np.uint8)
    labels[4:14, 2:6] = 3
    labels[4:14, 12:16] = 2
    labels[9:13, 7:12] = 1
    return labels


def test_every_figure_is_that_computed_by_hand():
    film = np.full((20, 20), 255.0)
    film[4:14, 2:6] = 51.0  # right lung 0.2, left lung 0.6, heart 0.8
    film[4:14, 12:16] = 153.0
    film[9:13, 7:12] = 204.0
    found = biomarkers(film, chest())
    assert found.lung_mean == pytest.approx(0.4)
    assert found.lung_sd == pytest.approx(0.2)
    assert found.heart_mean == pytest.approx(0.8)
    assert (found.heart_width, found.thorax_width) == (5, 14)
    assert found.cardiothoracic_ratio == pytest.approx(5 / 14)
    assert (found.heart_area, found.left_lung_area) == (20 / 400, 40 / 400)
    assert found.right_lung_area == 40 / 400 and found.asymmetry == 0
    assert found.under_segmentation == 0  # a rectangle fills more of its hull than a lung
    assert found.reason == ""


def test_asymmetry_is_positive_where_the_right_lung_is_larger():
    labels = chest()
    labels[4:9, 12:16] = 0
    assert biomarkers(np.ones((20, 20)), labels).asymmetry == pytest.approx((40 - 20) / 60)


def test_widths_are_those_of_the_largest_components():
    labels = chest()
    labels[0, 0] = 3
    labels[0, 19] = 2
    labels[18, 18] = labels[8, 6] = 1  # apart, and touching at a corner only
    heart, thorax = cardiothoracic_lines(labels)
    assert heart == Line(row=10, first=7, last=11) and heart.length == 5
    assert thorax == Line(row=8, first=2, last=15) and thorax.length == 14


def test_a_line_stands_between_the_rows_of_its_ends():
    mask = np.zeros((9, 9), bool)
    mask[2, 1:5] = mask[2:7, 4] = mask[6, 4:8] = True
    assert widest(mask) == Line(row=4, first=1, last=7)
    assert widest(np.zeros((3, 3), bool)) is None


def test_pixels_that_meet_at_corners_are_apart():
    mask = np.eye(4, dtype=bool)
    mask[3, 2] = True
    assert largest_component(mask).sum() == 3
    assert not largest_component(np.zeros((4, 4), bool)).any()


@pytest.mark.parametrize(
    ("gone", "reason", "missing"),
    [
        ((1,), "no heart", {"heart_mean", "cardiothoracic_ratio", "heart_width"}),
        ((2,), "no left lung", {"cardiothoracic_ratio", "thorax_width"}),
        ((3,), "no right lung", {"cardiothoracic_ratio", "thorax_width"}),
        (
            (1, 2, 3),
            "no heart, no left lung, no right lung",
            set(FIGURES) - {"heart_area", "left_lung_area", "right_lung_area"},
        ),
    ],
)
def test_a_missing_part_is_nan_with_a_reason(gone, reason, missing):
    labels = chest()
    labels[np.isin(labels, gone)] = 0
    found = biomarkers(np.full((20, 20), 100.0), labels)
    assert found.reason == reason
    assert {name for name in FIGURES if math.isnan(getattr(found, name))} == missing


def test_film_and_map_must_fit():
    with pytest.raises(ValueError, match="differ in shape"):
        biomarkers(np.zeros((4, 4)), np.zeros((5, 4), np.uint8))
