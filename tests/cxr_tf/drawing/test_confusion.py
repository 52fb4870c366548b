"""The confusion matrix that is drawn is the one that was counted."""

import numpy as np

from cxr_tf.drawing.confusion import draw_confusion
from cxr_tf.drawing.style import figure_pixels


def _labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def _cells(axes):
    """Text and colour by place (row, column)."""
    return {
        (int(text.get_position()[1]), int(text.get_position()[0])): (
            text.get_text(),
            text.get_color(),
        )
        for text in axes.texts
    }


def test_cells_show_counts_and_shares_of_the_row_and_are_coloured_by_them():
    figure = draw_confusion([[6, 2, 0], [1, 3, 0]], ["normal", "viral"], "title", "notice")
    (axes,) = figure.axes
    assert figure.get_suptitle() == "title\nnotice"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("decided", "true")
    assert _labels(axes.xaxis) == ["normal", "viral"]
    assert _labels(axes.yaxis) == ["normal (n=8)", "viral (n=4)"]
    assert _cells(axes) == {
        (0, 0): ("6\n75 %", "white"),
        (0, 1): ("2\n25 %", "black"),
        (1, 0): ("1\n25 %", "black"),
        (1, 1): ("3\n75 %", "white"),
    }
    (image,) = axes.images
    np.testing.assert_allclose(image.get_array(), [[0.75, 0.25], [0.25, 0.75]])
    assert image.get_clim() == (0, 1)


def test_films_without_a_decision_get_a_column_only_where_there_are_any():
    decided = np.array([[5, 1, 0], [2, 7, 0]])
    refused = decided + [[0, 0, 2], [0, 0, 0]]
    without, with_column = (draw_confusion(c, ["a", "b"], "t") for c in (decided, refused))
    assert _labels(without.axes[0].xaxis) == ["a", "b"]
    assert _labels(with_column.axes[0].xaxis) == ["a", "b", "no decision"]
    assert _labels(with_column.axes[0].yaxis) == ["a (n=8)", "b (n=9)"]
    cells = _cells(with_column.axes[0])
    assert cells[0, 2][0] == "2\n25 %" and cells[1, 2][0] == "0\n0 %"
    assert with_column.get_size_inches()[0] > without.get_size_inches()[0]


def test_a_class_without_films_has_no_shares_and_odd_names_are_drawn():
    figure = draw_confusion(np.zeros((2, 3)), ["a$b$", "_c"], "$x$ n=0", "$ " * 9)
    assert [text for text, _ in _cells(figure.axes[0]).values()] == ["-"] * 4
    assert _labels(figure.axes[0].yaxis) == [r"a\$b\$ (n=0)", "_c (n=0)"]
    figure_pixels(figure)  # as mathematics, these names would fail
