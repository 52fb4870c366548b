"""Margin, interval and decision: by hand, and the graph against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.method.closeness import decided, outputs_of_votes
from cxr_tf.method.voting import closeness, decision


@pytest.mark.parametrize(
    ("votes", "chosen", "below", "expected"),
    [
        ([60, 30, 0, 10], 0, 0.0, (0.3, 0.502003, 0.690599, "a")),
        ([60, 30, 0, 10], 0, 0.3, (0.3, 0.502003, 0.690599, "a")),  # not below it
        ([60, 30, 0, 10], 0, 0.31, (0.3, 0.502003, 0.690599, "refer")),
        ([50, 0, 50, 0], 2, 0.01, (0.0, 0.403832, 0.596168, "refer")),
        ([50, 0, 50, 0], 2, 0.0, (0.0, 0.403832, 0.596168, "c")),
        ([0, 0, 0, 1], 3, 1.0, (1.0, 0.206549, 1.0, "d")),
        ([0, 0, 0, 0], -1, 1.0, (0.0, 0.0, 0.0, "")),
    ],
)
def test_a_narrow_vote_is_referred(votes, chosen, below, expected):
    label = "abcd"[chosen] if chosen >= 0 else ""
    found = outputs_of_votes(votes, chosen, sum(votes))
    assert list(found) == ["margin", "agreement_low", "agreement_high"]
    assert tuple(round(x, 6) for x in found.values()) == expected[:3]
    assert decided(label, found["margin"], below) == expected[-1]
    assert decision(tf.constant(label), tf.constant(found["margin"], tf.float64), below) == (
        expected[-1].encode()
    )


def test_the_graph_gives_what_numpy_gives():
    graph = tf.function(closeness, reduce_retracing=True)
    rng = np.random.default_rng(0)
    for used in (*range(1, 60), 99, 100, 399, 400):
        votes = rng.multinomial(used, rng.dirichlet(np.ones(4))).astype(np.int32)
        chosen = int(votes.argmax())
        found = graph(tf.constant(votes), tf.constant(chosen), tf.constant(used))
        expected = outputs_of_votes(votes, chosen, used)
        for name, value in found.items():
            assert value.dtype == tf.float64
            np.testing.assert_allclose(value, expected[name], rtol=0, atol=1e-12)
