import dataclasses
import hashlib

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from pipelines.augment import compress_film, example_seed, jpeg_quality
from pipelines.classification_examples import ClassificationExamples, read_classification
from pipelines.faults import FileFault
from pipelines.film_files import FIXED_POINT, LOST, HeldFilms, StoredFilms
from pipelines.films import read_film
from pipelines.labels import LEFT_LUNG
from pipelines.lung_square import cut_square, lung_square
from pipelines.masks import lungs_at_full_size, resize_labels
from pipelines.normalise import normalise, resize
from pipelines.patches import cut_patches, draw_centres
from tests.pipelines.examples import FILMS, collected, joined, normalised, sharded, with_culprit


@pytest.fixture(scope="module")
def classification(rows, label_maps, cache):
    return read_classification(rows, label_maps, range(FILMS), 112, cache)


def test_a_film_that_cannot_be_read_is_named(rows, tmp_path):
    bad = with_culprit(rows, tmp_path, b"no image")
    with pytest.raises(FileFault, match="culprit.png: unreadable"):
        read_classification(
            bad, np.zeros((3, 256, 256), np.uint8), [0, 1, 2], 112, tmp_path / "cache"
        )


def test_the_classifier_sees_the_lungs(rows, classification, label_maps):
    assert isinstance(classification.films, StoredFilms)
    assert (len(classification), classification.films.side) == (FILMS, 1024)
    assert not classification.whole
    for index in (0, 5, 11):
        (film,) = normalised(rows[index], (1024,))
        expected = np.where(lungs_at_full_size(label_maps[index]), film, 0)
        kept = classification.seen(index)
        np.testing.assert_allclose(kept, expected, rtol=0, atol=0.5 / 257 + 1e-3)
    np.testing.assert_array_equal(classification.labels, range(FILMS))
    np.testing.assert_array_equal(classification.lungs, label_maps)


def test_the_whole_film_is_reduced_once_its_content_is_chosen(rows, label_maps, cache):
    options = {"whole": True, "content": "outside", "resolution_limit": 50}
    examples = read_classification(rows[:1], label_maps[:1], [1], 224, cache, **options)
    (film,) = normalised(rows[0], (1024,), resolution_limit=50)
    expected = resize(tf.where(lungs_at_full_size(label_maps[0]), 0.0, film), 224)
    assert examples.whole
    for count in (1, 3):
        patches = examples.patches(tf.constant(0), tf.constant(9, tf.int64), count)
        assert patches.shape == (count, 224, 224)
        np.testing.assert_allclose(patches[-1], expected, rtol=0, atol=1 / 257 + 1e-3)
    (fixed,) = examples.fixed_patches(16, 0)
    assert fixed.shape == (1, 224, 224)


def test_the_square_around_the_lungs_is_taken_for_the_whole(rows, label_maps, cache):
    """Film and label map show the same of it."""
    labels = label_maps[0].copy()
    labels[:80] = labels[200:] = labels[:, :60] = 0
    options = {"whole": True, "field_of_view": "lungs", "side": 512}
    examples = read_classification(rows[:1], labels[None], [1], 128, cache, **options)
    (film,) = normalised(rows[0], (512,))
    lung_mask = lungs_at_full_size(labels, 512)
    square = lung_square(lung_mask)
    expected = resize(cut_square(tf.where(lung_mask, film, 0.0), square), 128)
    (patch,) = examples.patches(tf.constant(0), tf.constant(9, tf.int64), 1)
    np.testing.assert_allclose(patch, expected, rtol=0, atol=1 / 257 + 1e-3)
    shown = resize_labels(examples.lungs[0], 128).numpy() > 1
    assert shown.any() and shown.mean() > 1.5 * (labels > 1).mean()
    assert patch.numpy()[shown].mean() > 5 * patch.numpy()[~shown].mean()


def test_lungs_are_even_in_films_and_in_patches_alike(rows, label_maps, cache):
    """Whatever the film's own levels; a patch takes those of its whole film."""
    options = {"content": "even_lungs", "jpeg_seed": 0, "side": 256}
    examples = read_classification(rows[:2], label_maps[:2], [0, 1], 64, cache, **options)
    plain = read_classification(rows[:2], label_maps[:2], [0, 1], 64, cache, side=256)
    compressed = dataclasses.replace(
        examples, films=examples.compressed, levels=examples.compressed_levels
    )
    for index in (0, 1):
        lung_mask = lungs_at_full_size(label_maps[index], 256).numpy()
        centres = draw_centres(lung_mask, 3, 5)
        film = tf.constant(index)
        before = plain.seen(index)[lung_mask]
        expected = (before - before.mean()) / before.std() * 50.0 + 110.0
        for some, far in ((examples, False), (compressed, True)):
            seen = some.seen(index)
            assert (seen[~lung_mask] == 0).all() and seen[lung_mask].min() >= 1
            if not far:
                np.testing.assert_allclose(
                    seen[lung_mask], expected.clip(1, 255), rtol=0, atol=1e-2
                )
            patches = examples.around(film, centres, far)
            np.testing.assert_allclose(patches, cut_patches(seen, centres, 64), atol=1e-3)


def test_patches_lie_around_centres_in_the_lungs(classification):
    for index in (0, 7):
        patches = classification.patches(tf.constant(index), tf.constant(3, tf.int64), 5)
        lung_mask = lungs_at_full_size(classification.lungs[index])
        centres = draw_centres(lung_mask, 3, 5)
        film = classification.seen(index)
        np.testing.assert_array_equal(patches, cut_patches(film, centres, 112))


def test_a_file_that_is_gone_is_named(rows, label_maps, tmp_path):
    examples = read_classification(rows[:1], label_maps[:1], [0], 112, tmp_path)
    (file,) = tmp_path.rglob("*.npy")
    file.unlink()
    with pytest.raises(tf.errors.UnknownError) as raised:
        list(examples.fixed_patches(1, 0))
    assert f"OSError: {file}: {LOST} (No such file or directory)\n" in raised.value.message + "\n"


def test_patches_of_a_film_of_another_size(rows, label_maps, cache):
    some = rows[:2], label_maps[:2], range(2), 64, cache
    examples = read_classification(*some, side=512)
    (film,) = normalised(rows[1], (512,))
    lungs = lungs_at_full_size(label_maps[1], 512)
    centres = draw_centres(lungs, 3, 5)
    np.testing.assert_array_equal(examples.centres(1, 3, 5), centres)
    patches = examples.patches(tf.constant(1), tf.constant(3, tf.int64), 5)
    expected = cut_patches(tf.where(lungs, film, 0.0), centres, 64)
    np.testing.assert_allclose(patches, expected, rtol=0, atol=0.5 / 257 + 1e-3)


def test_classification_batches_are_functions_of_film_and_place(classification):
    order, places = np.array([3, 0, 3, 11, 5]), np.array([40, 41, 42, 7, 9])
    patches, labels = collected(classification.batches(order, places, 2, 1, 6, True))
    assert patches.shape == (4, 112, 112)  # the remainder is dropped
    np.testing.assert_array_equal(labels, order[:4])
    apart = [
        collected(classification.batches(order[i : i + 1], places[i : i + 1], 1, 1, 6, True))[0]
        for i in range(4)
    ]
    np.testing.assert_array_equal(patches, np.concatenate(apart))


def test_a_share_of_patches_comes_from_compressed_films(rows, label_maps, cache):
    some = rows[:4], label_maps[:4], range(4), 112, cache
    examples = read_classification(*some, jpeg_seed=2)
    number = int(hashlib.sha256(rows[3].path.read_bytes()).hexdigest()[:15], 16)
    quality = jpeg_quality(example_seed(2, 0, number))
    compressed = compress_film(tf.constant(read_film(rows[3].path).pixels), quality)
    (film,), _ = normalise(compressed, -1, (1024,))
    expected = np.where(lungs_at_full_size(label_maps[3]), film, 0)
    kept = dataclasses.replace(examples, films=examples.compressed).seen(3)
    np.testing.assert_allclose(kept, expected, rtol=0, atol=0.5 / 257 + 1e-3)
    order, places = np.repeat(np.arange(4), 50), np.arange(200)
    plain, half, all_of_them = (
        collected(examples.batches(order, places, 8, 1, 0, False, jpeg=share))[0]
        for share in (0.0, 0.5, 1.0)
    )
    of_film, of_jpeg = ((half == x).all((1, 2)) for x in (plain, all_of_them))
    assert (of_film ^ of_jpeg).all()
    assert 70 <= of_jpeg.sum() <= 130
    fixed = np.concatenate([x.numpy() for x in examples.fixed_patches(1, 0)])
    of_films = read_classification(*some)
    np.testing.assert_array_equal(fixed, np.concatenate(list(of_films.fixed_patches(1, 0))))


def numbered_film():
    """One film whose 1024 lung pixels hold their number in the row-major list."""
    lungs = np.zeros((1, 256, 256), np.uint8)
    lungs[0, 100:108, 50:58] = LEFT_LUNG
    film = np.zeros((1, 1024, 1024), np.uint16)
    film[0, 400:432, 200:232] = np.arange(1024).reshape(32, 32)
    return ClassificationExamples(HeldFilms(film), tf.constant(lungs), tf.zeros([1], tf.int32), 2)


def test_every_place_of_an_epoch_draws_its_own_centre():
    count = 240
    places = np.arange(count)
    batches = numbered_film().batches(np.zeros(count, np.int64), places, count, 0, 3, False)
    ((patches, _),) = batches
    # The centre is the first pixel of a patch's second half.
    numbers = np.rint(patches[:, 1, 1] * FIXED_POINT).astype(int)
    assert len(np.unique(numbers)) > 180
    assert scipy.stats.chisquare(np.bincount(numbers // 128, minlength=8)).pvalue > 1e-3


def test_without_augmentation_patches_are_cut_as_they_are(classification):
    order = np.array([4, 4])
    patches, _ = collected(classification.batches(order, np.array([0, 1]), 2, 0, 0, False))
    film = classification.seen(4)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(film, 56), (112, 112))
    centres = np.argwhere(lungs_at_full_size(classification.lungs[4]))
    for patch in patches:
        middle = film[tuple(centres.T)] == patch[56, 56]
        assert any(np.array_equal(windows[y, x], patch) for y, x in centres[middle])
    assert np.abs(patches[0] - patches[1]).max() > 10


def test_the_strength_decides_how_much_patches_vary(classification):
    order = places = np.arange(6)
    by_strength = [
        collected(classification.batches(order, places, 6, 0, 2, True, strength))[0]
        for strength in (0.0, 0.5, 1.0)
    ]
    plain, half, full = by_strength
    np.testing.assert_array_equal(
        plain, collected(classification.batches(order, places, 6, 0, 2, True))[0]
    )
    assert 1 < np.abs(half - plain).mean() < np.abs(full - plain).mean()
    off = collected(classification.batches(order, places, 6, 0, 2, False, 1.0))[0]
    np.testing.assert_array_equal(
        off, collected(classification.batches(order, places, 6, 0, 2, False))[0]
    )


@pytest.mark.parametrize("parts", [1, 2])
def test_classification_batches_do_not_depend_on_the_sharding(classification, parts):
    order, places = np.arange(12)[::-1].copy(), np.arange(12)
    whole = collected(classification.batches(order, places, 4, 0, 2, True))
    shards = [
        collected(classification.batches(order[mine], mine, 4 // parts, 0, 2, True))
        for mine in sharded(places, 4, parts)
    ]
    for index, expected in enumerate(whole):
        np.testing.assert_array_equal(joined([x[index] for x in shards], 4), expected)
    np.testing.assert_array_equal(whole[1], order)
    other, _ = collected(classification.batches(order, places, 4, 0, 3, True))
    assert np.abs(other - whole[0]).max() > 10


def test_fixed_patches_are_the_same_each_time(classification):
    first = [x.numpy() for x in classification.fixed_patches(3, 0)]
    second = [x.numpy() for x in classification.fixed_patches(3, 0)]
    assert len(first) == len(classification) == FILMS
    np.testing.assert_array_equal(first, second)
    for index in (0, 11):
        expected = classification.patches(tf.constant(index), tf.constant(0, tf.int64), 3)
        np.testing.assert_array_equal(first[index], expected)
    other = next(iter(classification.fixed_patches(3, 1)))
    assert np.abs(other - first[0]).max() > 10
