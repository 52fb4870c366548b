import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from pipelines import masks
from pipelines.labels import LABELS
from tests.protocol import check_op


def random_labels(size=256, seed=0):
    return np.random.default_rng(seed).integers(0, 4, (size, size)).astype(np.uint8)


def test_label_map_with_the_lungs_before_the_heart():
    heart, left, right = np.array(list(itertools.product([False, True], repeat=3))).T
    labels = check_op(masks.label_map, heart[None], left[None], right[None])
    assert labels.dtype == tf.uint8
    np.testing.assert_array_equal(labels, [[0, 3, 2, 3, 1, 3, 2, 3]])
    assert LABELS == ("background", "heart", "left_lung", "right_lung")


@pytest.mark.parametrize(
    ("shape", "size"), [((256, 256), 1024), ((8, 4), 16), ((7, 5), 16), ((40, 64), 16)]
)
def test_labels_are_resized_by_nearest_neighbour(shape, size):
    labels = np.random.default_rng(1).integers(0, 4, shape).astype(np.uint8)
    resized = check_op(lambda x: masks.resize_labels(x, size), labels)
    rows, columns = (((np.arange(size) + 0.5) * side / size).astype(int) for side in shape)
    np.testing.assert_array_equal(resized, labels[np.ix_(rows, columns)])
    assert resized.dtype == tf.uint8


def test_lungs_leave_the_heart_out():
    found = check_op(masks.lungs, np.array([[0, 1], [2, 3]], np.uint8))
    np.testing.assert_array_equal(found, [[False, False], [True, True]])


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(np.uint8, (256, 256), elements={"max_value": 3}))
def test_lung_fraction_is_the_share_of_lung_pixels(labels):
    assert masks.lung_fraction(labels).numpy() == np.mean(labels >= 2, dtype=np.float64)


def test_lung_fraction_counts_every_pixel():
    assert check_op(masks.lung_fraction, np.full((256, 256), 3, np.uint8)) == 1
    assert check_op(masks.lung_fraction, np.ones((256, 256), np.uint8)) == 0


def test_the_full_mask_repeats_every_pixel_four_times():
    labels = random_labels()
    full = check_op(masks.lungs_at_full_size, labels)
    np.testing.assert_array_equal(full, np.kron(labels >= 2, np.ones((4, 4), bool)))


@pytest.mark.parametrize("side", [256, 1024])
def test_windows_of_the_mask_are_those_of_the_enlarged_one(side):
    labels = random_labels()
    centres = np.array([[0, 0], [side - 1, 5], [101, side], [side // 2 + 1, 77]], np.int32)
    found = check_op(
        lambda x, y: masks.lungs_around(tf.ensure_shape(x, [256, 256]), y, 50, side),
        labels,
        centres,
    )
    full = np.pad(masks.lungs_at_full_size(labels, side), 25)
    expected = [full[row : row + 50, column : column + 50] for row, column in centres]
    np.testing.assert_array_equal(found, expected)


def test_a_masked_film_is_zero_outside_the_lungs():
    film = np.random.default_rng(2).uniform(1, 255, (20, 20)).astype(np.float32)
    lung = random_labels(20) >= 2
    np.testing.assert_array_equal(check_op(masks.masked_film, film, lung), film * lung)


@pytest.mark.parametrize("content", masks.CONTENTS)
def test_contents(content):
    film = np.random.default_rng(2).uniform(1, 255, (20, 20)).astype(np.float32)
    lung = random_labels(20) >= 2
    seen = check_op(lambda x, mask: masks.select_content(x, mask, content), film, lung)
    mean, sd = film[lung].mean(), film[lung].std()
    expected = {
        "lungs": film * lung,
        "even_lungs": np.where(lung, (film - mean) / sd * 50 + 110, 0).clip(lung, 255),
        "whole": film,
        "outside": film * ~lung,
        "mask": 255.0 * lung,
    }[content]
    np.testing.assert_allclose(seen, expected, rtol=0, atol=1e-3 if "even" in content else 0)
    assert seen.dtype == tf.float32


def test_even_lungs_do_not_depend_on_brightness_and_contrast():
    """But a film without contrast stays one: noise is not stretched to the whole range."""
    film = np.random.default_rng(2).uniform(60, 160, (20, 20)).astype(np.float32)
    lung = random_labels(20) >= 2
    first, again, flat = (
        masks.select_content(x, lung, "even_lungs").numpy()
        for x in (film, 0.7 * film + 30, 100 + film / 1000)
    )
    np.testing.assert_allclose(first, again, rtol=0, atol=1e-2)
    assert first[lung].std() == pytest.approx(50, abs=1) and flat[lung].std() < 1


def test_an_unknown_content_is_refused():
    with pytest.raises(ValueError, match="'heart' is unknown; choose one of"):
        masks.select_content(tf.zeros([2, 2]), tf.zeros([2, 2], tf.bool), "heart")
