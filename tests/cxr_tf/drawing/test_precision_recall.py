import numpy as np

from cxr_tf.drawing.precision_recall import draw_precision_recall

SCORES = np.array([[0.8, 0.2, 0.0], [0.3, 0.7, 0.0], [0.6, 0.4, 0.0], [0.7, 0.3, 0.0]])


def test_a_curve_for_each_class_that_has_one():
    figure = draw_precision_recall([0, 1, 0, 1], SCORES, ["a", "b$", "none"], "test")
    (axes,) = figure.axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels[0] == "a (n=2): 0.833" and labels[1].endswith(": 0.833")
    assert labels[2] == "none (n=0): undefined"
    recall, precision = axes.lines[0].get_data()
    np.testing.assert_allclose(recall, [0, 0.5, 0.5, 1, 1])
    np.testing.assert_allclose(precision, [1, 1, 0.5, 2 / 3, 0.5])
    assert list(axes.lines[1].get_ydata()) == [0.5, 0.5], "what a ranking at random has"


def test_without_films_no_curve_is_drawn():
    figure = draw_precision_recall([], np.zeros((0, 3)), ["a", "b", "none"], "test", "PHANTOM DATA")
    (axes,) = figure.axes
    assert figure.get_suptitle() == "test\nPHANTOM DATA"
    assert all(len(line.get_xdata()) == 0 for line in axes.lines) and len(axes.lines) == 3
