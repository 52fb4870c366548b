"""The grid of the dense vote, and the part of a film that it needs."""

import numpy as np
import pytest
import tensorflow as tf

from pipelines.patches import cut_patches
from pipelines.sizes import MOST_WINDOWS
from pipelines.windows import window_centres, window_means, windowed_film, windows_of
from tests.protocol import check_op


def lungs_at(*parts):
    """A mask of 256 x 256 with rectangles (top, left, bottom, right) of lung."""
    mask = np.zeros((256, 256), bool)
    for top, left, bottom, right in parts:
        mask[top:bottom, left:right] = True
    return mask


@pytest.mark.parametrize("stride", [16, 32])
def test_centres_are_the_places_of_the_grid_that_lie_on_a_lung(stride):
    mask = lungs_at((33, 60, 130, 100), (64, 160, 65, 193))
    found = check_op(lambda lungs: window_centres(lungs, stride), mask)
    grid = range(0, 256, stride)
    expected = [(y, x) for y in grid for x in grid if mask[y, x]]
    assert [tuple(each) for each in np.asarray(found)] == expected
    columns = {row: [x for y, x in expected if y == row] for row, _ in expected}
    if stride == 32:
        assert columns == {64: [64, 96, 160, 192], 96: [64, 96], 128: [64, 96]}
    else:
        assert columns[64] == [64, 80, 96, 160, 176, 192] and min(columns) == 48


@pytest.mark.parametrize(
    ("part", "place"), [((65, 70, 90, 80), (64, 64)), ((250, 250, 256, 256), (224, 224))]
)
def test_where_no_place_lies_on_a_lung_the_nearest_one_stands_in(part, place):
    assert window_centres(tf.constant(lungs_at(part)), 32).numpy().tolist() == [list(place)]


def test_a_film_that_is_all_lung_has_the_most_windows():
    mask = tf.ones([1024, 1024], tf.bool)
    assert window_centres(mask, 32).shape[0] == MOST_WINDOWS


@pytest.mark.parametrize("left_out", [0, 1])
def test_the_box_holds_the_patch_of_every_window(left_out):
    """Each window's square in the box is the patch around its centre, less what is left out."""
    film = np.random.default_rng(0).uniform(1, 255, (256, 256)).astype(np.float32)
    centres = tf.constant([[0, 96], [32, 64], [96, 224]])
    box, same, cells = windowed_film(tf.constant(film), centres, 128, 32, left_out)
    np.testing.assert_array_equal(same, centres)
    cut = 32 * left_out
    assert np.min(cells) == 0 and box.shape == (96 + 128 - 2 * cut, 160 + 128 - 2 * cut)
    whole = np.pad(box, cut)
    patches = cut_patches(tf.constant(film), centres, 128).numpy()
    inside = slice(cut, 128 - cut)
    for (row, column), patch in zip(np.asarray(cells) * 32, patches, strict=True):
        found = whole[row : row + 128, column : column + 128]
        np.testing.assert_array_equal(found[inside, inside], patch[inside, inside])


def test_windows_and_their_means():
    values = np.random.default_rng(1).normal(size=(9, 8, 3)).astype(np.float32)
    cells = np.array([[0, 0], [2, 1], [5, 4]], np.int32)
    cut = np.stack([values[y : y + 4, x : x + 4] for y, x in cells])
    np.testing.assert_array_equal(check_op(lambda v, c: windows_of(v, c, 4), values, cells), cut)
    np.testing.assert_allclose(
        check_op(lambda v, c: window_means(v, c, 4), values, cells), cut.mean((1, 2)), atol=1e-6
    )
