import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxr_tf.drawing.overlays import (
    HEART_RGB,
    LUNGS_RGB,
    colour_saliency,
    display_grey,
    overlay_names,
    render_overlay,
    write_png,
)


def film(height=300, width=400):
    rows, columns = np.mgrid[:height, :width]
    return ((rows * 50 + columns * 60) % 65536).astype(np.uint16)


def mask():
    labels = np.zeros((256, 256), np.uint8)
    labels[60:200, 150:220] = 2
    labels[60:200, 30:100] = 3
    labels[120:200, 110:170] = 1
    return labels


def where(picture, colour):
    return np.argwhere((picture == np.array(colour, np.uint8)).all(-1))


def test_names_are_unique_and_do_not_depend_on_the_order():
    paths = ["a/x.png", "b/x.dcm", "c/X.png", "y.png", "a/x.png"]
    names = overlay_names(paths)
    assert len({name.casefold() for name in names}) == 5
    assert names[3] == "y.png"
    assert dict(zip(paths[1:4], names[1:4], strict=True)) == dict(
        zip(paths[3:0:-1], overlay_names(paths[::-1])[1:4], strict=True)
    )


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), max_size=12))
def test_names_are_unique_and_safe_for_any_path(paths):
    names = overlay_names(paths)
    assert len({name.casefold() for name in names}) == len(paths)
    for name in names:
        assert name.isascii() and "/" not in name and "\0" not in name and len(name) < 130


def test_display_keeps_proportions_and_ignores_padding():
    pixels = film(300, 900)
    grey = display_grey(pixels, side=300)
    assert grey.shape == (100, 300)
    framed = np.full((300, 900), 65535, np.uint16)
    framed[:, 300:600] = 1000 + film(300, 300) % 50
    shown = display_grey(framed, padding=65535, side=300)
    assert not shown[:, :95].any() and not shown[:, 205:].any()
    assert np.ptp(shown[:, 105:195]) == 255  # the film's own levels fill the screen's range


@pytest.mark.parametrize("levels", [3, 300, 65536])
@pytest.mark.parametrize("padded", [False, True])
def test_display_spreads_between_percentiles_and_centres_the_median(levels, padded):
    """As NumPy finds them among the pixels; here they are found among the levels."""
    generator = np.random.default_rng(levels)
    for _ in range(20):
        pixels = generator.integers(0, levels, generator.integers(1, 40, 2)).astype(np.uint16)
        padding = int(pixels[0, 0]) if padded else -1
        grey = display_grey(pixels, padding, side=max(pixels.shape))
        kept = pixels != padding if padded else np.ones(pixels.shape, bool)
        if not kept.any():
            assert not grey.any()
            continue
        low, high = np.percentile(pixels[kept].astype(np.float64), (0.5, 99.5))
        spread = np.clip((pixels - low) / max(high - low, 1.0), 0.0, 1.0)
        median = np.clip(np.median(spread[kept]), 0.01, 0.99)
        gamma = np.clip(np.log(0.5) / np.log(median), 0.4, 2.5)
        expected = np.where(kept, 255.0 * spread**gamma, 0.0)
        assert np.abs(grey - expected).max() <= 1.0


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 3)])
def test_display_of_odd_shapes_and_constant_films(shape):
    grey = display_grey(np.full(shape, 7, np.uint16))
    assert grey.dtype == np.uint8 and min(grey.shape) >= 1 and not grey.any()
    assert not display_grey(np.full(shape, 7, np.uint16), padding=7).any()


def test_saliency_colours_are_on_a_fixed_scale():
    weak, _ = colour_saliency(np.full((2, 2), 0.3, np.float32))
    mixed, opacity = colour_saliency(np.array([[0.0, 0.3], [0.6, 1.0]], np.float32))
    assert (weak == mixed[0, 1]).all()  # 0.3 looks the same whatever stands beside it
    assert opacity[0, 0] == 0 and opacity[1, 0] == opacity[1, 1] == np.float32(0.65)
    assert mixed[1, 1, 0] > mixed[1, 1, 2]  # the strongest is red, not blue


def test_overlay_draws_the_mask_where_it_lies():
    picture = render_overlay(film(), mask(), None, title="t", caption="c")
    head = picture.shape[0] - 480  # 300 x 400 shown as 480 x 640
    assert picture.shape[1:] == (640, 3)
    heart, lungs = where(picture, HEART_RGB), where(picture, LUNGS_RGB)
    scale = np.array([480 / 256, 640 / 256])
    for found, first, last in (
        (heart, (120, 110), (200, 170)),
        (lungs, (60, 30), (200, 220)),
    ):
        assert np.abs(found.min(0) - (np.array(first) * scale + [head, 0])).max() <= 3
        assert np.abs(found.max(0) - (np.array(last) * scale + [head, 0])).max() <= 3
    inside = picture[head + 260, 220]  # the middle of the heart stays film
    assert inside[0] == inside[1] == inside[2]


def test_overlay_shows_saliency_beside_the_film_only_where_there_is_some():
    saliency = np.zeros((256, 256), np.float32)
    saliency[100:130, 50:80] = 1.0
    blank = np.zeros((256, 256), np.uint8)
    picture = render_overlay(film(), blank, saliency, title="t", caption="c")
    body = picture[-480:].astype(int)
    left, right = body[:, :640], body[:, 640:1280]
    assert (left.max(-1) == left.min(-1)).all()
    rows, columns = np.nonzero(right.max(-1) != right.min(-1))
    assert abs(rows.min() - 100 / 256 * 480) < 4 and abs(columns.max() - 80 / 256 * 640) < 4
    changed = right[120 * 480 // 256, 65 * 640 // 256]
    assert changed[0] > changed[2]
    assert np.array_equal(right[400:], left[400:])


def test_header_has_the_notice_and_a_line_more_for_a_warning():
    options = dict(title="x" * 500, caption="ü [b] %s")
    plain = render_overlay(film(), mask(), None, **options)
    warned = render_overlay(film(), mask(), None, warning="PHANTOM MODEL", **options)
    assert warned.shape[0] == plain.shape[0] + 24
    assert plain[:24].max() > 200 and not plain[:, -9:][:24].any()
    assert np.array_equal(warned[:24], plain[:24])
    warning = warned[24:48].reshape(-1, 3)
    bright = warning[warning[:, 0] > 200]
    assert len(bright) and (bright[:, 2] < 150).all()  # orange


def test_png_is_written_whole_and_in_the_right_colours(tmp_path):
    picture = np.zeros((4, 5, 3), np.uint8)
    picture[..., 0] = 200
    write_png(tmp_path / "ä.png", picture)
    read = cv2.imdecode(np.fromfile(tmp_path / "ä.png", np.uint8), cv2.IMREAD_COLOR)
    assert (read[..., 2] == 200).all() and not read[..., :2].any()
    assert [path.name for path in tmp_path.iterdir()] == ["ä.png"]
    with pytest.raises(OSError):
        write_png(tmp_path / "gone" / "a.png", picture)
