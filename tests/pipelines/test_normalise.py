import cv2
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipelines.normalise import (
    BLANK_SPREAD,
    LEVELS,
    NO_PADDING,
    content_box,
    limit_resolution,
    normalise,
    resize,
    table_from_histogram,
)
from tests.equalisation import counted, equalisation_table, equalised
from tests.protocol import check_op

FEW = settings(max_examples=40, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)


def plain_film(seed, height=24, width=30, levels=256):
    """Grey levels of 8 bit whose corners keep every outer row and column from being blank."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.3, 4, 2)
    film = rng.beta(a, b, (height, width)) * (levels - 1)
    film = np.rint(film).astype(np.int64)
    film[[0, -1], [0, -1]] = 0
    film[[0, -1], [-1, 0]] = levels - 1
    return film


def full_range(film):
    return (film * 257).astype(np.uint16)


def plain_box(pixels):
    """The definition in plain words: outer rows, then outer columns, until nothing changes."""
    top, left = 0, 0
    bottom, right = pixels.shape

    def blank(line):
        return int(line.max()) - int(line.min()) <= BLANK_SPREAD

    while True:
        before = top, left, bottom, right
        while top < bottom and blank(pixels[top, left:right]):
            top += 1
        while top < bottom and blank(pixels[bottom - 1, left:right]):
            bottom -= 1
        while top < bottom and left < right and blank(pixels[top:bottom, left]):
            left += 1
        while top < bottom and left < right and blank(pixels[top:bottom, right - 1]):
            right -= 1
        if (top, left, bottom, right) == before or top == bottom or left == right:
            return top, left, bottom, right


def plain_table(levels):
    """e(v) of the levels of some pixels, by sorting."""
    levels = np.sort(levels.ravel())
    cdf = np.searchsorted(levels, np.arange(LEVELS), side="right")
    least = np.count_nonzero(levels == levels[0])
    return 255 * np.clip((cdf - least) / (len(levels) - least), 0, 1)


# Equalisation.


@FEW
@given(SEEDS, st.integers(2, 40), st.integers(2, 40))
def test_eight_bit_films_without_border_are_equalised_as_by_opencv(seed, height, width):
    film = plain_film(seed, height, width)
    table = equalisation_table(full_range(film)).numpy()
    theirs = cv2.equalizeHist(film.astype(np.uint8))
    assert np.abs(np.rint(table[film * 257]) - theirs).max() <= 1


@FEW
@given(SEEDS)
def test_the_table_is_that_of_sorted_pixels(seed):
    film = np.random.default_rng(seed).integers(0, LEVELS, (9, 11)).astype(np.uint16)
    assume(plain_box(film) == (0, 0, 9, 11))
    table = equalisation_table(film).numpy()
    np.testing.assert_allclose(table, plain_table(film), rtol=0, atol=1e-10)
    assert np.all(np.diff(table) >= 0)
    assert table.min() == 0
    assert table.max() == 255


@FEW
@given(SEEDS, st.integers(2, 256))
def test_strictly_increasing_recodings_agree(seed, levels):
    film = plain_film(seed, 40, 40, levels)
    rng = np.random.default_rng(seed + 1)
    # Lowest and highest level stay the ends of the range, so that the corners stay corners.
    between = rng.choice(np.arange(1, LEVELS - 1), levels - 2, replace=False)
    recoding = np.array([0, *np.sort(between), LEVELS - 1])
    even = np.rint(np.linspace(0, LEVELS - 1, levels)).astype(np.int64)
    (first,), _ = normalise(even[film].astype(np.uint16), sizes=(32,))
    (second,), _ = normalise(recoding[film].astype(np.uint16), sizes=(32,))
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-3)


@FEW
@given(SEEDS, st.integers(2, 64), st.integers(0, 200))
def test_quantised_films_differ_by_at_most_the_largest_merged_bin(seed, step, dark):
    film = plain_film(seed)
    # A dark ground of any size, as collimated films have it.
    film.ravel()[np.random.default_rng(seed).integers(1, film.size - 1, dark)] = 0
    film[[0, -1], [-1, 0]] = 255
    quantised = np.minimum(film // step * step, 255)
    quantised[[0, -1], [-1, 0]] = 255  # not blank however coarse the step is
    merged = [
        np.count_nonzero(quantised == level)
        for level in np.unique(quantised)
        if len(np.unique(film[quantised == level])) > 1
    ]
    before = equalisation_table(full_range(film)).numpy()[film * 257]
    after = equalisation_table(full_range(quantised)).numpy()[quantised * 257]
    difference = np.abs(before - after).max()
    largest, total = max(merged, default=0), film.size
    lowest = np.count_nonzero(film == film.min())
    # N counts the pixels above the lowest level, over which e(v) rises from 0 to 255.
    assert difference <= 255 * largest / (total - lowest) + 1e-9
    if largest * lowest <= total:
        assert difference <= 255 * largest / total + 1e-9


@FEW
@given(st.dictionaries(st.integers(0, LEVELS - 1), st.integers(1, 64_000_000), min_size=2))
def test_large_counts_do_not_overflow(levels):
    counts = np.zeros(LEVELS, np.int64)
    counts[list(levels)] = list(levels.values())
    table = table_from_histogram(counts).numpy()
    lowest, total, cdf = levels[min(levels)], sum(levels.values()), 0
    for level in sorted(levels):
        cdf += levels[level]  # Python's integers have no end
        expected = 255 * (cdf - lowest) / (total - lowest)
        assert abs(table[level] - expected) <= 1e-9
    assert np.all(np.diff(table) >= 0)


def test_the_table_of_64_megapixels_on_every_level():
    counts = np.full(LEVELS, 64_000_000 // LEVELS, np.int64)
    counts[-1] = 64_000_000
    table = check_op(table_from_histogram, counts)
    assert table.dtype == tf.float64
    expected = 255 * np.arange(LEVELS - 1) / (LEVELS - 2 + 64_000_000 / counts[0])
    np.testing.assert_allclose(table[:-1], expected, rtol=1e-12)
    assert table[-1] == 255


def test_counts_beyond_32_bits_in_all():
    table = table_from_histogram(np.full(LEVELS, 64_000_000)).numpy()
    np.testing.assert_allclose(table, 255 * np.arange(LEVELS) / (LEVELS - 1), rtol=1e-12)


@pytest.mark.parametrize("counts", [{}, {0: 5}, {900: 64_000_000}, {LEVELS - 1: 1}])
def test_fewer_than_two_levels_give_a_table_of_zeros(counts):
    histogram = np.zeros(LEVELS, np.int64)
    histogram[list(counts)] = list(counts.values())
    np.testing.assert_array_equal(table_from_histogram(histogram), np.zeros(LEVELS))


def test_gamma_is_the_square_root():
    film = full_range(plain_film(3))
    found, constant = equalised(film)
    table = equalisation_table(film).numpy()
    np.testing.assert_allclose(found, 255 * np.sqrt(table[film] / 255), rtol=0, atol=1e-4)
    assert not constant
    assert found.dtype == tf.float32


# Border and padding.

WIDTHS = st.tuples(*[st.integers(0, 9)] * 4)


@FEW
@given(SEEDS, WIDTHS, st.integers(0, LEVELS - 1), st.sampled_from([0, 1, BLANK_SPREAD]))
def test_a_frame_leaves_box_and_values_of_the_interior_unchanged(seed, widths, level, spread):
    interior = full_range(plain_film(seed))
    top, left, bottom, right = widths
    shape = (top + 24 + bottom, left + 30 + right)
    level = min(level, LEVELS - 1 - spread)
    film = np.random.default_rng(seed).integers(level, level + spread + 1, shape)
    film = film.astype(np.uint16)
    film[top : top + 24, left : left + 30] = interior
    assert content_box(film).numpy().tolist() == [top, left, top + 24, left + 30]
    framed, constant = equalised(film)
    alone, _ = equalised(interior)
    np.testing.assert_array_equal(framed[top : top + 24, left : left + 30], alone)
    assert not constant


@FEW
@given(SEEDS, WIDTHS, WIDTHS)
def test_frames_within_frames_are_peeled(seed, inner, outer):
    film = full_range(plain_film(seed))
    for widths, level in ((inner, 40_000), (outer, 7)):
        film = np.pad(film, [widths[:2], widths[2:]], constant_values=level)
    top, left = inner[0] + outer[0], inner[2] + outer[2]
    assert content_box(film).numpy().tolist() == [top, left, top + 24, left + 30]


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.data())
def test_the_box_is_that_of_peeling_one_line_after_the_other(height, width, data):
    levels = st.sampled_from([0, BLANK_SPREAD, BLANK_SPREAD + 1, LEVELS - 1])
    film = data.draw(st.lists(levels, min_size=height * width, max_size=height * width))
    film = np.array(film, np.uint16).reshape(height, width)
    top, left, bottom, right = content_box(film).numpy()
    expected = plain_box(film)
    if expected[0] == expected[2] or expected[1] == expected[3]:
        assert top == bottom or left == right
    else:
        assert (top, left, bottom, right) == expected


def test_a_border_of_more_than_2_in_255_is_kept():
    film = full_range(plain_film(0))
    noisy = np.pad(film, 1)
    noisy[0, 5] = noisy[-1, 5] = noisy[5, 0] = noisy[5, -1] = BLANK_SPREAD + 1
    assert content_box(noisy).numpy().tolist() == [0, 0, *noisy.shape]
    assert BLANK_SPREAD == 2 / 255 * 65535


@FEW
@given(SEEDS, st.integers(0, 255), st.floats(0, 0.9))
def test_padding_is_left_out(seed, padding, share):
    film = plain_film(seed)
    hidden = np.random.default_rng(seed).random(film.shape) < share
    hidden[[0, 0, -1, -1], [0, -1, 0, -1]] = False
    film = np.where(hidden, padding, film)
    kept = film[film != padding]
    assume(len(np.unique(kept)) > 1)
    pixels = full_range(film)
    counts = counted(pixels, padding * 257).numpy()
    np.testing.assert_array_equal(counts, np.bincount(kept * 257, minlength=LEVELS))
    table = equalisation_table(pixels, padding * 257).numpy()
    np.testing.assert_allclose(table, plain_table(kept * 257), rtol=0, atol=1e-10)


@pytest.mark.parametrize("padding", [NO_PADDING, 1])
def test_without_padding_every_pixel_counts(padding):
    film = full_range(plain_film(1))
    assert counted(film, padding).numpy().sum() == film.size


@pytest.mark.parametrize(
    ("film", "padding"),
    [
        (np.full((8, 9), 700), NO_PADDING),
        (np.zeros((1, 1)), NO_PADDING),
        (np.full((8, 9), LEVELS - 1), LEVELS - 1),
        (np.pad(np.full((4, 4), 5000), 3), NO_PADDING),
        (np.where(np.eye(9) > 0, 9000, 100), 100),
        (np.arange(BLANK_SPREAD + 1)[None], NO_PADDING),
    ],
    ids="one-level 1x1 all-padding framed one-level-beside-padding faint".split(),
)
def test_a_constant_film_is_told_and_gives_zeros(film, padding):
    film = film.astype(np.uint16)
    found, constant = equalised(film, padding)
    assert constant
    np.testing.assert_array_equal(found, np.zeros(film.shape))
    films, constant = normalise(film, padding, sizes=(16, 8))
    assert constant
    assert [x.shape for x in films] == [(16, 16), (8, 8)]
    assert all(np.all(np.isfinite(x)) for x in films)


def test_two_levels_are_enough():
    film = np.array([[0, 65535], [65535, 0]], np.uint16)
    found, constant = equalised(film)
    assert not constant
    np.testing.assert_array_equal(found, [[0, 255], [255, 0]])


# Size.


@pytest.mark.parametrize(
    ("shape", "limit", "expected"),
    [
        ((30, 40), None, (30, 40)),
        ((30, 40), 40, (30, 40)),
        ((30, 40), 100, (30, 40)),
        ((30, 40), 20, (15, 20)),
        ((40, 30), 20, (20, 15)),
        ((31, 40), 39, (30, 39)),
        ((1, 400), 10, (1, 10)),
    ],
)
def test_the_longer_side_is_limited(shape, limit, expected):
    film = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    reduced = limit_resolution(tf.constant(film), limit).numpy()
    assert reduced.shape == expected
    theirs = cv2.resize(film, expected[::-1], interpolation=cv2.INTER_AREA)
    if expected == shape:
        np.testing.assert_array_equal(reduced, film)
    else:
        np.testing.assert_allclose(reduced, theirs, rtol=0, atol=0.01)


def test_reduction_by_area_keeps_block_means():
    film = np.random.default_rng(0).uniform(0, 255, (24, 32)).astype(np.float32)
    reduced = limit_resolution(tf.constant(film), 8).numpy()
    np.testing.assert_allclose(reduced, film.reshape(6, 4, 8, 4).mean((1, 3)), atol=1e-3)


def test_the_resize_is_bilinear_with_anti_aliasing():
    film = np.random.default_rng(0).uniform(0, 255, (64, 96)).astype(np.float32)
    large = resize(tf.constant(film), 128)
    theirs = cv2.resize(film, (128, 128), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(large, theirs, rtol=0, atol=0.01)
    # A pattern finer than the result's pixels becomes grey and not a coarser pattern.
    stripes = np.tile(np.array([0, 255], np.float32), (128, 64))
    small = resize(tf.constant(stripes), 37).numpy()
    assert np.abs(small[:, 1:-1] - 127.5).max() < 30


@pytest.mark.parametrize("shape", [(64, 48), (33, 90), (20, 20), (7, 130)])
def test_rows_and_columns_in_turn_give_the_bits_of_one_resize(shape):
    film = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    for size in (20, 32, 75):
        once = tf.image.resize(film[..., None], [size, size], antialias=True)[..., 0]
        np.testing.assert_array_equal(resize(tf.constant(film), size), once)


def test_a_resize_of_extremes_stays_in_range():
    film = np.where(np.random.default_rng(0).random((50, 70)) < 0.5, 0, 255).astype(np.float32)
    for size in (16, 50, 200):
        small = resize(tf.constant(film), size).numpy()
        assert 0 <= small.min() <= small.max() <= 255


def test_the_resolution_limit_comes_before_the_resize():
    pixels = full_range(plain_film(5, 60, 80))
    (limited,), _ = normalise(pixels, sizes=(32,), resolution_limit=20)
    found, _ = equalised(pixels)
    np.testing.assert_array_equal(limited, resize(limit_resolution(found, 20), 32))
    (free,), _ = normalise(pixels, sizes=(32,))
    assert np.abs(limited - free).max() > 1


def test_without_enhancement_levels_are_scaled_linearly():
    film = plain_film(6, 16, 16)
    (plain,), constant = normalise(full_range(film), sizes=(16,), enhance=False)
    np.testing.assert_allclose(plain, film, rtol=0, atol=1e-3)
    assert not constant


# All ways of running.


@pytest.mark.parametrize(
    "function",
    [
        content_box,
        counted,
        equalisation_table,
        equalised,
        lambda film: counted(film, 257),
        lambda film: normalise(film, 257, (32, 64)),
        lambda film: normalise(film, sizes=(32,), resolution_limit=30),
        lambda film: limit_resolution(tf.cast(film, tf.float32), 30),
        lambda film: resize(tf.cast(film, tf.float32) / 257, 32),
    ],
    ids="box histogram table equalise padding normalise limited limit resize".split(),
)
@pytest.mark.parametrize("frame", [0, 7])
def test_all_ways_agree(function, frame):
    film = np.pad(full_range(plain_film(8, 50, 40)), frame, constant_values=900)
    check_op(function, film, atol=1e-4)


def test_all_ways_agree_on_a_constant_film():
    (film,), constant = check_op(
        lambda film: normalise(film, sizes=(16,)), np.full((20, 10), 9, np.uint16)
    )
    assert constant
    np.testing.assert_array_equal(film, np.zeros((16, 16)))
