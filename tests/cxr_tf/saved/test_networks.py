"""Networks taken out of a SavedModel's functions, against TensorFlow's own loader."""

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.method.frozen import frozen
from cxr_tf.saved import functions as module
from cxr_tf.saved.functions import saved_functions
from cxr_tf.saved.networks import split_ahead, take_networks

FILM = np.random.default_rng(0).normal(size=(1, 8, 8, 4)).astype(np.float32)


class Twice(tf.Module):
    """A network that is called at two places, one of them in a loop, and split weights."""

    def __init__(self):
        super().__init__()
        weights = tf.Variable(
            np.random.default_rng(1).normal(size=(3, 3, 4, 4)) / 6, dtype="float32"
        )

        def network(film):
            parts = tf.split(weights, [1, 3], axis=2)
            films = tf.split(film, [1, 3], axis=3)
            both = zip(films, parts, strict=True)
            return sum(tf.nn.conv2d(x, y, 1, "SAME") for x, y in both)

        self._network = frozen(network, tf.TensorSpec([1, 8, 8, 4], tf.float32))

    @tf.function(input_signature=[tf.TensorSpec([1, 8, 8, 4]), tf.TensorSpec([], tf.int32)])
    def often(self, film, times):
        once = tf.cond(times > 0, lambda: self._network(film)[0], lambda: film)
        step = lambda number, x: (number + 1, self._network(x)[0])  # noqa: E731
        more = tf.while_loop(lambda number, _: number < times, step, (1, once))[1]
        return {"once": once, "more": more}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("twice")
    tf.saved_model.save(Twice(), str(path))
    return path


@pytest.mark.parametrize("times", [0, 1, 3])
def test_answers_are_those_of_tensorflows_loader(folder, times):
    expected = tf.saved_model.load(str(folder)).often(tf.constant(FILM), tf.constant(times))
    answer = saved_functions(folder, ["often"])["often"](FILM, times)
    assert answer.keys() == expected.keys()
    for name, value in answer.items():
        np.testing.assert_allclose(value, expected[name], atol=1e-5)


def test_a_network_is_there_once_and_no_function_holds_its_weights(folder):
    functions, _, _ = module._read(folder / "saved_model.pb", ("often",))

    def convolutions():
        return sum(node.op == "Conv2D" for each in functions.values() for node in each.node_def)

    assert convolutions() == 2
    networks = take_networks(functions, module._configuration)
    assert len(networks) == 1
    assert convolutions() == 0


def test_a_network_breaks_as_itself(folder):
    often = saved_functions(folder, ["often"])["often"]
    with pytest.raises(tf.errors.OpError):
        often(FILM[:, :, :, :3], 1)
    assert often(FILM, 1)["once"].shape == FILM.shape


def test_constants_are_split_ahead_and_what_nobody_needs_is_left_out():
    with tf.Graph().as_default() as graph:
        given = tf.compat.v1.placeholder(tf.float32, [3], "given")
        first, second = tf.split(tf.identity(tf.constant(np.arange(5.0, dtype="float32"))), [2, 3])
        with tf.control_dependencies([tf.identity(first)]):
            tf.add(second, given, "answer")
    found = split_ahead(graph.as_graph_def(), ["answer:0"])
    assert sorted(node.op for node in found.node) == ["AddV2", "Const", "Placeholder"]
    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(found, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            answer = session.run("answer:0", {"given:0": np.ones(3, np.float32)})
    np.testing.assert_array_equal(answer, [3.0, 4.0, 5.0])
