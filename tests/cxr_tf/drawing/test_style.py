"""What all figures share: heading, text that is safe to draw, and files that are whole."""

import cv2
import numpy as np
import pytest

from cxr_tf.drawing.style import figure_pixels, new_figure, plain_text, write_figure


def test_the_heading_holds_title_and_notice_wrapped_to_the_width():
    figure = new_figure(2, 2, "one two three four five six", "PHANTOM DATA")
    assert figure.get_suptitle().splitlines() == ["one two three four", "five six", "PHANTOM DATA"]


def test_text_is_drawn_as_it_stands():
    assert plain_text("$x$_1") == r"\$x\$_1"
    assert plain_text("film\udcff") == r"film\udcff"
    # Mathematics left open would fail while drawing.
    figure_pixels(new_figure(2, 2, "$ a \\frac$ $\udcff", "$$"))


def test_a_figure_is_written_in_its_own_resolution_and_shown_in_another(tmp_path):
    figure = new_figure(3, 2, "test", "", dpi=120)
    write_figure(tmp_path / "a.png", figure)
    assert cv2.imread(str(tmp_path / "a.png")).shape == (240, 360, 3)
    pixels = figure_pixels(figure, dpi=50)
    assert pixels.shape == (100, 150, 3) and pixels.dtype == np.uint8
    assert pixels.min() < 128 < pixels.max()  # the heading stands on white


def test_a_figure_that_cannot_be_written_leaves_the_earlier_file(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"earlier")
    figure = new_figure(2, 2, "test", "")
    monkeypatch.setattr(figure, "savefig", lambda fresh: fresh.write_bytes(b"half") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_figure(path, figure)
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    assert path.read_bytes() == b"earlier"
