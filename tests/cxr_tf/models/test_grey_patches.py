"""The folded first convolution, against the network that sees three channels."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.method.frozen import frozen
from cxr_tf.models.grey_patches import grey_network
from cxr_tf.models.names import CLASSIFICATION_NETWORKS
from cxr_tf.models.registry import build
from pipelines.patches import SCALINGS, network_input
from tests.cxr_tf.models.varied_norms import varied_norms

LUNGS = "resnet18_layer3_lungs"


@pytest.mark.parametrize(
    ("name", "scaling"),
    [each for each in itertools.product(CLASSIFICATION_NETWORKS, SCALINGS)
     if "on_lungs" not in CLASSIFICATION_NETWORKS[each[0]].options or each[1] == "imagenet"],
)  # fmt: skip
def test_answers_are_those_of_three_channels(name, scaling):
    network = varied_norms(build(name, size=96))
    patches = np.random.default_rng(0).uniform(0, 255, (3, 96, 96)).astype(np.float32)
    patches[0] = 0.0
    expected = network(network_input(tf.constant(patches), scaling), training=False)
    found = grey_network(network, scaling)(tf.constant(patches))
    assert set(found) == set(expected)
    for each, values in expected.items():
        largest = np.abs(values).max()
        np.testing.assert_allclose(found[each], values, atol=1e-5 * largest, err_msg=each)


def test_kernels_stay_constants_of_the_frozen_graph():
    network = build("resnet18_small", size=64)
    answer = grey_network(network, "imagenet")
    run = frozen(lambda x: answer(x)["logits"], tf.TensorSpec([2, 64, 64]))
    patches = tf.random.stateless_uniform([2, 64, 64], [0, 0], 0.0, 255.0)
    before = run(patches)[0].numpy()
    for variable in network.variables:
        variable.assign(tf.zeros_like(variable))
    np.testing.assert_array_equal(run(patches)[0], before)


def test_an_unknown_scaling_is_told():
    with pytest.raises(ValueError, match="'half' is unknown"):
        grey_network(build("resnet18_small", size=64), "half")


def test_lungs_are_found_at_one_scaling_alone():
    with pytest.raises(ValueError, match="of the scaling 'imagenet' alone"):
        grey_network(build(LUNGS, size=64), "raw255")


def test_a_network_without_that_layer_is_called_as_it_is():
    patch = keras.Input((8, 8, 3))
    network = keras.Model(patch, {"logits": keras.layers.GlobalAveragePooling2D()(patch)})
    found = grey_network(network, "raw255")(tf.fill([2, 8, 8], 7.0))
    np.testing.assert_array_equal(found["logits"], np.full((2, 3), 7.0))
