import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr_tf.models.registry import build
from cxr_tf.models.weights import is_kernel
from cxr_tf.training.objectives import (
    classification_loss,
    penalty,
    segmentation_loss,
)
from tests.protocol import check_op

FEW = settings(max_examples=40, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)


def softmax(logits):
    powers = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@FEW
@given(
    SEEDS,
    st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)),
    st.lists(st.floats(0, 3), min_size=2, max_size=5),
    st.floats(0.1, 30),
)
def test_segmentation_loss_is_eq_2_in_plain_numpy(seed, shape, weights, spread):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, spread, (*shape, len(weights))).astype(np.float32)
    labels = rng.integers(0, len(weights), shape).astype(np.uint8)
    probabilities = softmax(logits)
    expected = np.zeros(shape[0])
    for film, row, column in np.ndindex(shape):
        label = labels[film, row, column]
        entropy = -np.log(probabilities[film, row, column, label])
        expected[film] += weights[label] * entropy / (shape[1] * shape[2])
    losses = segmentation_loss(logits, labels, weights)
    assert losses.dtype == tf.float32
    np.testing.assert_allclose(losses, expected, rtol=1e-4, atol=1e-5)


def test_segmentation_loss_in_all_ways():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (2, 8, 8, 4)).astype(np.float32)
    labels = rng.integers(0, 4, (2, 8, 8)).astype(np.uint8)
    weights = (0.5, 1, 1, 1)
    loss = check_op(lambda x, y: segmentation_loss(x, y, weights), logits, labels, atol=1e-6)
    assert loss.shape == (2,)


def test_segmentation_loss_is_divided_by_pixels_and_not_by_weights():
    logits, labels = tf.zeros([1, 3, 5, 4]), tf.zeros([1, 3, 5], tf.uint8)
    loss = segmentation_loss(logits, labels, (0.5, 1, 1, 1))
    np.testing.assert_allclose(loss, [0.5 * np.log(4)], rtol=1e-6)


@FEW
@given(SEEDS, st.integers(1, 5), st.integers(2, 5), st.sampled_from([0.0, 0.1, 0.5]))
def test_classification_loss_in_plain_numpy(seed, batch, classes, smoothing):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 5, (batch, classes)).astype(np.float32)
    labels = rng.integers(0, classes, batch).astype(np.int32)
    target = np.full((batch, classes), smoothing / classes)
    target[np.arange(batch), labels] += 1 - smoothing
    expected = -(target * np.log(softmax(logits))).sum(-1)
    losses = classification_loss(tf.constant(logits), labels, smoothing)
    np.testing.assert_allclose(losses, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_classification_loss_in_all_ways(smoothing):
    logits = np.random.default_rng(0).normal(0, 3, (5, 4)).astype(np.float32)
    check_op(
        lambda x, y: classification_loss(tf.ensure_shape(x, [None, 4]), y, smoothing),
        logits,
        np.array([0, 3, 1, 1, 2], np.int32),
        atol=1e-6,
    )


@FEW
@given(SEEDS, st.sampled_from([0.0, 1e-6, 0.1]), st.sampled_from([0.0, 1e-5, 0.2]))
def test_the_penalty_is_half_the_squares_and_the_absolute_values(seed, l2, l1):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=shape).astype(np.float32) for shape in ((3, 3, 2, 4), (4,), (5, 2))]
    expected = sum(l2 / 2 * np.sum(w**2.0) + l1 * np.abs(w).sum() for w in weights)
    np.testing.assert_allclose(penalty(weights, l2, l1), expected, rtol=1e-5, atol=1e-9)


def test_the_gradient_of_the_penalty_is_coupled_decay():
    weight = tf.Variable([3.0, -2.0, 0.5])
    with tf.GradientTape() as tape:
        value = penalty([weight], 0.1, 1e-5)
    np.testing.assert_allclose(
        tape.gradient(value, weight), 0.1 * weight + 1e-5 * np.sign(weight), rtol=1e-6
    )


def test_the_penalty_in_all_ways():
    kernel = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    check_op(lambda *x: penalty(x, 0.1, 1e-5), kernel, kernel[0], atol=1e-6)
    assert check_op(lambda x: penalty([x], 0.0, 0.0), kernel) == 0


def test_the_penalty_of_half_precision_is_summed_in_single():
    weight = tf.fill([3000], tf.constant(1.0, tf.float16))
    value = penalty([weight], 2.0, 100.0)
    assert value.dtype == tf.float32
    np.testing.assert_allclose(value, 303_000)


def test_the_penalty_takes_the_variables_of_a_network():
    layer = keras.layers.Dense(3)
    layer.build((None, 2))
    expected = 0.5 * float(tf.reduce_sum(layer.kernel**2))
    np.testing.assert_allclose(penalty(layer.trainable_variables, 1.0, 0.0), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["resnet18_small", "u_net_small"])
def test_decoupled_decay_spares_biases_and_batch_norm(name):
    model = build(name, size=32)
    kept = {w.path for w in model.trainable_variables if is_kernel(w.path)}
    for layer in model.layers:
        decayed = {w.path for w in layer.trainable_variables} & kept
        convolves = isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose)
        expected = {layer.kernel.path} if convolves or hasattr(layer, "units") else set()
        assert decayed == expected
    assert kept
