import dataclasses

import cv2
import numpy as np
import pytest
import tensorflow as tf

from pipelines.augment import example_seed, vary_film
from pipelines.labels import HEART, LEFT_LUNG, RIGHT_LUNG
from pipelines.normalised_films import film_dataset
from pipelines.segmentation_examples import label_dataset, read_segmentation
from tests.pipelines.examples import FILMS, collected, joined, normalised, sharded, with_culprit

INVALID = tf.errors.InvalidArgumentError


@pytest.fixture(scope="module")
def segmentation(rows):
    return read_segmentation([rows], 64)[0]


# A pipeline with a decoder takes two seconds to start, so each is used well.


@pytest.mark.slow
def test_films_come_in_the_order_of_the_rows(rows):
    order = [*range(FILMS)[::-1], 3, 3, 0]
    found = list(film_dataset([rows[i] for i in order], (64, 32)))
    assert len(found) == len(order)
    for films, index in zip(found, order, strict=True):
        for ours, theirs in zip(films, normalised(rows[index], (64, 32)), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_films_are_read_with_the_options_given(rows):
    options = {"resolution_limit": 40, "enhance": False}
    examples = read_segmentation([rows[:1]], 64, **options)[0]
    (expected,) = normalised(rows[0], (64,), **options)
    np.testing.assert_allclose(examples.films[0], expected, rtol=0, atol=1e-4)


def test_label_maps_are_the_masks(rows):
    for row, labels in zip(rows, label_dataset(rows, 96), strict=True):
        for mask, label in (("left_lung", LEFT_LUNG), ("right_lung", RIGHT_LUNG), ("heart", HEART)):
            truth = cv2.imread(str(row.masks[mask]), cv2.IMREAD_UNCHANGED) > 0
            np.testing.assert_array_equal(labels.numpy() == label, truth)


def test_a_missing_heart_is_background(rows):
    without = dataclasses.replace(rows[0], mask_heart=None)
    first, second = (x.numpy() for x in label_dataset([rows[0], without], 96))
    np.testing.assert_array_equal(second, np.where(first == HEART, 0, first))
    assert np.any(first == HEART)


def test_a_constant_film_is_named(rows, tmp_path):
    constant = cv2.imencode(".png", np.full((40, 40), 77, np.uint8))[1].tobytes()
    bad = with_culprit(rows, tmp_path, constant)
    with pytest.raises(INVALID, match="culprit.png: the film is constant; take it out"):
        list(film_dataset(bad, (32,)))


def test_an_unusable_mask_is_refused(rows, tmp_path):
    path = tmp_path / "culprit.png"
    path.write_bytes(b"no mask")
    with pytest.raises(INVALID, match="mask"):
        list(label_dataset([dataclasses.replace(rows[0], mask_left_lung=path)], 32))


def test_segmentation_examples(rows, segmentation):
    assert len(segmentation) == FILMS
    assert segmentation.films.shape == segmentation.labels.shape == (FILMS, 64, 64)
    assert segmentation.films.dtype == tf.float32
    assert segmentation.labels.dtype == tf.uint8
    for index, label in ((4, HEART), (7, LEFT_LUNG), (11, RIGHT_LUNG)):
        assert np.any(segmentation.labels[index] == label)


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_segmentation_batches_are_functions_of_film_and_place(segmentation, strength):
    order, places = np.array([3, 0, 3, 11, 5]), np.array([40, 41, 42, 7, 9])
    films, labels = collected(segmentation.batches(order, places, 2, 1, 6, strength))
    assert len(films) == 4  # the remainder is dropped
    for film, label, index, place in zip(films, labels, order, places, strict=False):
        expected = segmentation.films[index], segmentation.labels[index]
        if strength:
            expected = vary_film(*expected, example_seed(1, 6, place), strength)
        np.testing.assert_allclose(film, expected[0], rtol=0, atol=1e-2)
        np.testing.assert_array_equal(label, expected[1])
    assert strength == 0 or np.abs(films[0] - films[2]).max() > 10


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_segmentation_batches_do_not_depend_on_the_sharding(segmentation, parts):
    order, places = np.arange(8)[::-1].copy(), np.arange(8)
    whole = collected(segmentation.batches(order, places, 4, 0, 2, 1.0))
    shards = [
        collected(segmentation.batches(order[mine], mine, 4 // parts, 0, 2, 1.0))
        for mine in sharded(places, 4, parts)
    ]
    assert len(whole) == 2  # films and labels
    for index, expected in enumerate(whole):
        np.testing.assert_array_equal(joined([x[index] for x in shards], 4), expected)


def test_segmentation_goes_on_in_the_middle_of_an_epoch(segmentation):
    order, places = np.arange(8), np.arange(8)
    whole = collected(segmentation.batches(order, places, 2, 0, 2, 1.0))
    rest = collected(segmentation.batches(order[4:], places[4:], 2, 0, 2, 1.0))
    for ours, theirs in zip(rest, whole, strict=True):
        np.testing.assert_array_equal(ours, theirs[4:])
    other = collected(segmentation.batches(order, places, 2, 0, 3, 1.0))
    assert np.abs(other[0] - whole[0]).max() > 10
