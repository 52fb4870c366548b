import keras
import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.models.batch_norm import BatchNormEstimator
from cxr_tf.models.registry import build


def network(rate=0.6):
    """Two batch norms with dropout before and between."""
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    x = layers.SpatialDropout2D(rate, name="first_dropout")(inputs)
    x = layers.Conv2D(5, 3, padding="same", name="first_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="first")(x)
    x = layers.ReLU()(x)
    x = layers.Dropout(rate, name="second_dropout")(x)
    x = layers.Conv2D(4, 1, name="second_conv")(x)
    x = layers.BatchNormalization(momentum=0.7, epsilon=1e-5, name="second")(x)
    return keras.Model(inputs, x)


def batches(count=5, size=4, seed=0):
    rng = np.random.default_rng(seed)
    # Batches differ in mean, so that the mean of their variances is not the variance of all.
    return [
        tf.constant(rng.normal(rng.normal(), 1 + index, (size, 8, 8, 3)), tf.float32)
        for index in range(count)
    ]


def statistics(model, name):
    layer = model.get_layer(name)
    return np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)


def outputs(model, name, inputs):
    """Output of a convolution in float64, [positions, channels]."""
    probe = keras.Model(model.input, model.get_layer(name).output)
    found = np.asarray(probe(inputs, training=False), np.float64)
    return found.reshape(-1, found.shape[-1])


def test_statistics_are_the_exact_moments_without_dropout():
    model, inputs = network(), batches()
    assert BatchNormEstimator(model).estimate(inputs) == 5
    # The first layer sees no batch norm before it: moments over all inputs at once.
    seen = np.concatenate([outputs(model, "first_conv", x) for x in inputs])
    mean, variance = statistics(model, "first")
    np.testing.assert_allclose(mean, seen.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(variance, seen.var(0), rtol=1e-4)
    # The second sees inputs that the first normalised by their own batch, as in training.
    kernel = np.asarray(model.get_layer("second_conv").kernel, np.float64)[0, 0]
    second = []
    for x in inputs:
        first = outputs(model, "first_conv", x)
        normal = (first - first.mean(0)) / np.sqrt(first.var(0) + 1e-5)
        second.append(np.maximum(normal, 0) @ kernel)
    mean, variance = statistics(model, "second")
    np.testing.assert_allclose(mean, np.concatenate(second).mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(variance, np.concatenate(second).var(0), rtol=1e-4)


def test_with_one_batch_inference_equals_training_without_dropout():
    model, (inputs,) = network(), batches(1)
    BatchNormEstimator(model).estimate([inputs])
    after = model(inputs, training=False)
    for name in ("first_dropout", "second_dropout"):
        model.get_layer(name).rate = 0.0
    np.testing.assert_allclose(after, model(inputs, training=True), rtol=0, atol=1e-4)


def test_what_the_moving_averages_held_before_does_not_matter():
    results = []
    for start in (0.0, 1e6):
        keras.utils.set_random_seed(0)
        model = network()
        for layer in (model.get_layer("first"), model.get_layer("second")):
            layer.moving_mean.assign(np.full(layer.moving_mean.shape, start))
            layer.moving_variance.assign(np.full(layer.moving_variance.shape, start))
        BatchNormEstimator(model).estimate(batches())
        results.append([x for name in ("first", "second") for x in statistics(model, name)])
    for left, right in zip(*results, strict=True):
        np.testing.assert_array_equal(left, right)


def restored(model):
    momenta = [model.get_layer(name).momentum for name in ("first", "second")]
    rates = [model.get_layer(name).rate for name in ("first_dropout", "second_dropout")]
    return momenta == [0.9, 0.7] and rates == [0.6, 0.6]


def test_momentum_rates_and_weights_are_left_as_they_were():
    model = network()
    before = [np.asarray(x) for x in model.trainable_variables]
    BatchNormEstimator(model).estimate(batches(2))
    assert restored(model)
    for left, right in zip(before, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(left, right)
    # Training goes on with dropout: two calls differ.
    x = batches(1)[0]
    assert np.abs(model(x, training=True) - model(x, training=True)).max() > 0.1


def test_momentum_and_rates_are_restored_when_the_input_fails():
    def failing():
        yield batches(1)[0]
        raise OSError("the disk is gone")

    model = network()
    with pytest.raises(OSError, match="the disk is gone"):
        BatchNormEstimator(model).estimate(failing())
    assert restored(model)


def test_no_batch_is_refused_and_changes_nothing():
    model = network()
    before = statistics(model, "second")
    with pytest.raises(ValueError, match="no batch to estimate"):
        BatchNormEstimator(model).estimate([])
    assert restored(model)
    np.testing.assert_array_equal(statistics(model, "second"), before)


def test_a_network_without_batch_norm_needs_nothing():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    assert BatchNormEstimator(model).estimate([]) == 0


def test_a_channel_that_never_varies_has_no_negative_variance():
    model = network()
    kernel = np.zeros(model.get_layer("first_conv").kernel.shape, np.float32)
    model.get_layer("first_conv").kernel.assign(kernel)
    model.get_layer("first_conv").bias.assign(np.full(5, 1234.567, np.float32))
    BatchNormEstimator(model).estimate(batches())
    mean, variance = statistics(model, "first")
    np.testing.assert_allclose(mean, 1234.567, rtol=1e-5)
    assert np.all(variance >= 0)
    assert variance.max() < 1


@pytest.mark.parametrize("name", ["u_net_small", "resnet18_small"])
def test_every_batch_norm_of_our_networks_is_estimated(name):
    channels = 1 if name == "u_net_small" else 3
    model = build(name, size=32)
    BatchNormEstimator(model).estimate([tf.random.stateless_normal([2, 32, 32, channels], [0, 1])])
    layers = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert len(layers) > 4
    for layer in layers:
        assert np.any(np.asarray(layer.moving_variance) != 1), layer.name
