"""Figures are drawn, and show what they are given."""

import cv2
import numpy as np
import pytest

from cxr_tf.drawing.figures import (
    ContourFilm,
    confusion_figure,
    contour_figure,
    jaccard_figure,
    roc_figure,
)


def _picture(path):
    picture = cv2.imread(str(path))
    assert picture is not None and min(picture.shape[:2]) > 200
    return picture[..., ::-1].astype(int)


def _count(picture, red, green, blue, tolerance=40):
    return np.count_nonzero(np.abs(picture - [red, green, blue]).max(axis=-1) <= tolerance)


def test_confusion_figure_grows_a_column_only_for_films_without_a_decision(tmp_path):
    decided = np.array([[5, 1, 0], [2, 7, 0]])
    refused = decided + [[0, 0, 1], [0, 0, 0]]
    confusion_figure(tmp_path / "a.png", decided, ["normal", "viral"], "test")
    confusion_figure(tmp_path / "b.png", refused, ["normal", "viral"], "test", "PHANTOM DATA")
    assert _picture(tmp_path / "b.png").shape[1] > _picture(tmp_path / "a.png").shape[1]


def test_confusion_figure_of_a_class_without_films_and_of_odd_names(tmp_path):
    confusion_figure(
        tmp_path / "a.png", np.zeros((2, 3)), ["a$b$", "_c"], "$x$ n=0", "PHANTOM DATA: $ " * 9
    )
    _picture(tmp_path / "a.png")


def test_roc_figure_draws_a_curve_for_each_class_that_has_one(tmp_path):
    probabilities = np.array([[0.8, 0.2, 0.0], [0.3, 0.7, 0.0], [0.6, 0.4, 0.0], [0.1, 0.9, 0.0]])
    roc_figure(tmp_path / "a.png", [0, 1, 0, 1], probabilities, ["a", "b", "none"], "test")
    roc_figure(tmp_path / "b.png", [], np.zeros((0, 3)), ["a", "b", "none"], "test")
    blue = (0x00, 0x72, 0xB2)
    with_curve, without = (_count(_picture(tmp_path / f), *blue) for f in ("a.png", "b.png"))
    assert with_curve > 2 * without  # the legend's line alone stands in the empty one


def test_jaccard_figure_takes_groups_of_any_size(tmp_path):
    jaccard_figure(tmp_path / "a.png", {"lung jsrt": [0.9], "heart": [0.0, 1.0, 0.5]}, "test")
    _picture(tmp_path / "a.png")


@pytest.mark.parametrize("size", [64, 256])
def test_contour_figure_shows_heart_red_lungs_blue_and_truth_green(tmp_path, size):
    grey = np.full((300, 240), 128, np.uint8)
    labels = np.zeros((256, 256), np.uint8)
    labels[40:200, 30:110], labels[40:200, 150:230], labels[120:220, 115:145] = 3, 2, 1
    truth = np.zeros((size, size), bool)
    truth[size // 8 : size // 2, size // 8 : size // 2] = True
    nothing = np.zeros((size, size), bool)
    both = ContourFilm("both", grey, labels, {"lung": truth})
    neither = ContourFilm("neither", grey, np.zeros_like(labels), {"lung": nothing})
    contour_figure(tmp_path / "a.png", [both], "test")
    contour_figure(tmp_path / "b.png", [neither], "test")
    shown, empty = _picture(tmp_path / "a.png"), _picture(tmp_path / "b.png")
    for colour in ((255, 64, 64), (72, 160, 255), (64, 255, 64)):
        assert _count(shown, *colour) > 50
        assert _count(empty, *colour) == 0
