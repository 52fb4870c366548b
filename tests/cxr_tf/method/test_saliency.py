import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr_tf.method.saliency import (
    corners,
    enlargement,
    global_grad_cam,
    grad_cam,
    gradient_weights,
    normalised,
    placed_enlargement,
    probabilistic_grad_cam,
    reduce_by_area,
)
from cxr_tf.models.registry import build
from cxr_tf.models.resnet import LOGITS
from cxr_tf.training.tf_explain_maps import tf_explain_maps
from tests.protocol import check_op

FEW = settings(max_examples=40, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)
FILM, PATCH, CLASSES = 1024, 224, 4


def up(small, size):
    """UP of Eq. 3: bilinear, by OpenCV."""
    return cv2.resize(small.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)


def plain_maps(features, weights, size):
    """Eq. 3 for every patch and class, each divided by its maximum, patch by patch."""
    maps = np.zeros((len(features), weights.shape[1], size, size))
    for k, c in np.ndindex(maps.shape[:2]):
        weighted = sum(weights[k, c, i] * features[k, :, :, i] for i in range(features.shape[-1]))
        large = up(np.maximum(weighted, 0), size)
        maps[k, c] = large / large.max() if large.max() > 0 else 0
    return maps


def plain_stitching(maps, probabilities, centres, used, size):
    """Eq. 5, one patch after the other, each cut where it leaves the film."""
    classes, patch = maps.shape[1], maps.shape[-1]
    total, cover = np.zeros((classes, size, size)), np.zeros((size, size))
    for k in np.flatnonzero(used):
        top, left = centres[k] - patch // 2
        rows = slice(max(0, top), min(size, top + patch))
        columns = slice(max(0, left), min(size, left + patch))
        part = maps[k, :, rows.start - top : rows.stop - top]
        part = part[:, :, columns.start - left : columns.stop - left]
        total[:, rows, columns] += probabilities[k, :, None, None] * part
        cover[rows, columns] += 1
    return np.divide(total, cover, out=np.zeros_like(total), where=cover > 0), cover


def plain_pixels(maps, probabilities, centres, used, size):
    """Eq. 5, one pixel after the other."""
    result = np.zeros((maps.shape[1], size, size))
    patch = maps.shape[-1]
    for row, column in np.ndindex(size, size):
        sums, count = np.zeros(maps.shape[1]), 0
        for k, (y, x) in enumerate(centres):
            i, j = row - (y - patch // 2), column - (x - patch // 2)
            if used[k] and 0 <= i < patch and 0 <= j < patch:
                sums += probabilities[k] * maps[k, :, i, j]
                count += 1
        if count:
            result[:, row, column] = sums / count
    return result


def small_maps(count, classes=CLASSES, side=7, seed=0):
    """Maps as Grad-CAM gives them: not negative, some parts and a few whole maps zero."""
    rng = np.random.default_rng(seed)
    maps = np.maximum(rng.normal(0, 3, (count, classes, side, side)), 0)
    maps[rng.random((count, classes)) < 0.1] = 0
    return maps.astype(np.float32)


def softmaxes(count, classes=CLASSES, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), count).astype(np.float32)


# Eq. 4.


def dense_head(channels=16, classes=CLASSES, seed=0):
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(channels, classes)).astype(np.float32)
    bias = rng.normal(size=classes).astype(np.float32)
    return kernel, lambda x: tf.matmul(tf.reduce_mean(x, [1, 2]), kernel) + bias


@pytest.mark.parametrize(("height", "width"), [(7, 7), (4, 4), (3, 5), (1, 1)])
def test_the_gradient_of_pooling_and_a_dense_layer_is_its_closed_form(height, width):
    kernel, head = dense_head()
    features = np.random.default_rng(1).normal(size=(3, height, width, 16)).astype(np.float32)
    weights = gradient_weights(head, tf.constant(features), CLASSES)
    expected = np.broadcast_to(kernel.T / (height * width), (3, CLASSES, 16))
    np.testing.assert_allclose(weights, expected, rtol=1e-5, atol=1e-7)


def test_the_gradient_is_that_of_the_class_alone_and_not_constant_in_general():
    mixing = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)

    def head(x):
        return tf.matmul(tf.reduce_mean(x**2, [1, 2]), mixing)

    features = np.random.default_rng(1).normal(size=(2, 3, 4, 6)).astype(np.float32)
    weights = gradient_weights(head, tf.constant(features), 2)
    # d score / d f = 2 f mixing / 12, and its mean over the 12 pixels.
    expected = 2 * features.mean((1, 2))[:, None] * mixing.T / 12
    np.testing.assert_allclose(weights, expected, rtol=1e-4, atol=1e-6)


def test_gradient_weights_in_all_ways():
    _, head = dense_head()
    features = np.random.default_rng(1).normal(size=(2, 7, 7, 16)).astype(np.float32)
    check_op(lambda x: gradient_weights(head, x, CLASSES), features, atol=1e-6)


@pytest.fixture(scope="module")
def classifier():
    """A small ResNet-18 whose batch norms do something, and patches for it."""
    keras.utils.set_random_seed(3)
    model = build("resnet18_small", size=96)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.name in ("gamma", "moving_variance"):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif weight.name in ("beta", "moving_mean"):
            weight.assign(rng.normal(0, 0.2, weight.shape))
    return model, rng.normal(size=(3, 96, 96, 3)).astype(np.float32)


def our_maps(model, patches):
    """Features, weights and maps before enlargement, as the exported model makes them."""
    features = model(patches, training=False)["features"]
    layer = model.get_layer(LOGITS)
    weights = gradient_weights(lambda x: layer(tf.reduce_mean(x, [1, 2])), features, CLASSES)
    return features, weights, grad_cam(features, weights)


def test_the_network_s_gradient_is_the_kernel_over_the_pixels(classifier):
    model, patches = classifier
    features, weights, _ = our_maps(model, patches)
    kernel = np.asarray(model.get_layer(LOGITS).kernel)
    pixels = features.shape[1] * features.shape[2]
    expected = np.broadcast_to(kernel.T / pixels, weights.shape)
    np.testing.assert_allclose(weights, expected, rtol=1e-5, atol=1e-8)


def test_grad_cam_is_that_of_tf_explain(classifier):
    model, patches = classifier
    features, weights, maps = our_maps(model, patches)
    # Without the ReLU, which tf-explain leaves to its colouring.
    raw = maps - grad_cam(features, -weights)
    for index in range(CLASSES):
        theirs = tf_explain_maps(model, patches, index)
        np.testing.assert_allclose(raw[:, index], theirs, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(maps[:, index], np.maximum(theirs, 0), rtol=1e-4, atol=1e-6)
    assert raw.numpy().min() < 0 < maps.numpy().max()


# Eq. 3.


@FEW
@given(SEEDS, st.integers(1, 4), st.integers(1, 4), st.integers(2, 7), st.sampled_from([8, 21, 56]))
def test_normalised_maps_are_eq_3_in_plain_numpy(seed, count, classes, side, size):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, side, side, 5)).astype(np.float32)
    weights = rng.normal(size=(count, classes, 5)).astype(np.float32)
    weights[rng.random((count, classes)) < 0.2] = 0
    maps = normalised(grad_cam(features, weights), size)
    grow = enlargement(side, size).numpy()
    large = np.einsum("yu,ncuv,xv->ncyx", grow, maps, grow)
    np.testing.assert_allclose(large, plain_maps(features, weights, size), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("small", "large"), [(7, 224), (4, 112), (14, 448), (7, 256), (3, 8), (1, 5)]
)
def test_enlargement_is_bilinear(small, large):
    line = np.random.default_rng(0).normal(size=(small, 1)).astype(np.float32)
    theirs = cv2.resize(line, (1, large), interpolation=cv2.INTER_LINEAR)[:, 0]
    matrix = enlargement(small, large).numpy()
    assert matrix.shape == (large, small)
    np.testing.assert_allclose(matrix @ line[:, 0], theirs, rtol=0, atol=1e-5)
    np.testing.assert_allclose(matrix.sum(1), 1, rtol=1e-6)


def test_the_relu_cuts_negative_evidence():
    features = np.array([1.0, -1.0], np.float32).reshape(1, 1, 2, 1)
    maps = grad_cam(features, np.array([[[2.0], [-3.0]]], np.float32))
    np.testing.assert_array_equal(maps, [[[[2, 0]], [[0, 3]]]])


def test_a_map_of_zeros_stays_and_any_other_reaches_one():
    maps = small_maps(6)
    maps[0, 0], maps[0, 1] = 0, 0
    maps[0, 1, 3, 3] = 1e-30
    maps[0, 2] *= 1e30
    found = normalised(maps, PATCH).numpy()
    grow = enlargement(7, PATCH).numpy()
    highest = np.einsum("yu,ncuv,xv->ncyx", grow, found, grow).max((2, 3))
    np.testing.assert_allclose(highest, maps.any((2, 3)), rtol=0, atol=1e-5)
    assert not found[0, 0].any()


def test_eq_3_in_all_ways():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 7, 7, 5)).astype(np.float32)
    weights = rng.normal(size=(2, CLASSES, 5)).astype(np.float32)
    check_op(grad_cam, features, weights, atol=1e-5)
    maps = grad_cam(features, weights)
    check_op(lambda x: normalised(tf.ensure_shape(x, [None, None, 7, 7]), PATCH), maps, atol=1e-5)


# Eq. 5.

BORDERS = [0, 1, 111, 112, 500, 911, 912, 913, 1023]


def borders():
    """Centres at every border and corner, some far inside, many of them twice."""
    rng = np.random.default_rng(0)
    centres = [[row, column] for row in BORDERS[:3] + BORDERS[-3:] for column in (0, 600, 1023)]
    centres += rng.integers(300, 700, (6, 2)).tolist()
    return np.array(centres + centres[:2], np.int32)


def stitched(maps, probabilities, centres, used, patch=PATCH, film=FILM, atol=1e-5):
    """Eq. 5 in all ways, with the shapes that the exported model knows."""
    _, classes, height, width = maps.shape

    def stitch(maps, probabilities, centres, used):
        maps = tf.ensure_shape(maps, [None, classes, height, width])
        return probabilistic_grad_cam(maps, probabilities, centres, used, patch, film)

    return check_op(stitch, maps, probabilities, centres, used, atol=atol).numpy()


def test_the_map_of_a_film_is_that_of_slow_stitching():
    centres = borders()
    count = len(centres)
    maps, probabilities = normalised(small_maps(count), PATCH).numpy(), softmaxes(count)
    used = np.arange(count) % 5 != 3
    found = stitched(maps, probabilities, centres, used)
    large = np.stack([[up(y, PATCH) for y in x] for x in maps])
    expected, cover = plain_stitching(large, probabilities, centres, used, FILM)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    assert cover.max() >= 3
    assert np.any(cover == 0)
    assert not np.any(found[:, cover == 0])
    assert 0 <= found.min() < 0.1
    assert 0.5 < found.max() <= 1
    assert found.dtype == np.float32


@pytest.mark.parametrize(("patch", "side"), [(112, 4), (448, 14)])
def test_other_patch_sizes(patch, side):
    centres = borders()[::4]
    count = len(centres)
    maps = normalised(small_maps(count, 2, side), patch).numpy()
    probabilities, used = softmaxes(count, 2), np.ones(count, bool)
    found = probabilistic_grad_cam(maps, probabilities, centres, used, patch, FILM)
    large = np.stack([[up(y, patch) for y in x] for x in maps])
    expected, _ = plain_stitching(large, probabilities, centres, used, FILM)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@FEW
@given(SEEDS, st.integers(1, 6), st.integers(1, 3), st.sampled_from([2, 6, 8, 20]))
def test_the_map_is_eq_5_pixel_by_pixel(seed, count, classes, patch):
    rng = np.random.default_rng(seed)
    maps = normalised(small_maps(count, classes, 2, seed), patch).numpy()
    probabilities = softmaxes(count, classes, seed)
    centres = rng.integers(0, 12, (count, 2)).astype(np.int32)
    used = rng.random(count) < 0.8
    found = probabilistic_grad_cam(maps, probabilities, centres, used, patch, 12).numpy()
    large = np.stack([[up(y, patch) for y in x] for x in maps])
    expected = plain_pixels(large, probabilities, centres, used, 12)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert 0 <= found.min() <= found.max() <= 1


def test_many_patches_in_one_place_stay_in_range():
    maps = normalised(np.ones((100, CLASSES, 7, 7), np.float32), PATCH)
    probabilities = np.eye(CLASSES, dtype=np.float32)[np.zeros(100, int)]
    centres = np.full((100, 2), 512, np.int32)
    found = probabilistic_grad_cam(maps, probabilities, centres, np.ones(100, bool), PATCH, FILM)
    inside = found[:, 400:624, 400:624]
    np.testing.assert_allclose(inside[0], 1, rtol=0, atol=1e-5)
    assert not np.any(inside[1:])
    assert np.sum(found.numpy() > 0) == PATCH * PATCH
    assert found.numpy().max() <= 1


def test_no_patch_gives_an_empty_map():
    maps, probabilities = small_maps(3, 2), softmaxes(3, 2)
    centres = np.zeros((3, 2), np.int32)
    found = stitched(maps, probabilities, centres, np.zeros(3, bool), film=256)
    np.testing.assert_array_equal(found, np.zeros((2, 256, 256)))


def test_patches_that_do_not_count_may_lie_anywhere():
    maps = normalised(small_maps(3, 2), PATCH).numpy()
    probabilities, used = softmaxes(3, 2), np.array([True, False, True])
    centres = np.array([[90, 80], [-1, -1], [200, 250]], np.int32)
    found = stitched(maps, probabilities, centres, used, film=256)
    alone = probabilistic_grad_cam(
        maps[::2], probabilities[::2], centres[::2], used[::2], PATCH, 256
    )
    np.testing.assert_allclose(found, alone, rtol=0, atol=1e-6)


# Sizes.


def test_maps_are_reduced_by_block_means():
    maps = np.random.default_rng(0).random((3, 64, 64)).astype(np.float32)
    found = check_op(lambda x: reduce_by_area(tf.ensure_shape(x, [3, 64, 64]), 16), maps, atol=1e-6)
    np.testing.assert_allclose(found, maps.reshape(3, 16, 4, 16, 4).mean((2, 4)), atol=1e-6)


def test_the_baseline_is_grad_cam_over_the_whole_film():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(1, 7, 7, 5)).astype(np.float32)
    weights = rng.normal(size=(1, CLASSES, 5)).astype(np.float32)
    weights[0, 2] = 0
    maps = normalised(grad_cam(features, weights), 256)
    found = check_op(
        lambda x: global_grad_cam(tf.ensure_shape(x, [1, CLASSES, 7, 7]), 256), maps, atol=1e-5
    ).numpy()
    np.testing.assert_allclose(found, plain_maps(features, weights, 256)[0], rtol=0, atol=1e-4)
    assert found.min() == 0
    assert found.max() <= 1
    assert not found[2].any()


@pytest.mark.parametrize(("small", "large"), [(7, 224), (4, 112), (14, 448), (8, 256), (7, 225)])
def test_the_maximum_is_at_a_corner(small, large):
    places = corners(small, large)
    assert len(places) <= 2 * small + 2
    maps = tf.random.stateless_uniform([5, 1, small, small], [0, large])
    whole = enlargement(small, large)
    enlarged = tf.einsum("yu,ncuv,xv->ncyx", whole, maps, whole).numpy()
    found = enlarged[:, :, places][:, :, :, places].max((2, 3))
    np.testing.assert_array_equal(found, enlarged.max((2, 3)))


def test_a_map_enlarged_to_the_whole_axis_is_the_plain_enlargement():
    found = placed_enlargement(14, 256, tf.constant(0.0), tf.constant(256.0))
    np.testing.assert_allclose(found, enlargement(14, 256), atol=1e-5)


def test_the_map_of_a_square_lies_where_the_square_does():
    maps = tf.ones([1, 2, 7, 7])
    found = global_grad_cam(maps, 64, tf.constant([8.0, -16.0, 40.0])).numpy()
    inside = np.zeros((64, 64))
    inside[8:48, :24] = 1.0
    np.testing.assert_allclose(found, np.stack([inside] * 2), atol=1e-6)
    np.testing.assert_array_equal(
        global_grad_cam(maps, 64, tf.constant([0.0, 0.0, 64.0])), global_grad_cam(maps, 64)
    )
