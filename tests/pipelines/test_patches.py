import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipelines.masks import lungs_at_full_size
from pipelines.patches import (
    CANDIDATES,
    IMAGENET_MEAN,
    IMAGENET_SD,
    centres_in_lungs,
    cut_patches,
    draw_centres,
    grid_centres,
    network_input,
)
from pipelines.sizes import LEAST_STRIDE, MOST_PATCHES, PATCH_SIZE
from tests.protocol import check_op

FEW = settings(max_examples=40, deadline=None)
SEEDS = st.integers(-(2**63), 2**63 - 1)


def lung_mask(pixels=37, size=16, seed=0):
    mask = np.zeros(size * size, bool)
    mask[np.random.default_rng(seed).choice(size * size, pixels, replace=False)] = True
    return mask.reshape(size, size)


def places(mask, centres):
    """Number of each centre in the row-major list of lung pixels."""
    order = np.full(mask.shape, -1)
    order[mask] = np.arange(np.count_nonzero(mask))
    return order[tuple(np.asarray(centres).T)]


def plain_patch(film, centre, size):
    """The window pixel by pixel."""
    patch = np.zeros((size, size), film.dtype)
    for row in range(size):
        for column in range(size):
            y, x = centre[0] - size // 2 + row, centre[1] - size // 2 + column
            if 0 <= y < film.shape[0] and 0 <= x < film.shape[1]:
                patch[row, column] = film[y, x]
    return patch


# Centres.


@pytest.mark.parametrize("side", [256, 512, 1024])
@pytest.mark.parametrize("pixels", [1, 300, 12000])
def test_centres_are_the_same_without_the_enlarged_mask(side, pixels):
    labels = np.where(lung_mask(pixels, 256), 2, 1).astype(np.uint8)
    labels[labels == 2] += np.random.default_rng(0).integers(0, 2, pixels, np.uint8)
    known = tf.function(lambda seed: centres_in_lungs(tf.constant(labels), seed, 16, side))
    for seed in (0, 5, -(2**60)):
        expected = draw_centres(lungs_at_full_size(labels, side), seed, 16)
        np.testing.assert_array_equal(known(tf.constant(seed, tf.int64)), expected)


@FEW
@given(hnp.arrays(bool, (9, 12)).filter(np.any), SEEDS, st.integers(1, MOST_PATCHES))
def test_every_centre_is_a_lung_pixel(mask, seed, count):
    centres = draw_centres(mask, seed, count).numpy()
    assert centres.shape == (count, 2)
    assert centres.dtype == np.int32
    assert mask[tuple(centres.T)].all()


@FEW
@given(SEEDS, st.integers(1, MOST_PATCHES))
def test_fewer_centres_are_the_first_of_many(seed, count):
    mask = lung_mask()
    many = draw_centres(mask, seed, MOST_PATCHES)
    np.testing.assert_array_equal(draw_centres(mask, seed, count), many[:count])


@pytest.mark.parametrize("pixels", [1, 2, 5000, 10_486, 1 << 20])
def test_the_first_points_on_a_lung_are_taken_and_the_rest_is_drawn_from_the_lungs(pixels):
    mask = np.zeros(1 << 20, bool)
    mask[7 : 7 + pixels] = True
    found = draw_centres(mask.reshape(1024, 1024), 3, 400).numpy()
    assert mask[found[:, 0] * 1024 + found[:, 1]].all()
    points = plain_draw(3, 0, CANDIDATES, mask.size)
    hits = points[mask[points]][:400]
    assert (len(hits) == 400) == (pixels > 10_000)
    rest = np.flatnonzero(mask)[plain_draw(3, 1, 400, np.count_nonzero(mask))]
    expected = np.concatenate([hits, rest[len(hits) :]])
    np.testing.assert_array_equal(found[:, 0] * 1024 + found[:, 1], expected)


def plain_draw(seed, stream, count, size):
    raw = tf.random.stateless_uniform([count], [seed, stream], None, None, tf.uint32, alg="philox")
    return np.array([int(each) * size // 2**32 for each in raw.numpy()])


def test_a_mask_that_differs_by_a_few_pixels_has_almost_the_same_centres():
    mask = np.zeros((1024, 1024), bool)
    mask[160:800, 240:480], mask[200:840, 560:800] = True, True
    other = mask.copy()
    other[160:164, 240:244] = other[840:844, 600:604] = ~mask[160:164, 240:244]
    centres, others = (draw_centres(x, 0, 100).numpy().tolist() for x in (mask, other))
    assert len([each for each in centres if each not in others]) <= 1


def test_centres_of_one_seed_are_uniform():
    mask = lung_mask()
    drawn = places(mask, draw_centres(mask, 0, 37 * 400))
    assert scipy.stats.chisquare(np.bincount(drawn, minlength=37)).pvalue > 1e-3


@pytest.mark.parametrize("number", [0, 1, 99])
def test_the_same_centre_of_many_seeds_is_uniform(number):
    mask = lung_mask()
    draw = tf.function(lambda seed: draw_centres(mask, seed, 100)[number])
    centres = [draw(tf.constant(seed, tf.int64)) for seed in range(37 * 30)]
    drawn = places(mask, centres)
    assert scipy.stats.chisquare(np.bincount(drawn, minlength=37)).pvalue > 1e-3


def test_successive_centres_are_independent():
    mask = lung_mask(5)
    drawn = places(mask, draw_centres(mask, 3, 5000))
    pairs = np.bincount(5 * drawn[:-1] + drawn[1:], minlength=25)
    assert scipy.stats.chisquare(pairs).pvalue > 1e-3


def test_centres_are_drawn_with_replacement():
    mask = lung_mask(3)
    assert set(places(mask, draw_centres(mask, 0, 100))) == {0, 1, 2}
    mask = lung_mask(1)
    np.testing.assert_array_equal(draw_centres(mask, 7, 100), np.repeat(np.argwhere(mask), 100, 0))


def test_centres_depend_on_the_seed_and_not_on_the_place_in_a_batch():
    mask = lung_mask()
    alone = draw_centres(mask, 5, 60)
    batch = tf.map_fn(
        lambda x: draw_centres(x, 5, 60),
        tf.stack([lung_mask(20, seed=1), mask, mask]),
        fn_output_signature=tf.int32,
    )
    np.testing.assert_array_equal(batch[1], alone)
    np.testing.assert_array_equal(batch[2], alone)
    assert np.any(draw_centres(mask, 6, 60) != alone)


def test_the_global_seed_does_not_matter():
    mask = lung_mask()
    tf.random.set_seed(1)
    first = draw_centres(mask, 5, 60)
    tf.random.set_seed(2)
    np.testing.assert_array_equal(draw_centres(mask, 5, 60), first)


def test_centres_drawn_in_all_ways():
    centres = check_op(lambda x, seed: draw_centres(x, seed, 100), lung_mask(), np.int64(2**40))
    assert centres.shape == (100, 2)


@FEW
@given(hnp.arrays(bool, (23, 17)), st.integers(1, 9))
def test_the_grid_keeps_its_points_on_a_lung(mask, stride):
    start = stride // 2
    expected = [
        [row, column]
        for row in range(start, 23, stride)
        for column in range(start, 17, stride)
        if mask[row, column]
    ]
    if not expected:
        return  # see below
    centres = grid_centres(mask, stride).numpy()
    assert centres.dtype == np.int32
    np.testing.assert_array_equal(centres, expected)


BETWEEN = np.zeros((16, 16), bool)
BETWEEN[6:9, 3:4] = BETWEEN[8, 3:9] = True


@pytest.mark.parametrize("mask", [lung_mask(200), BETWEEN], ids=["some", "none"])
def test_the_grid_in_all_ways(mask):
    check_op(grid_centres, mask, np.int32(9))


def test_a_lung_between_the_points_of_the_grid_is_seen_all_the_same():
    pixels = np.argwhere(BETWEEN)
    away = ((pixels - pixels.mean(0)) ** 2).sum(1)
    centres = grid_centres(tf.constant(BETWEEN), 9)
    np.testing.assert_array_equal(centres, pixels[away.argmin()][None])


def test_the_finest_grid_has_at_most_the_most_patches():
    full = tf.ones([1024, 1024], tf.bool)
    assert len(grid_centres(full, LEAST_STRIDE)) == MOST_PATCHES
    assert len(grid_centres(full, LEAST_STRIDE - 1)) > MOST_PATCHES
    assert len(grid_centres(full, 1024)) == 1


# Windows.


@FEW
@given(st.data(), st.sampled_from([2, 4, 10, 40]))
def test_windows_at_borders(data, size):
    film = np.random.default_rng(0).uniform(1, 255, (19, 23)).astype(np.float32)
    centre = st.tuples(st.integers(0, 18), st.integers(0, 22))
    centres = np.array(data.draw(st.lists(centre, min_size=1, max_size=4)), np.int32)
    patches = cut_patches(film, centres, size)
    for patch, place in zip(patches, centres, strict=True):
        np.testing.assert_array_equal(patch, plain_patch(film, place, size))


@pytest.mark.parametrize("size", [112, PATCH_SIZE, 448])
def test_windows_of_a_film_at_its_corners_edges_and_middle(size):
    film = np.random.default_rng(0).uniform(1, 255, (1024, 1024)).astype(np.float32)
    ends = (0, 1, size // 2 - 1, size // 2, 512, 1024 - size // 2, 1023)
    centres = np.array([[row, column] for row in ends for column in (0, 300, 1023)], np.int32)
    patches = cut_patches(film, centres, size)
    padded = np.zeros((1024 + size, 1024 + size), np.float32)
    padded[size // 2 : -size // 2, size // 2 : -size // 2] = film
    for patch, (row, column) in zip(patches, centres, strict=True):
        np.testing.assert_array_equal(patch, padded[row : row + size, column : column + size])
    # [c - size/2, c + size/2): the centre is the first pixel of the second half.
    np.testing.assert_array_equal(patches[:, size // 2, size // 2], film[tuple(centres.T)])


def _cut_16(film, centres):
    return cut_patches(film, centres, 16)


def test_windows_cut_in_all_ways():
    film = np.random.default_rng(0).uniform(1, 255, (64, 64)).astype(np.float32)
    centres = np.array([[0, 0], [63, 63], [30, 7]], np.int32)
    assert check_op(_cut_16, film, centres).shape == (3, 16, 16)


def test_no_centre_gives_no_patch():
    patches = check_op(_cut_16, np.ones((64, 64), np.float32), np.zeros((0, 2), np.int32))
    assert patches.shape == (0, 16, 16)


# Input of the network.


def test_raw_input_repeats_the_grey_level():
    patches = np.random.default_rng(0).uniform(0, 255, (2, 8, 8)).astype(np.float32)
    channels = check_op(lambda x: network_input(x, "raw255"), patches)
    np.testing.assert_array_equal(channels, np.stack([patches] * 3, -1))


def test_imagenet_input_is_standardised_by_channel():
    patches = np.random.default_rng(0).uniform(0, 255, (2, 8, 8)).astype(np.float32)
    channels = check_op(lambda x: network_input(x, "imagenet"), patches, atol=1e-6).numpy()
    for channel, (mean, sd) in enumerate(zip(IMAGENET_MEAN, IMAGENET_SD, strict=True)):
        expected = (patches.astype(np.float64) / 255 - mean) / sd
        np.testing.assert_allclose(channels[..., channel], expected, rtol=0, atol=1e-6)
    assert IMAGENET_MEAN == (0.485, 0.456, 0.406)
    assert IMAGENET_SD == (0.229, 0.224, 0.225)


def test_an_unknown_scaling_is_refused():
    with pytest.raises(ValueError, match="'unit' is unknown; choose one of"):
        network_input(tf.zeros([1, 2, 2]), "unit")
