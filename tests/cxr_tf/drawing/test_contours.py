"""Outlines run around the parts of the heart, the lungs and the true masks, in their colours."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from cxr_tf.drawing.contours import ContourFilm, draw_contours
from cxr_tf.drawing.style import HEART_COLOUR, LUNGS_COLOUR, TRUTH_COLOUR, figure_pixels

GREY = np.linspace(0, 255, 300 * 240).reshape(300, 240).astype(np.uint8)


def _boxes(axes):
    """Colour and (top, bottom, left, right) of each outline."""
    found = []
    for outline in axes.collections:
        (corners,) = [path.vertices for path in outline.get_paths()]
        columns, rows = corners.T
        colour = to_hex(outline.get_edgecolor()[0])
        found.append((colour, (rows.min(), rows.max(), columns.min(), columns.max())))
    return found


def _count(pixels, colour):
    """Pixels that are nearly of a colour."""
    rgb = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return np.count_nonzero(np.abs(pixels.astype(int) - rgb).max(axis=-1) <= 40)


@pytest.mark.parametrize("size", [60, 300])
def test_outlines_surround_what_was_found_and_what_is_true(size):
    labels = np.zeros((600, 480), np.uint8)  # twice the film in rows and columns
    labels[80:400, 60:220], labels[80:400, 300:460], labels[420:500, 230:290] = 3, 2, 1
    truth = np.zeros((size, size * 4 // 5), bool)
    truth[size // 5 : size // 2, size // 5 : size // 2] = True
    figure = draw_contours([ContourFilm("a $ film", GREY, labels, {"lung": truth})], "t", "n")
    (axes,) = figure.axes
    assert figure.get_suptitle() == "t\nn"
    assert figure.get_supxlabel() == "found: heart red, lungs blue; true: green"
    assert axes.get_title() == r"a \$ film"
    np.testing.assert_array_equal(axes.images[0].get_array(), GREY)
    expected = [
        (TRUTH_COLOUR, (60, 150, 60, 150)),
        (HEART_COLOUR, (210, 250, 115, 145)),
        (LUNGS_COLOUR, (40, 200, 150, 230)),
        (LUNGS_COLOUR, (40, 200, 30, 110)),
    ]
    found = _boxes(axes)
    assert [colour for colour, _ in found] == [colour for colour, _ in expected]
    for (_, box), (_, wanted) in zip(found, expected, strict=True):
        np.testing.assert_allclose(box, wanted, atol=1)  # between the last pixel and the next
    pixels = figure_pixels(figure)
    assert all(_count(pixels, colour) > 50 for colour in (TRUTH_COLOUR, HEART_COLOUR, LUNGS_COLOUR))


def test_films_stand_beside_each_other_and_nothing_found_is_no_outline():
    nothing, everything = np.zeros((64, 64), np.uint8), np.full((64, 64), 2, np.uint8)
    films = [
        ContourFilm("nothing", GREY, nothing, {"lung": nothing.astype(bool)}),
        ContourFilm("everything", GREY, everything, {"lung": everything.astype(bool)}),
    ]
    axes = draw_contours(films, "t").axes
    assert [place.get_title() for place in axes] == ["nothing", "everything"]
    assert [len(place.collections) for place in axes] == [0, 0]
