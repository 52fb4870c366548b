"""Maps lie over their films, row by row, on the scale from 0 to 1."""

import numpy as np

from cxr_tf.drawing.overlays import cover_with_saliency, draw_outlines
from cxr_tf.drawing.saliency import SaliencyFilm, draw_saliency


def _film(title, strength):
    grey = np.full((120, 100), 90, np.uint8)
    labels = np.zeros((256, 256), np.uint8)
    labels[60:200, 40:110] = 3
    saliency = np.zeros((256, 256), np.float32)
    saliency[100:150, 60:100] = strength
    return SaliencyFilm(title, grey, labels, saliency)


def test_films_stand_in_their_rows_under_their_titles():
    rows = [[_film("a", 1.0), _film("b", 0.5)], [_film("c $", 0.1)]]
    figure = draw_saliency(rows, "title", "notice")
    assert figure.get_suptitle() == "title\nnotice"
    shown = {
        axes.get_subplotspec().rowspan.start * 2 + axes.get_subplotspec().colspan.start: axes
        for axes in figure.axes
    }
    assert [shown[place].get_title() for place in range(4)] == ["a", "b", r"c \$", ""]
    assert [len(shown[place].images) for place in range(4)] == [1, 1, 1, 0]
    assert not any(axes.axison for axes in figure.axes)


def test_a_film_is_covered_by_its_map_and_outlined():
    film = _film("a", 1.0)
    (image,) = draw_saliency([[film]], "t").axes[0].images
    expected = cover_with_saliency(np.repeat(film.grey[..., None], 3, axis=2), film.saliency)
    draw_outlines(expected, film.labels)
    np.testing.assert_array_equal(image.get_array(), expected)


def test_a_weaker_map_is_not_stretched_to_the_scale():
    strong, weak = draw_saliency([[_film("a", 1.0), _film("b", 0.2)]], "t").axes
    colours = [axes.images[0].get_array()[58, 31].astype(int) for axes in (strong, weak)]
    assert colours[0].argmax() == 0 and colours[1].argmax() == 2  # red is 1, blue is little
