import dataclasses
import hashlib

import cv2
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from pipelines import datasets
from pipelines.augment import compress_film, example_seed, jpeg_quality, vary_film
from pipelines.faults import FileFault
from pipelines.film_files import FIXED_POINT, LOST, HeldFilms, StoredFilms
from pipelines.films import read_film
from pipelines.labels import HEART, LEFT_LUNG, RIGHT_LUNG
from pipelines.lung_square import cut_square, lung_square
from pipelines.manifest.table import read_manifest
from pipelines.masks import lungs_at_full_size, resize_labels
from pipelines.normalise import normalise, resize
from pipelines.normalised_films import film_dataset
from pipelines.patches import cut_patches, draw_centres
from tools.phantoms.__main__ import main

INVALID = tf.errors.InvalidArgumentError
FILMS = 12


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms")
    assert main([str(folder), "--films", str(FILMS), "--seed", "5", "--size", "96"]) == 0
    return read_manifest(folder / "manifest.csv").rows


@pytest.fixture(scope="module")
def label_maps(rows):
    return np.stack([x.numpy() for x in datasets.label_dataset(rows, 256)])


@pytest.fixture(scope="module")
def segmentation(rows):
    return datasets.read_segmentation(rows, 64)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="module")
def classification(rows, label_maps, cache):
    return datasets.read_classification(rows, label_maps, range(FILMS), 112, cache)


def normalised(row, *arguments, **options):
    """The film of a row at some sizes, eagerly."""
    film = read_film(row.path)
    return normalise(film.pixels, film.padding, *arguments, **options)[0]


def collected(dataset):
    """Examples of all batches, one after the other."""
    batches = [[x.numpy() for x in batch] for batch in dataset]
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def sharded(places, size, parts):
    """Places of each part, as training hands them to its workers: each a piece of every batch."""
    steps = np.reshape(places, (-1, parts, size // parts))
    return [steps[:, part].reshape(-1) for part in range(parts)]


def joined(parts, size):
    """Undo `sharded` for arrays of examples."""
    steps = [part.reshape(-1, size // len(parts), *part.shape[1:]) for part in parts]
    return np.concatenate(steps, 1).reshape(-1, *parts[0].shape[1:])


# Reading. A pipeline with a decoder takes two seconds to start, so each is used well.


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
    examples = datasets.read_segmentation(rows[:1], 64, **options)
    (expected,) = normalised(rows[0], (64,), **options)
    np.testing.assert_allclose(examples.films[0], expected, rtol=0, atol=1e-4)


def test_label_maps_are_the_masks(rows):
    for row, labels in zip(rows, datasets.label_dataset(rows, 96), strict=True):
        for mask, label in (("left_lung", LEFT_LUNG), ("right_lung", RIGHT_LUNG), ("heart", HEART)):
            truth = cv2.imread(str(row.masks[mask]), cv2.IMREAD_UNCHANGED) > 0
            np.testing.assert_array_equal(labels.numpy() == label, truth)


def test_a_missing_heart_is_background(rows):
    without = dataclasses.replace(rows[0], mask_heart=None)
    first, second = (x.numpy() for x in datasets.label_dataset([rows[0], without], 96))
    np.testing.assert_array_equal(second, np.where(first == HEART, 0, first))
    assert np.any(first == HEART)


def with_culprit(rows, folder, content):
    path = folder / "culprit.png"
    path.write_bytes(content)
    return [rows[0], dataclasses.replace(rows[1], path=path), rows[2]]


def test_a_constant_film_is_named(rows, tmp_path):
    constant = cv2.imencode(".png", np.full((40, 40), 77, np.uint8))[1].tobytes()
    bad = with_culprit(rows, tmp_path, constant)
    with pytest.raises(INVALID, match="culprit.png: the film is constant; take it out"):
        list(film_dataset(bad, (32,)))


def test_a_film_that_cannot_be_read_is_named(rows, tmp_path):
    bad = with_culprit(rows, tmp_path, b"no image")
    with pytest.raises(FileFault, match="culprit.png: unreadable"):
        datasets.read_classification(
            bad, np.zeros((3, 256, 256), np.uint8), [0, 1, 2], 112, tmp_path / "cache"
        )


def test_an_unusable_mask_is_refused(rows, tmp_path):
    path = tmp_path / "culprit.png"
    path.write_bytes(b"no mask")
    with pytest.raises(INVALID, match="mask"):
        list(datasets.label_dataset([dataclasses.replace(rows[0], mask_left_lung=path)], 32))


# Segmentation.


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


# Classification.


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
    examples = datasets.read_classification(rows[:1], label_maps[:1], [1], 224, cache, **options)
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
    examples = datasets.read_classification(rows[:1], labels[None], [1], 128, cache, **options)
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
    examples = datasets.read_classification(rows[:2], label_maps[:2], [0, 1], 64, cache, **options)
    plain = datasets.read_classification(rows[:2], label_maps[:2], [0, 1], 64, cache, side=256)
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
    examples = datasets.read_classification(rows[:1], label_maps[:1], [0], 112, tmp_path)
    (file,) = tmp_path.rglob("*.npy")
    file.unlink()
    with pytest.raises(tf.errors.UnknownError) as raised:
        list(examples.fixed_patches(1, 0))
    assert f"OSError: {file}: {LOST} (No such file or directory)\n" in raised.value.message + "\n"


def test_patches_of_a_film_of_another_size(rows, label_maps, cache):
    some = rows[:2], label_maps[:2], range(2), 64, cache
    examples = datasets.read_classification(*some, side=512)
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
    examples = datasets.read_classification(*some, jpeg_seed=2)
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
    of_films = datasets.read_classification(*some)
    np.testing.assert_array_equal(fixed, np.concatenate(list(of_films.fixed_patches(1, 0))))


def numbered_film():
    """One film whose 1024 lung pixels hold their number in the row-major list."""
    lungs = np.zeros((1, 256, 256), np.uint8)
    lungs[0, 100:108, 50:58] = LEFT_LUNG
    film = np.zeros((1, 1024, 1024), np.uint16)
    film[0, 400:432, 200:232] = np.arange(1024).reshape(32, 32)
    return datasets.ClassificationExamples(
        HeldFilms(film), tf.constant(lungs), tf.zeros([1], tf.int32), 2
    )


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
