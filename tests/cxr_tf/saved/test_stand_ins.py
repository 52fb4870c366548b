"""Graphs optimised without their weights, against the same graphs as they were."""

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.runtime.tf_private import optimise_graph
from cxr_tf.saved import stand_ins
from cxr_tf.saved.stand_ins import LEAST, optimised

WEIGHTS = np.random.default_rng(0).normal(size=(3, 3, 32, 64)).astype(np.float32)
FILM = np.random.default_rng(1).normal(size=(1, 16, 16, 32)).astype(np.float32)


def graph_of(function):
    with tf.Graph().as_default() as graph:
        given = tf.compat.v1.placeholder(tf.float32, FILM.shape, "film")
        tf.identity(function(given), "answer")
    return graph.as_graph_def()


def answer(definition):
    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(definition, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run("answer:0", {"film:0": FILM})


def convolved(film, weights):
    found = tf.nn.conv2d(film, weights, 1, "SAME")
    return tf.nn.relu(tf.nn.bias_add(found, np.ones(64, np.float32)))


def computed(film):
    return convolved(film, tf.constant(WEIGHTS) * 3.0)


def in_parts(film):
    parts = tf.split(tf.constant(WEIGHTS), [8, 24], axis=2)
    return sum(convolved(x, y) for x, y in zip(tf.split(film, [8, 24], axis=3), parts, strict=True))


def scaled(film):
    return convolved(film * 3.0, WEIGHTS)


def with_a_nan(film):
    weights = WEIGHTS.copy()
    weights[0, 0, 0, 0] = np.nan
    return convolved(film, weights)


@pytest.fixture
def optimiser_runs(monkeypatch):
    sizes = []

    def seen(graph, *others):
        sizes.append(graph.ByteSize())
        return optimise_graph(graph, *others)

    monkeypatch.setattr(stand_ins, "optimise_graph", seen)
    return sizes


@pytest.mark.parametrize(
    ("function", "runs"),
    [
        (lambda x: convolved(x, WEIGHTS), 1),
        (computed, 1),
        (in_parts, 1),
        (with_a_nan, 1),
        (scaled, 2),  # the optimiser takes the factor into the filter
    ],
)
def test_the_answer_is_that_of_the_graph_as_it_was(function, runs, optimiser_runs):
    assert WEIGHTS.nbytes >= LEAST
    graph = graph_of(function)
    expected = answer(graph)
    found = optimised(graph, ["film:0"], ["answer:0"], tf.compat.v1.ConfigProto())
    assert any(node.op == "_FusedConv2D" for node in found.node)
    np.testing.assert_allclose(answer(found), expected, atol=1e-4)
    assert len(optimiser_runs) == runs


def test_the_optimiser_sees_no_weights(optimiser_runs):
    graph = graph_of(lambda x: convolved(x, WEIGHTS))
    optimised(graph, ["film:0"], ["answer:0"], tf.compat.v1.ConfigProto())
    assert optimiser_runs[0] < 5000 < WEIGHTS.nbytes
