import math

import cv2
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.augment import (
    compress_film,
    example_seed,
    frame_film,
    jpeg_quality,
    rotate_and_flip,
    similarity,
    vary_film,
    vary_patch,
    warp,
)
from pipelines.normalise import normalise
from tests.protocol import check_op
from tools.phantoms.chest import phantom

SIZE = 64


def smooth_film(size=SIZE, seed=0):
    noise = np.random.default_rng(seed).uniform(0, 255, (size, size)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip((smooth - smooth.mean()) * 10 + 128, 0, 255)


def blob(row, column, size=SIZE):
    rows, columns = np.mgrid[:size, :size]
    return np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 8).astype(np.float32)


def centroid(image):
    """Row and column of the centre of mass."""
    image = np.asarray(image, np.float64)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(rows * image).sum(), (columns * image).sum()]) / image.sum()


def seeds(count):
    return [example_seed(0, 0, index) for index in range(count)]


# Seeds.


def test_every_example_of_every_epoch_has_a_seed_of_its_own():
    found = {
        tuple(example_seed(run, epoch, index).numpy())
        for run in (0, 1, 2**40)
        for epoch in (0, 1, 2**31 - 1)
        for index in range(60)
    }
    assert len(found) == 3 * 3 * 60


def test_a_seed_in_all_ways():
    seed = check_op(lambda epoch, index: example_seed(7, epoch, index), np.int64(3), np.int64(11))
    assert seed.shape == (2,)
    assert seed.dtype == tf.int64
    np.testing.assert_array_equal(seed, example_seed(7, 3, 11))


def test_first_draws_of_neighbouring_examples_are_uniform():
    draws = tf.map_fn(
        lambda index: tf.random.stateless_uniform([], example_seed(0, 4, index)),
        tf.range(800, dtype=tf.int64),
        fn_output_signature=tf.float32,
    ).numpy()
    assert scipy.stats.kstest(draws, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.12


# Similarity.


@settings(max_examples=30, deadline=None)
@given(
    st.floats(-math.pi, math.pi),
    st.floats(0.7, 1.4),
    st.floats(-9, 9),
    st.floats(-9, 9),
)
def test_similarity_is_that_of_opencv(angle, scale, down, right):
    film = smooth_film()
    middle = (SIZE - 1) / 2
    forward = cv2.getRotationMatrix2D((middle, middle), math.degrees(angle), scale)
    forward[:, 2] += right, down
    # A border that both interpolate to zero, each in its own way, is left out.
    inside = cv2.warpAffine(np.ones_like(film), forward, (SIZE, SIZE)) > 0.999
    theirs = cv2.warpAffine(film, forward, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
    transform = similarity(
        tf.constant(angle, tf.float32),
        tf.constant(scale, tf.float32),
        tf.constant([down, right], tf.float32),
        SIZE,
    )
    ours = warp(tf.constant(film)[None], transform)[0].numpy()
    # OpenCV may round coordinates to 1/32 pixel; the film changes by some 20 levels a pixel.
    np.testing.assert_allclose(ours[inside], theirs[inside], rtol=0, atol=1.5)
    outside = cv2.warpAffine(np.ones_like(film), forward, (SIZE, SIZE)) == 0
    assert not np.any(ours[cv2.erode(outside.astype(np.uint8), np.ones((3, 3))) > 0])


def test_the_similarity_of_nothing_is_the_identity():
    transform = similarity(tf.zeros([]), tf.ones([]), tf.zeros([2]), SIZE)
    np.testing.assert_array_equal(transform, [1, 0, 0, 0, 1, 0, 0, 0])
    film = smooth_film()
    np.testing.assert_array_equal(warp(tf.constant(film)[None], transform)[0], film)


def test_a_shift_moves_rows_down_and_columns_right():
    transform = similarity(tf.zeros([]), tf.ones([]), tf.constant([5.0, -3.0]), SIZE)
    moved = warp(tf.constant(blob(20, 40))[None], transform)[0]
    np.testing.assert_allclose(centroid(moved), [25, 37], atol=1e-3)


def test_warp_keeps_labels_whole():
    labels = np.random.default_rng(0).integers(0, 4, (2, SIZE, SIZE)).astype(np.uint8)
    transform = similarity(tf.constant(0.3), tf.constant(1.2), tf.constant([2.0, 1.0]), SIZE)
    turned = check_op(
        lambda x: warp(tf.ensure_shape(x, labels.shape), transform, "NEAREST"), labels
    )
    assert turned.dtype == tf.uint8
    assert set(np.unique(turned)) <= {0, 1, 2, 3}


def test_each_image_of_a_batch_can_have_its_own_transform():
    films = np.stack([smooth_film(seed=0), smooth_film(seed=1)])
    transforms = [
        similarity(tf.constant(angle), tf.ones([]), tf.zeros([2]), SIZE) for angle in (0.2, -0.5)
    ]
    both = warp(tf.constant(films), tf.stack(transforms))
    for index, transform in enumerate(transforms):
        np.testing.assert_array_equal(
            both[index], warp(tf.constant(films[index : index + 1]), transform)[0]
        )


# Patches.


@pytest.mark.parametrize("index", range(3))
def test_rotate_and_flip_is_a_pure_function_of_its_seed(index):
    film = smooth_film()
    seed = seeds(3)[index]
    turned = check_op(
        lambda x, key: rotate_and_flip(tf.ensure_shape(x, [SIZE, SIZE]), key), film, seed, atol=1e-3
    )
    tf.random.set_seed(99)
    np.testing.assert_array_equal(rotate_and_flip(tf.constant(film), seed), turned)
    assert turned.shape == film.shape


def test_without_a_turn_a_patch_stays_or_is_mirrored_half_of_the_time():
    film = smooth_film()
    turn = tf.function(lambda seed: rotate_and_flip(tf.constant(film), seed, 0.0))
    mirrored = 0
    for seed in seeds(200):
        result = turn(seed).numpy()
        if np.array_equal(result, film[:, ::-1]):
            mirrored += 1
        else:
            np.testing.assert_array_equal(result, film)
    assert scipy.stats.binomtest(mirrored, 200).pvalue > 1e-3


def test_turns_fill_plus_and_minus_five_degrees():
    middle = (SIZE - 1) / 2
    # One blob right of the middle; a weaker one above it tells a mirrored patch.
    film = tf.constant(blob(middle, middle + 20) + 0.5 * blob(middle - 20, middle + 20))
    turn = tf.function(lambda seed: rotate_and_flip(film, seed))
    angles = []
    for seed in seeds(200):
        turned = turn(seed).numpy()
        if turned[:, : SIZE // 2].sum() > turned[:, SIZE // 2 :].sum():
            turned = turned[:, ::-1]
        down, right = centroid(turned[SIZE // 2 - 9 :]) + [SIZE // 2 - 9, 0] - middle
        angles.append(math.degrees(math.atan2(-down, right)))
    angles = np.array(angles)
    assert np.abs(angles).max() <= 5.1
    assert scipy.stats.kstest(angles, scipy.stats.uniform(-5, 10).cdf).pvalue > 1e-3


# Films with labels.

VARY = tf.function(lambda film, labels, seed: vary_film(film, labels, seed))


def labelled_film():
    """Bright discs on black: right lung at the image's left, left lung at its right, low heart."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    labels = np.zeros((SIZE, SIZE), np.uint8)
    for label, row, column, radius in ((3, 26, 18, 9), (2, 26, 46, 9), (1, 46, 34, 7)):
        labels[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = label
    return tf.constant(np.where(labels > 0, 215, 0), tf.float32), tf.constant(labels)


def test_vary_film_is_a_pure_function_of_its_seed():
    film, labels = labelled_film()
    seed = example_seed(3, 1, 4)

    def vary(film, labels, seed):
        shape = [SIZE, SIZE]
        return vary_film(tf.ensure_shape(film, shape), tf.ensure_shape(labels, shape), seed)

    varied, turned = check_op(vary, film, labels, seed, atol=1e-2)
    tf.random.set_seed(99)
    again = vary_film(film, labels, seed)
    np.testing.assert_array_equal(again[0], varied)
    np.testing.assert_array_equal(again[1], turned)
    assert varied.dtype == tf.float32
    assert turned.dtype == tf.uint8
    other, _ = vary_film(film, labels, example_seed(3, 1, 5))
    assert np.abs(other - varied).max() > 10


def test_labels_stay_aligned_with_their_film():
    film, labels = labelled_film()
    for seed in seeds(100):
        varied, turned = (x.numpy() for x in VARY(film, labels, seed))
        assert 0 <= varied.min() <= varied.max() <= 255
        bright, marked = varied > 110, turned > 0
        assert np.sum(bright & marked) / np.sum(bright | marked) > 0.93
        assert set(np.unique(turned)) == {0, 1, 2, 3}


def test_films_are_never_mirrored():
    film, labels = labelled_film()
    for seed in seeds(200):
        _, turned = VARY(film, labels, seed)
        heart, left, right = (centroid(turned.numpy() == label) for label in (1, 2, 3))
        assert right[1] < left[1]
        assert max(left[0], right[0]) < heart[0]


def test_films_vary_in_turn_size_and_place_within_bounds():
    film, labels = labelled_film()
    before = {label: centroid(labels.numpy() == label) for label in (2, 3)}
    angles, scales, shifts = [], [], []
    for seed in seeds(200):
        turned = VARY(film, labels, seed)[1].numpy()
        after = {label: centroid(turned == label) for label in (2, 3)}
        down, right = after[2] - after[3]
        angles.append(math.degrees(math.atan2(-down, right)))
        scales.append(math.hypot(down, right) / (before[2] - before[3])[1])
        shifts.append((after[2] + after[3] - before[2] - before[3]) / 2)
    # The middle of the lungs lies 6 pixels off the middle of the turn; discs are drawn in pixels.
    assert 6 < np.abs(angles).max() < 9.5
    assert 0.84 < min(scales) < 0.9
    assert 1.1 < max(scales) < 1.19
    assert 0.04 * SIZE < np.abs(shifts).max() < 0.06 * SIZE + 2


def test_a_strength_of_nought_leaves_the_film():
    film = tf.constant(smooth_film())
    varied, labels = vary_film(film, labelled_film()[1], example_seed(0, 0, 0), 0.0)
    np.testing.assert_allclose(varied, film, rtol=0, atol=1e-3)
    np.testing.assert_array_equal(labels, labelled_film()[1])


# Patches as another source might give them.


def lung_patch():
    """A smooth patch whose left half is outside the lungs."""
    patch = np.maximum(smooth_film(), 40.0).astype(np.float32)
    patch[:, : SIZE // 2] = 0
    return patch


def test_frames_are_blank_background_and_leave_at_least_half_of_each_side():
    film, labels = labelled_film()
    film = tf.maximum(film, 20.0)  # so that neither frame looks like the film
    frame = tf.function(frame_film)
    kinds, narrowest, plain = [], SIZE, 0
    for seed in seeds(200):
        found, marked = (x.numpy() for x in frame(film, labels, seed, tf.constant(0.5)))
        blank = (found == 0) | (found == 255)
        assert not marked[blank].any()
        bright = found > 110
        bright &= ~blank
        assert np.sum(bright & (marked > 0)) / np.sum(bright | (marked > 0)) > 0.8
        rows, columns = np.flatnonzero(~blank.all(1)), np.flatnonzero(~blank.all(0))
        narrowest = min(narrowest, len(rows), len(columns))
        assert not blank[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].any()
        if blank.any():
            kinds.append(found[blank].max())
        plain += np.array_equal(found, film)
    assert SIZE // 2 - 1 <= narrowest <= SIZE // 2 + 4
    assert set(kinds) == {0.0, 255.0} and 0.1 < np.mean(kinds) / 255 < 0.35
    # Half are left alone, and of the others those without a margin.
    assert 90 < plain < 125


def test_frame_film_is_a_pure_function_of_its_seed():
    film, labels = labelled_film()

    def frame(film, labels, seed):
        shape = [SIZE, SIZE]
        return frame_film(tf.ensure_shape(film, shape), tf.ensure_shape(labels, shape), seed, 0.9)

    framed, marked = check_op(frame, film, labels, example_seed(3, 1, 4), atol=1e-2)
    assert framed.dtype == tf.float32 and marked.dtype == tf.uint8


def test_vary_patch_is_a_pure_function_of_its_seed():
    patch, seed = lung_patch(), example_seed(3, 1, 4)
    varied = check_op(
        lambda x, key: vary_patch(tf.ensure_shape(x, [SIZE, SIZE]), key + 1, key),
        patch,
        seed,
        atol=1e-2,
    )
    tf.random.set_seed(99)
    np.testing.assert_array_equal(vary_patch(tf.constant(patch), seed + 1, seed), varied)
    for others in ((seed + 1, example_seed(3, 1, 5)), (example_seed(3, 1, 5), seed)):
        assert np.abs(vary_patch(tf.constant(patch), *others) - varied).max() > 10


def unturned(patch, seed, strength=1.0):
    """Vary a patch that is neither turned nor mirrored."""
    return vary_patch(patch, tf.constant([0, 0], tf.int64), seed, strength, 0.0)


def test_the_seed_of_unturned_does_not_mirror():
    patch = lung_patch()
    found = rotate_and_flip(tf.constant(patch), tf.constant([0, 0], tf.int64), 0.0)
    np.testing.assert_array_equal(found, patch)


def one_after_the_other(patch, turn_seed, seed, strength):
    """What `vary_patch` does, in four resamplings in place of one or three."""
    size = patch.shape[0]
    patch = rotate_and_flip(patch, turn_seed)
    draws = tf.random.stateless_uniform([6], seed, -1.0, 1.0).numpy() * strength
    scale = tf.constant(1.2 ** abs(draws[0]), tf.float32)
    patch = warp(patch[None], similarity(tf.zeros([]), scale, tf.zeros([2]), size))[0]
    side = round(size * 2.5 ** min(draws[1], 0.0))
    coarse = tf.image.resize(patch[..., None], [side, side], antialias=True)
    patch = tf.image.resize(coarse, [size, size])[..., 0].numpy()
    share = np.clip(patch / 255.0, 0, 1) ** 1.3 ** draws[2]
    share = (share - 0.5) * 1.2 ** draws[3] + 0.5 + 0.08 * draws[4]
    noise = tf.random.stateless_normal([size, size], tf.random.fold_in(seed, 1))
    share += 0.02 * abs(draws[5]) * noise.numpy()
    return np.where(patch > 0, 255 * np.clip(share, 0, 1), 0)


def test_one_resampling_gives_the_picture_of_several():
    chest = phantom("normal", np.random.default_rng(2), 1024)
    (film,), _ = normalise(tf.constant(chest.pixels), -1, (1024,))
    seen = np.where(chest.right_lung | chest.left_lung, film, 0)
    row, column = np.argwhere(chest.right_lung).mean(0).astype(int)
    patch = tf.constant(seen[row - 112 : row + 112, column - 112 : column + 112])
    for strength in (0.5, 1.0):
        apart = []
        for index in range(40):
            keys = example_seed(1, 0, index), example_seed(2, 0, index)
            found = vary_patch(patch, *keys, strength).numpy()
            apart.append(np.abs(found - one_after_the_other(patch, *keys, strength)))
        # Grey levels on average, over all patches and of the worst.
        assert np.mean(apart) < 1
        assert np.mean(apart, (1, 2)).max() < 2


def test_what_is_outside_the_lungs_stays_black():
    patch = tf.constant(lung_patch())
    vary = tf.function(lambda seed: unturned(patch, seed))
    for seed in seeds(60):
        varied = vary(seed).numpy()
        assert 0 <= varied.min() <= varied.max() <= 255
        # The edge lies in the middle, where enlarging leaves it; the blur moves it a little.
        assert not varied[:, : SIZE // 2 - 5].any()
        assert varied[:, SIZE // 2 + 5 :].mean() > 15


def test_patches_vary_in_brightness_sharpness_and_size():
    patch = lung_patch()
    vary = tf.function(lambda seed: unturned(tf.constant(patch), seed))
    inside = (slice(8, -8), slice(SIZE // 2 + 8, -8))
    edges = np.stack([vary(seed).numpy() for seed in seeds(200)])
    means = edges[:, *inside].mean((1, 2)) / patch[inside].mean()
    assert means.min() < 0.9 and means.max() > 1.1
    stripes = np.tile([40.0, 200.0], (SIZE, SIZE // 2)).astype(np.float32)
    fine = tf.function(lambda seed: unturned(tf.constant(stripes), seed))
    dot = tf.constant(255 * blob(SIZE / 2, SIZE * 0.75))
    varied = [unturned(dot, seed).numpy() for seed in seeds(100)]
    moved = [centroid(x > 0.8 * x.max())[1] - (SIZE - 1) / 2 for x in varied]
    sizes = np.array(moved) / (SIZE / 4 + 0.5)
    assert 0.97 < sizes.min() < 1.03 and 1.15 < sizes.max() < 1.23
    contrast = np.array([np.diff(fine(seed)[8:-8, 8:-8], axis=1).std() for seed in seeds(200)])
    assert (contrast < 0.3 * contrast.max()).sum() > 20


def test_no_strength_changes_nothing():
    patch = lung_patch()
    np.testing.assert_allclose(
        unturned(tf.constant(patch), example_seed(0, 0, 0), 0.0), patch, atol=1e-3
    )


@pytest.mark.parametrize("shape", [(40, 61), (8, 8)])
def test_a_compressed_film_is_a_jpeg_of_the_film(shape):
    rng = np.random.default_rng(0)
    levels = cv2.resize(rng.uniform(200, 4095, (5, 5)), shape[::-1]).astype(np.uint16)
    found = compress_film(tf.constant(levels), 75).numpy()
    assert found.dtype == np.uint16 and (found % 257 == 0).all()
    spread = (levels - levels.min()) / np.ptp(levels) * 255
    grey = np.rint(spread).astype(np.uint8)
    code = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    expected = cv2.imdecode(code, cv2.IMREAD_GRAYSCALE).astype(int)
    # The coders round differently.
    assert np.abs(found.astype(int) // 257 - expected).max() <= 4
    assert np.abs(found / 257.0 - spread).max() < 25


def test_the_quality_of_compressed_films_varies():
    noise = tf.random.stateless_uniform([64, 64], [0, 0], 0, 65536, tf.int32)
    noise = tf.cast(noise, tf.uint16)

    def lost(quality: int) -> float:
        found = compress_film(noise, quality)
        return float(np.abs(found.numpy() / 257 - noise.numpy() / 257).mean())

    drawn = [int(jpeg_quality(seed)) for seed in seeds(400)]
    assert (min(drawn), max(drawn)) == (30, 95)
    assert lost(95) < lost(60) < lost(30)
