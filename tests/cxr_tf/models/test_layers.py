"""The layers: batch normalisation in one operation has the values of Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.models.layers import BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM, batch_norm


@pytest.fixture
def pair():
    """Ours and Keras' layer with the same weights, none of them trivial."""
    generator = np.random.default_rng(0)
    inputs = keras.Input((None, None, 6))
    ours = keras.Model(inputs, batch_norm(inputs, "bn"))
    theirs = keras.layers.BatchNormalization(
        momentum=BATCH_NORM_MOMENTUM, epsilon=BATCH_NORM_EPSILON
    )
    theirs.build(inputs.shape)
    values = [generator.uniform(0.5, 2.0, x.shape).astype(np.float32) for x in theirs.weights]
    ours.set_weights(values)
    theirs.set_weights(values)
    return ours, theirs


def batch(shape=(2, 5, 7, 6), seed=1):
    return tf.constant(np.random.default_rng(seed).normal(3.0, 2.0, shape), tf.float32)


def test_inference_is_that_of_keras(pair):
    ours, theirs = pair
    np.testing.assert_allclose(ours(batch()), theirs(batch()), rtol=1e-5, atol=1e-5)


def test_training_gradients_and_statistics_are_those_of_keras(pair):
    found, before = [], pair[0].get_weights()[2:]
    for layer in pair:
        with tf.GradientTape() as tape:
            inputs = batch()
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            loss = tf.reduce_sum(tf.sin(outputs))
        sources = [inputs, *layer.trainable_variables]
        found.append([outputs, *tape.gradient(loss, sources), *layer.weights])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    for old, new in zip(before, pair[0].get_weights()[2:], strict=True):
        assert (old != new).all()


def test_a_layer_that_is_not_trainable_keeps_its_statistics(pair):
    ours, theirs = pair
    ours.trainable = theirs.trainable = False
    before = [np.array(x) for x in ours.get_weights()]
    outputs = ours(batch(), training=True)
    np.testing.assert_allclose(outputs, theirs(batch(), training=True), rtol=1e-5, atol=1e-5)
    for old, new in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("training", [False, True])
def test_half_precision_keeps_its_type(training):
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        inputs = keras.Input((None, None, 6))
        model = keras.Model(inputs, batch_norm(inputs, "bn"))
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    outputs = model(batch(), training=training)
    assert outputs.dtype == tf.bfloat16
    assert {weight.dtype for weight in model.weights} == {"float32"}
