"""ROC curves run through the points of the scores, and legends name their areas."""

import numpy as np

from cxr_tf.drawing.roc import draw_roc
from cxr_tf.drawing.style import COLOURS

#: Of class a the films score 0.8, 0.6 (its own) and 0.7, 0.1 (the rest): three of four pairs are
#: in order. No film is of the third class.
TRUTH = [0, 1, 0, 1]
PROBABILITIES = np.array([[0.8, 0.2, 0.0], [0.7, 0.3, 0.0], [0.6, 0.4, 0.0], [0.1, 0.9, 0.0]])


def _legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_each_class_has_its_curve_with_its_area():
    figure = draw_roc(TRUTH, PROBABILITIES, ["a", "b", "none"], "title", "notice")
    (axes,) = figure.axes
    assert figure.get_suptitle() == "title\nnotice"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("1 - specificity", "sensitivity")
    assert _legend(axes) == ["a (n=2): 0.750", "b (n=2): 0.750", "none (n=0): undefined"]
    chance, *curves = axes.lines
    np.testing.assert_array_equal(chance.get_xydata(), [[0, 0], [1, 1]])
    assert [line.get_color() for line in curves] == list(COLOURS[:3])
    corners = [[0, 0], [0, 0.5], [0.5, 0.5], [0.5, 1], [1, 1]]
    for curve in curves[:2]:
        np.testing.assert_allclose(curve.get_xydata(), corners)
    assert len(curves[2].get_xydata()) == 0


def test_curves_that_cover_each_other_stay_visible():
    axes = draw_roc(TRUTH, PROBABILITIES, ["a", "b", "none"], "t").axes[0]
    _, first, second, _ = axes.lines
    assert first.get_linewidth() > second.get_linewidth()


def test_without_films_no_curve_is_drawn():
    axes = draw_roc([], np.zeros((0, 2)), ["a", "b"], "t").axes[0]
    assert _legend(axes) == ["a (n=0): undefined", "b (n=0): undefined"]
    assert all(len(line.get_xydata()) == 0 for line in axes.lines[1:])
