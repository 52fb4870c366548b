"""Windows of one feature map stand where the patches do that they take the place of."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.method.classifier import Classifier
from cxr_tf.method.triage_options import TriageOptions
from cxr_tf.method.windows import WindowNetwork
from cxr_tf.models.grey_patches import first_layers
from cxr_tf.models.registry import build
from pipelines.patches import cut_patches, network_input

CLASSES = ("a", "b", "c")
#: A film whose black is the zero that surrounds convolutions: nothing is to be told apart there.
PLAIN = TriageOptions(classes=CLASSES, approach="dense", patch_size=224, scaling="raw255")


@pytest.fixture(scope="module")
def network():
    """A random network for pictures of any size."""
    keras.utils.set_random_seed(3)
    return build("resnet18_small", size=None, classes=len(CLASSES))


@pytest.fixture(scope="module")
def classifier(network):
    return Classifier(network, PLAIN)


def blot(*middle, side=40, seed=0, whole=1024):
    """A film that is black but for a random square around a place, and lung there."""
    film, lungs = np.zeros((whole, whole), np.float32), np.zeros((whole, whole), bool)
    (top, left) = (each - side // 2 for each in middle)
    part = slice(top, top + side), slice(left, left + side)
    film[part] = np.random.default_rng(seed).uniform(50, 255, (side, side))
    lungs[part] = True
    return tf.constant(film), tf.constant(lungs)


def look(windows: WindowNetwork, film, lungs):
    return windows.look(film, lungs, windows.black())


def test_a_cell_looks_at_its_pixel_from_both_sides_alike():
    """With filters of ones, what an impulse at (32 u, 32 v) leaves is symmetric about (u, v)."""
    network = build("resnet18_small", size=None, classes=1)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(
                tf.ones_like(layer.kernel) / layer.kernel[..., 0].shape.num_elements()
            )
    for place, exact in ((7 * 32, True), (7 * 32 + 4, False), (7 * 32 + 16, False)):
        picture = np.zeros((1, 480, 480), np.float32)
        picture[0, place, place] = 255.0
        inputs = network_input(tf.constant(picture), "raw255")
        cells = network(inputs, training=False)["features"][0, :, :, 0].numpy()
        around = cells[7 - 3 : 7 + 4, 7 - 3 : 7 + 4]
        assert around.max() > 0
        assert np.allclose(around, around[::-1, ::-1], rtol=1e-4, atol=0) is exact, place


def test_a_window_is_the_patch_that_it_takes_the_place_of():
    """Up to what crosses the border: little, with filters that look at their middle above all."""
    keras.utils.set_random_seed(3)
    network = build("resnet18_small", size=None, classes=len(CLASSES))
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.kernel_size[0] > 1:
            kernel, middle = layer.kernel.numpy() * 0.02, layer.kernel_size[0] // 2
            kernel[middle, middle] *= 50
            layer.kernel.assign(kernel)
    classifier = Classifier(network, PLAIN)
    assert classifier.windows is not None
    film, lungs = blot(512, 480, side=224)
    found = look(classifier.windows, film, lungs)
    (own,) = np.flatnonzero((found.centres.numpy() == (512, 480)).all(1))
    logits, features = (
        x[0].numpy()
        for x in classifier.of_patches(cut_patches(film, tf.constant([[512, 480]]), 224))
    )
    cell, whole = found.cells.numpy()[own], found.features.numpy()

    def difference(down, right):
        y, x = cell + (down, right)
        return float(np.abs(whole[y : y + 7, x : x + 7] - features).mean() / features.mean())

    differences = {(y, x): difference(y, x) for y in range(-2, 3) for x in range(-2, 3)}
    here = differences.pop((0, 0))
    assert here < 0.02 and min(differences.values()) > 0.1, (here, differences)
    spread = found.logits.numpy().std(0)
    assert (np.abs(found.logits.numpy()[own] - logits) < 0.2 * spread).all()


@pytest.mark.parametrize(
    ("name", "options", "stride"),
    [("resnet18_small", {}, 32), ("resnet18_layer3", {"width": 16}, 16)],
)
def test_logits_of_windows_are_means_of_what_keras_makes_of_the_box(name, options, stride):
    """Of a network with fewer stages the windows are half as large and half as far apart."""
    keras.utils.set_random_seed(3)
    network = build(name, size=None, classes=len(CLASSES), **options)
    size = 7 * stride
    plain = dataclasses.replace(PLAIN, patch_size=size, film_size=32 * stride)
    windows = Classifier(network, plain).windows
    assert windows is not None and windows.stride == stride
    film, lungs = blot(15 * stride, 16 * stride, side=150 * stride // 32, whole=32 * stride)
    whole = WindowNetwork(windows.trunk, windows.dense, size, "whole", stride)
    found = look(whole, film, lungs)
    top, left = found.centres.numpy().min(0) - size // 2
    bottom, right = found.centres.numpy().max(0) + size // 2
    box = film[None, top:bottom, left:right]
    features = network(network_input(box, "raw255"), training=False)["features"][0].numpy()
    kernel, bias = (np.asarray(x) for x in network.get_layer("fc").weights)
    scale = np.abs(features).max()
    np.testing.assert_allclose(found.features, features, atol=1e-4 * scale)
    np.testing.assert_allclose(found.means @ kernel + bias, found.logits, atol=1e-4 * scale)
    centres, logits = found.centres.numpy(), found.logits.numpy()
    assert len(centres) == 25 and (centres % stride == 0).all()
    for centre, cell, scores in zip(centres, found.cells.numpy(), logits, strict=True):
        row, column = (centre - (top, left) - size // 2) // stride
        assert tuple(cell) == (row, column)
        window = features[row : row + 7, column : column + 7].mean((0, 1))
        np.testing.assert_allclose(scores, window @ kernel + bias, rtol=1e-3, atol=1e-4 * scale)


def test_beyond_the_margin_stands_what_the_network_makes_of_black():
    """It changes windows little, and stands in the two outermost rings."""
    keras.utils.set_random_seed(4)
    network = build("resnet18_small", size=None, classes=len(CLASSES))
    options = TriageOptions(classes=CLASSES, approach="dense", patch_size=224)
    windows = Classifier(network, options).windows
    assert windows is not None
    film, lungs = blot(512, 512, side=200)
    short = look(windows, film, lungs)
    long = look(WindowNetwork(windows.trunk, windows.dense, 224, "whole", 32), film, lungs)
    assert short.features.shape == long.features.shape
    black = windows.black().numpy()
    for ring in (0, 1, -1, -2):
        outermost = short.features[ring].numpy()
        np.testing.assert_array_equal(outermost, np.broadcast_to(black, outermost.shape))
    inner = np.s_[2:-2, 2:-2]
    assert (np.abs(short.features[inner] - black).max(-1) > 0).all()
    spread = long.logits.numpy().std()
    assert np.abs(short.logits - long.logits).mean() < 0.2 * max(spread, 1e-3)


def test_black_is_the_same_in_any_black_picture(network, classifier):
    windows = classifier.windows
    assert windows is not None
    keras.utils.set_random_seed(5)
    other = build("resnet18_small", size=None, classes=len(CLASSES))
    trunk = Classifier(other, TriageOptions(classes=CLASSES, approach="dense")).windows
    assert trunk is not None
    large = trunk.trunk(tf.zeros([1, 608, 576]))[0].numpy()
    np.testing.assert_allclose(large[9, 8], trunk.black(), rtol=1e-5, atol=1e-6)
    assert np.abs(large[0, 0] - trunk.black()).max() > 1e-4  # a border is none of it


@pytest.mark.parametrize("scaling", ["imagenet", "raw255"])
def test_the_first_layers_see_black_beyond_a_picture(network, scaling):
    """A picture in a black one gives the same, but where its first pooling would see outside."""
    inside = np.random.default_rng(6).uniform(0, 255, (1, 64, 96)).astype(np.float32)
    layers = first_layers(network, scaling, None)
    large = layers(tf.constant(np.pad(inside, ((0, 0), (32, 32), (32, 32)))))
    alone = layers(tf.constant(inside))
    np.testing.assert_allclose(alone[:, 1:, 1:], large[:, 9:-8, 9:-8], rtol=1e-5, atol=1e-4)
