"""What the graph is asked about a film: the tensors that `VoteOptions` become."""

from typing import NamedTuple

import tensorflow as tf

from cxr_tf.method.vote_options import SERVING_SEED, VoteOptions

#: What every function for one decoded film takes first.
FILM_SPECS = (
    tf.TensorSpec([None, None], tf.uint16, "pixels"),
    tf.TensorSpec([], tf.int32, "padding"),
)
GATE_SPEC = tf.TensorSpec([], tf.bool, "gate")
#: What the functions that decide take next.
VOTE_SPECS = (
    tf.TensorSpec([], tf.int64, "seed"),
    tf.TensorSpec([], tf.int32, "patches"),
    tf.TensorSpec([], tf.int32, "stride"),
    GATE_SPEC,
)
ENOUGH_SPEC = tf.TensorSpec([], tf.float32, "enough")
UNWEIGHTED_SPEC = tf.TensorSpec([], tf.bool, "unweighted")


class Question(NamedTuple):
    """What is asked about a film.

    Attributes:
        seed: int64 scalar, seed of the centres.
        patches: int32 scalar; what lies outside 1..400 is moved to the nearest bound.
        stride: int32 scalar, spacing of a grid of patches; 0 for random ones.
        gate: bool scalar, refuse what does not look like an upright frontal chest film.
        enough: float32 scalar, lead in standard deviations at which the vote ends, infinity for an
            exact end; None where every patch is looked at.
        explain: give maps and patches too.
        unweighted: bool scalar, give the map without the probability of each patch too; None where
            that map is no output.
        dense: put it to the dense vote, to which seed, patches, stride and `enough` do not matter.
    """

    seed: tf.Tensor | int = SERVING_SEED
    patches: tf.Tensor | int = 0
    stride: tf.Tensor | int = 0
    gate: tf.Tensor | bool = True
    enough: tf.Tensor | None = None
    explain: bool = False
    unweighted: tf.Tensor | None = None
    dense: bool = False


def vote_tensors(vote: VoteOptions) -> tuple[tf.Tensor, ...]:
    """Turn options into the tensors of `VOTE_SPECS`, in their order.

    Args:
        vote: the options; a stride that is left to the model is 0.
    """
    values = [getattr(vote, spec.name) for spec in VOTE_SPECS]
    return tuple(
        tf.constant(0 if value is None else value, spec.dtype)
        for value, spec in zip(values, VOTE_SPECS, strict=True)
    )


def dense_tensors(vote: VoteOptions) -> tuple[tf.Tensor, ...]:
    """Turn options into what a function of the dense vote takes of them.

    Args:
        vote: the options.
    """
    return (tf.constant(vote.gate, GATE_SPEC.dtype),)
