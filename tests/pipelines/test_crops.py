"""Crops for the dense vote: their windows are patches, and lungs stay where they are."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from pipelines.classification_examples import ClassificationExamples
from pipelines.crops import crop_batches, windows_along
from pipelines.film_files import HeldFilms

SIDE, PATCH, STRIDE = 1024, 128, 32


@pytest.fixture(scope="module")
def examples():
    """Two films of which every pixel of a lung is 100, and every other one 0."""
    lungs = np.zeros((2, 256, 256), np.uint8)
    lungs[0, 60:200, 40:110] = 3
    lungs[0, 60:200, 140:215] = 2
    lungs[1, 20:40, 20:230] = 2
    films = HeldFilms(np.full((2, SIDE, SIDE), 100 * 257, np.uint16))
    labels = tf.constant([0, 1])
    return ClassificationExamples(films, tf.constant(lungs), labels, PATCH)


def collected(examples, count=24, batch_size=4, **options):
    places = np.arange(count)
    order = places % 2
    drawn = {"stride": STRIDE, "seed": 1, "epoch": 0, "augment": False} | options
    batches = crop_batches(examples, order, places, batch_size, **drawn)
    crops, windows = zip(*batches, strict=True)
    return np.concatenate(crops), np.concatenate(windows)


def middles(crops, stride=STRIDE):
    along = windows_along(PATCH, stride)
    at = PATCH // 2 + stride * np.arange(along)
    return crops[:, at[:, None], at]


def test_windows_are_those_whose_centre_lies_on_a_lung(examples):
    crops, windows = collected(examples)
    assert crops.shape == (24, 2 * PATCH, 2 * PATCH) and windows.shape == (24, 5, 5)
    np.testing.assert_array_equal(windows, middles(crops) == 100.0)
    assert windows[:, 2, 2].all()  # the place that was drawn
    assert 0.2 < windows.mean() < 0.95
    assert len({crop.tobytes() for crop in crops}) > 20


def test_windows_of_half_the_stride_are_twice_as_near(examples):
    crops, windows = collected(examples, stride=16)
    assert windows.shape == (24, 9, 9) and windows[:, 4, 4].all()
    np.testing.assert_array_equal(windows, middles(crops, 16) == 100.0)


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_lungs_turn_and_grow_with_the_crop(examples, strength):
    """Of flat lungs a window's centre is bright where it counts; near a border it may be either."""
    crops, windows = collected(examples, 60, augment=True, strength=strength)
    plain, _ = collected(examples, 60)
    assert (crops != plain).any((1, 2)).all()
    bright = middles(crops) > 0.0
    assert (windows & ~bright).mean() < 0.01 and (bright & ~windows).mean() < 0.04
    others, _ = collected(examples, 60, augment=True, strength=strength, seed=2)
    assert (others != crops).any()
    again = collected(examples, 60, augment=True, strength=strength)
    np.testing.assert_array_equal(again[0], crops)
    np.testing.assert_array_equal(again[1], windows)


def test_a_crop_is_no_larger_version_of_the_patch_of_its_place(examples):
    """Both are drawn with seeds of their own."""
    film = np.arange(SIDE * SIDE, dtype=np.uint16).reshape(1, SIDE, SIDE)
    lungs = tf.fill([1, 256, 256], tf.constant(2, tf.uint8))
    numbered = dataclasses.replace(
        examples, films=HeldFilms(film), lungs=lungs, labels=tf.constant([0])
    )
    places, order = np.arange(8), np.zeros(8, np.int64)
    patches = np.concatenate([x for x, _ in numbered.batches(order, places, 4, 1, 0, False)])
    crops, _ = zip(*crop_batches(numbered, order, places, 4, STRIDE, 1, 0, False), strict=True)
    near = np.concatenate(crops)[:, PATCH // 2 : 3 * PATCH // 2, PATCH // 2 : 3 * PATCH // 2]
    assert all((patch != part).any() for patch, part in zip(patches, near, strict=True))
