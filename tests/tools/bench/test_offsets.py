"""Random weights that cost as much time as trained ones."""

import keras
import numpy as np

from cxr_tf.models.layers import BatchNormalization
from cxr_tf.models.registry import build
from tools.bench.offsets import with_offsets


def test_every_offset_is_changed_and_nothing_else():
    keras.utils.set_random_seed(0)
    network = build("resnet18")
    before = [weight.numpy() for weight in network.weights]
    assert with_offsets(network) is network
    norms = [layer for layer in network.layers if isinstance(layer, BatchNormalization)]
    assert len(norms) == 20
    offsets = {id(layer.beta) for layer in norms}
    for weight, was in zip(network.weights, before, strict=True):
        if id(weight) in offsets:
            assert np.all(weight.numpy() != 0.0) and np.abs(weight.numpy()).max() < 1.0
        else:
            np.testing.assert_array_equal(weight.numpy(), was)
