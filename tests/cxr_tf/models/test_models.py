import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.models.names import CLASSIFICATION_NETWORKS, SEGMENTATION_NETWORKS
from cxr_tf.models.registry import build
from cxr_tf.models.resnet import FEATURES, LOGITS, freeze


@functools.cache
def network(name, size=256):
    """One instance of a network for all tests that only look at it."""
    return build(name, size=size)


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@pytest.mark.slow
def test_parameters_of_fc_densenet103():
    model = network("fc_densenet103")
    assert model.count_params() == 9_422_500
    assert trainable(model) == 9_319_428
    assert model.input_shape == (None, 256, 256, 1)
    assert model.output_shape == (None, 256, 256, 4)


def test_parameters_of_fc_densenet67():
    assert network("fc_densenet67").count_params() == 3_500_036


def test_parameters_of_resnet18():
    model = network("resnet18", 224)
    assert trainable(model) == 11_178_564
    assert model.output["logits"].shape == (None, 4)
    assert model.output["features"].shape == (None, 7, 7, 512)
    assert model.get_layer(FEATURES).output is model.output["features"]
    assert model.get_layer(LOGITS).output is model.output["logits"]


def test_parameters_of_resnet18_without_its_last_stage():
    model = network("resnet18_layer3", 224)
    assert trainable(model) == 2_783_812
    assert model.output["features"].shape == (None, 14, 14, 256)


def test_parameters_that_are_not_trained_are_batch_norm_statistics():
    for name in ("fc_densenet56", "u_net", "resnet18_small"):
        left = {w.path.rsplit("/", 1)[1] for w in network(name).non_trainable_weights}
        assert left - {"seed_generator_state"} == {"moving_mean", "moving_variance"}


@pytest.mark.parametrize("size", [128, 256])
@pytest.mark.parametrize("name", ["fc_densenet56", "u_net_small"])
def test_segmentation_gives_one_logit_a_class_and_pixel(name, size):
    model = network(name, size)
    film = np.random.default_rng(0).uniform(size=(1, size, size, 1)).astype(np.float32)
    logits = model(film, training=False)
    assert logits.shape == (1, size, size, 4) and logits.dtype == tf.float32
    assert np.isfinite(logits).all()
    # Logits, not probabilities: neither positive nor summing to one.
    assert np.asarray(logits).min() < 0.0
    assert np.abs(np.asarray(logits).sum(-1) - 1.0).max() > 0.1


@pytest.mark.parametrize("name", ["fc_densenet56", "fc_densenet67", "u_net", "u_net_small"])
def test_weights_fit_any_size(name):
    """A network trained at 128 is used at 256."""
    small, large = network(name, 128), network(name)
    assert [w.path for w in small.weights] == [w.path for w in large.weights]
    assert [w.shape for w in small.weights] == [w.shape for w in large.weights]
    assert large.output_shape == (None, 256, 256, 4)


@pytest.mark.parametrize("size", [112, 224, 448])
def test_classifier_takes_every_patch_size(size):
    model = build("resnet18_small", size=size, classes=3)
    found = model(np.ones((2, size, size, 3), np.float32), training=False)
    assert found["logits"].shape == (2, 3)
    side = -(-size // 32)
    assert found["features"].shape == (2, side, side, 128)


def test_logits_are_the_dense_layer_on_mean_features():
    """What Grad-CAM's closed form stands on."""
    model = build("resnet18_small", size=64)
    patches = np.random.default_rng(1).normal(size=(3, 64, 64, 3)).astype(np.float32)
    found = model(patches, training=False)
    dense = model.get_layer(LOGITS)
    pooled = found["features"].numpy().mean((1, 2))
    expected = pooled @ dense.kernel.numpy() + dense.bias.numpy()
    np.testing.assert_allclose(found["logits"], expected, rtol=1e-5, atol=1e-5)
    assert found["features"].numpy().min() >= 0.0


def padded_convolution(image, kernel, stride, margin):
    """torchvision's convolution of one image: zeros on every side alike."""
    image = np.pad(image, [(margin, margin), (margin, margin), (0, 0)])
    side = kernel.shape[0]
    rows = range(0, image.shape[0] - side + 1, stride)
    return np.array(
        [
            [
                np.einsum("yxc,yxcf->f", image[y : y + side, x : x + side], kernel)
                for x in range(0, image.shape[1] - side + 1, stride)
            ]
            for y in rows
        ]
    )


@pytest.mark.parametrize(
    ("layer", "stride", "margin"),
    [
        ("conv1", 2, 3),
        ("layer1_0_conv1", 1, 1),
        ("layer2_0_conv1", 2, 1),
        ("layer2_0_downsample_0", 2, 0),
    ],
)
def test_padding_is_that_of_torchvision(layer, stride, margin):
    model = build("resnet18_small", size=32)
    convolution = model.get_layer(layer)
    names = [each.name for each in model.layers]
    first = f"{layer}_padding" if f"{layer}_padding" in names else layer
    start = model.get_layer(first).input
    probe = keras.Model(start, convolution.output)
    image = np.random.default_rng(2).normal(size=start.shape[1:]).astype(np.float32)
    expected = padded_convolution(image, convolution.kernel.numpy(), stride, margin)
    np.testing.assert_allclose(probe(image[None])[0], expected, rtol=1e-4, atol=1e-4)


def test_pooling_is_that_of_torchvision():
    model = build("resnet18_small", size=32)
    probe = keras.Model(model.get_layer("relu").output, model.get_layer("maxpool").output)
    image = np.abs(np.random.default_rng(3).normal(size=(16, 16, 16))).astype(np.float32)
    padded = np.pad(image, [(1, 1), (1, 1), (0, 0)])
    expected = np.array(
        [
            [padded[y : y + 3, x : x + 3].max((0, 1)) for x in range(0, 16, 2)]
            for y in range(0, 16, 2)
        ]
    )
    np.testing.assert_array_equal(probe(image[None])[0], expected)


def test_dropout_takes_whole_channels():
    model = network("fc_densenet56", 128)
    drops = [x for x in model.layers if isinstance(x, keras.layers.Dropout)]
    assert drops and all(isinstance(x, keras.layers.SpatialDropout2D) for x in drops)
    assert {x.rate for x in drops} == {0.2}
    kept = drops[0](np.ones((1, 8, 8, 400), np.float32), training=True).numpy()
    by_channel = kept.reshape(64, 400)
    assert (by_channel == by_channel[0]).all()
    assert 0.1 < (by_channel[0] == 0).mean() < 0.3


@pytest.mark.parametrize("name", [*SEGMENTATION_NETWORKS, *CLASSIFICATION_NETWORKS])
def test_batch_norm_has_the_momentum_and_epsilon_of_the_authors(name):
    norms = [x for x in network(name).layers if isinstance(x, keras.layers.BatchNormalization)]
    assert norms
    assert {(x.momentum, x.epsilon, x.synchronized) for x in norms} == {(0.9, 1e-5, False)}


def test_unknown_network_is_refused():
    with pytest.raises(ValueError, match="u_net_small"):
        build("mobilenet")


@pytest.mark.parametrize("stages, kept", [(0, 0), (1, 3), (3, 30), (5, 60)])
def test_frozen_stages_keep_their_weights(stages, kept):
    """The first ones, with the scales of their batch norm; the dense layer always learns."""
    model = build("resnet18_small", size=32, classes=3)
    freeze(model, stages)
    trained = {id(variable) for variable in model.trainable_variables}
    frozen = [v.path for v in model.weights if id(v) not in trained and "moving" not in v.path]
    assert len(frozen) == kept
    assert all(name.split("/")[0].startswith(("conv1", "bn1", "layer")) for name in frozen)
    assert model.get_layer("fc").kernel.trainable
