import cv2
import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipelines.components import clean_labels, components, fill_holes, largest_components
from tests.protocol import check_op

SHAPES = st.tuples(st.integers(1, 17), st.integers(1, 17))
MAPS = arrays.arrays(np.uint8, SHAPES, elements=st.integers(0, 3))


def regions(labels):
    """Each region of equal label as its label and its pixels."""
    for label in np.unique(labels):
        names, count = scipy.ndimage.label(labels == label)
        yield from ((label, names == name) for name in range(1, count + 1))


def spiral(size=65):
    """One component whose ends are some thousand pixels apart."""
    mask = np.zeros((size, size), bool)
    for turn in range(0, size // 2, 2):
        mask[turn, max(turn - 2, 0) : size - turn] = True
        mask[turn : size - turn, size - turn - 1] = True
        mask[size - turn - 1, turn : size - turn] = True
        mask[turn + 2 : size - turn, turn] = True
    return mask


@settings(max_examples=60, deadline=None)
@given(MAPS)
def test_components_are_those_of_scipy(labels):
    names = components(tf.constant(labels)).numpy()
    expected = list(regions(labels))
    assert len(np.unique(names)) == len(expected)
    for _, region in expected:
        assert len(np.unique(names[region])) == 1


def test_the_ends_of_a_long_way_are_one_component():
    mask = spiral()
    assert scipy.ndimage.label(mask)[1] == 1
    names = components(tf.constant(mask.astype(np.uint8))).numpy()
    assert len(np.unique(names[mask])) == 1


@settings(max_examples=60, deadline=None)
@given(MAPS)
def test_largest_components(labels):
    kept = largest_components(tf.constant(labels)).numpy()
    expected = np.zeros_like(labels)
    for part in (1, 2, 3):
        found = [region for label, region in regions(labels) if label == part]
        if found:
            expected[max(found, key=lambda r: (r.sum(), np.flatnonzero(r).max()))] = part
    np.testing.assert_array_equal(kept, expected)


@settings(max_examples=60, deadline=None)
@given(MAPS)
def test_holes_are_background_that_one_part_encloses(labels):
    expected = labels.copy()
    framed = np.pad(labels, 1, constant_values=9)
    for label, region in regions(framed):
        rim = framed[scipy.ndimage.binary_dilation(region) & ~region]
        if label == 0 and len(set(rim.tolist())) == 1 and rim[0] != 9:
            expected[region[1:-1, 1:-1]] = rim[0]
    np.testing.assert_array_equal(fill_holes(tf.constant(labels)), expected)


def labels_with_faults():
    labels = np.zeros((256, 256), np.uint8)
    cv2.ellipse(labels, (80, 120), (40, 80), 0, 0, 360, 3, -1)
    cv2.ellipse(labels, (175, 120), (40, 80), 0, 0, 360, 2, -1)
    cv2.circle(labels, (135, 170), 25, 1, -1)
    sound = labels.copy()
    labels[60:70, 75:85] = 0  # a hole in the right lung
    labels[100:104, 78:82] = 2  # a scrap of the left lung within the right one
    labels[5:12, 5:30] = 3  # scraps in the corners
    labels[240:250, 240:250] = 1
    return labels, sound


def test_scraps_go_and_holes_are_filled():
    labels, sound = labels_with_faults()
    clean = check_op(lambda x: clean_labels(tf.ensure_shape(x, [256, 256])), labels)
    assert clean.dtype == tf.uint8
    np.testing.assert_array_equal(clean, sound)
    np.testing.assert_array_equal(clean_labels(tf.constant(sound)), sound)


def test_another_part_within_a_lung_stays():
    labels = np.full((20, 20), 2, np.uint8)
    labels[8:12, 8:12] = 1
    np.testing.assert_array_equal(clean_labels(tf.constant(labels)), labels)


@pytest.mark.parametrize("labels", [np.zeros((9, 9), np.uint8), np.full((9, 9), 3, np.uint8)])
def test_nothing_and_everything_stay(labels):
    np.testing.assert_array_equal(clean_labels(tf.constant(labels)), labels)
