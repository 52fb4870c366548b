"""Each run has a panel with the curves that it recorded, on scales that all share."""

import numpy as np
import pandas as pd

from cxr_tf.drawing.style import COLOURS
from cxr_tf.drawing.training_curves import draw_curves


def test_each_run_has_its_curves_over_the_epochs():
    loss = pd.Series([0.9, 0.5, 0.4], index=[1, 2, 3])
    jaccard = pd.Series([0.6, 0.8], index=[1, 3])
    histories = {
        "first": {"validation_jaccard": jaccard, "loss": loss, "rate": loss},
        "second $": {"loss": 2 * loss},
    }
    figure = draw_curves(histories, "title", "notice")
    first, second = figure.axes
    assert figure.get_suptitle() == "title\nnotice"
    assert [axes.get_title() for axes in (first, second)] == ["first", r"second \$"]
    assert [line.get_label() for line in first.lines] == ["training loss", "validation jaccard"]
    np.testing.assert_allclose(first.lines[0].get_xydata(), [[1, 0.9], [2, 0.5], [3, 0.4]])
    np.testing.assert_allclose(first.lines[1].get_xydata(), [[1, 0.6], [3, 0.8]])
    np.testing.assert_allclose(second.lines[0].get_ydata(), [1.8, 1.0, 0.8])
    # A name has its colour whatever else a run recorded.
    assert [line.get_color() for line in first.lines] == [COLOURS[0], COLOURS[4]]
    assert [text.get_text() for text in first.get_legend().get_texts()] == [
        "training loss",
        "validation jaccard",
    ]


def test_panels_share_scales_that_begin_at_zero():
    histories = {str(top): {"loss": pd.Series([top, top / 2], index=[1, 2])} for top in (1.0, 5.0)}
    limits = [axes.get_ylim() for axes in draw_curves(histories, "t").axes]
    assert limits[0] == limits[1]
    assert limits[0][0] == 0.0 and limits[0][1] >= 5.0
