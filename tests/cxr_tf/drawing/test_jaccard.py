"""Every film's similarity is a point over its group, under lines at the quartiles."""

import numpy as np
from matplotlib.collections import LineCollection

from cxr_tf.drawing.jaccard import draw_jaccard


def test_points_and_quartiles_stand_over_their_groups():
    values = {"lung jsrt": [0.9], "heart $": [0.3, 1.0, 0.5, 0.4, 0.7]}
    figure = draw_jaccard(values, "title", "notice")
    (axes,) = figure.axes
    assert figure.get_suptitle() == "title\nnotice"
    assert axes.get_ylabel() == "Jaccard similarity"
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["lung jsrt\nn=1", "heart \\$\nn=5"]
    collections = list(axes.collections)
    for index, (points, lines, group) in enumerate(
        zip(collections[::2], collections[1::2], values.values(), strict=True)
    ):
        places, heights = np.asarray(points.get_offsets()).T
        np.testing.assert_allclose(heights, group)
        assert np.abs(places - index).max() <= 0.3
        assert isinstance(lines, LineCollection)
        levels = [segment[:, 1] for segment in lines.get_segments()]
        np.testing.assert_allclose(np.ptp(levels, axis=1), 0)
        np.testing.assert_allclose(np.mean(levels, axis=1), np.quantile(group, [0.25, 0.5, 0.75]))
        low, middle, high = np.ravel(lines.get_linewidth())
        assert middle > low == high


def test_no_point_falls_out_of_the_frame():
    for lowest in (0.0, 0.02, 0.8):
        bottom, top = draw_jaccard({"a": [lowest, 1.0]}, "t").axes[0].get_ylim()
        assert 0.0 <= bottom <= lowest and top > 1.0
