"""The majority vote over a film's patches (section II-B), and when it is settled early."""

import math

import tensorflow as tf

from cxr_tf.method.outputs import REFER

#: Standard deviations that leave 95 % of a normal distribution between them.
_Z = 1.959963984540054


def count_votes(probabilities: tf.Tensor, used: tf.Tensor) -> tf.Tensor:
    """Count the patches that each class wins.

    Args:
        probabilities: softmax of each patch, float32 [K, C].
        used: bool [K], which patches count.

    Returns:
        int32 [C].
    """
    winners = tf.argmax(probabilities, -1, output_type=tf.int32)
    votes = tf.one_hot(winners, probabilities.shape[-1], dtype=tf.int32)
    return tf.reduce_sum(tf.where(used[:, None], votes, 0), 0)


def mean_probabilities(probabilities: tf.Tensor, used: tf.Tensor) -> tf.Tensor:
    """Average the softmax over the patches that count.

    Args:
        probabilities: float32 [K, C].
        used: bool [K].

    Returns:
        float32 [C]; zero where no patch counts.
    """
    total = tf.reduce_sum(tf.where(used[:, None], probabilities, 0.0), 0)
    return tf.math.divide_no_nan(total, tf.reduce_sum(tf.cast(used, tf.float32)))


def decide(votes: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    """Choose the class with most votes, or with the highest score.

    A tie goes to the tied class with the larger mean probability, then to the lower index.

    Args:
        votes: int32 [C], or scores, float64 [C].
        probabilities: mean softmax over all patches, float32 [C].

    Returns:
        int32 scalar.
    """
    leading = votes == tf.reduce_max(votes)
    return tf.argmax(tf.where(leading, probabilities, -1.0), output_type=tf.int32)


def closeness(votes: tf.Tensor, chosen: tf.Tensor, count: tf.Tensor) -> dict[str, tf.Tensor]:
    """Say how close a vote was (`cxr_tf.method.closeness` says it in NumPy).

    Args:
        votes: int32 [C], C >= 2.
        chosen: int32 scalar, the class that was chosen.
        count: int32 scalar, patches that voted, at least 1.

    Returns:
        float64 scalars: `margin`, and the ends of Wilson's interval of the agreement,
        `agreement_low` and `agreement_high`.
    """
    second = tf.reduce_max(tf.where(tf.range(tf.size(votes)) == chosen, 0, votes))
    won, trials = tf.cast(votes[chosen], tf.float64), tf.cast(count, tf.float64)
    share, square = won / trials, tf.constant(_Z * _Z, tf.float64)
    middle = share + square / (2.0 * trials)
    half = _Z * tf.sqrt(share * (1.0 - share) / trials + square / (4.0 * trials * trials))
    whole = 1.0 + square / trials
    zero, one = tf.zeros([], tf.float64), tf.ones([], tf.float64)
    return {
        "margin": tf.maximum(zero, (won - tf.cast(second, tf.float64)) / trials),
        "agreement_low": tf.maximum(zero, (middle - half) / whole),
        "agreement_high": tf.minimum(one, (middle + half) / whole),
    }


def decision(label: tf.Tensor, margin: tf.Tensor, refer_below: float) -> tf.Tensor:
    """Refer a film whose margin is too small.

    Args:
        label: string scalar, '' without an answer.
        margin: float64 scalar.
        refer_below: least margin of an answer that is not referred.

    Returns:
        string scalar.
    """
    close = margin < tf.constant(refer_below, tf.float64)
    return tf.where((label != "") & close, REFER, label)


def patches_needed_more(
    votes: tf.Tensor, count: tf.Tensor, enough: tf.Tensor | float = math.inf
) -> tf.Tensor:
    """Count the fewest further patches after which the vote may be settled.

    It is settled where leader - runner-up > patches left. A patch narrows that by two at most: one
    more vote for the leader, and one patch less to come. With a finite `enough` a vote also counts
    as settled, though it may still turn, where the lead exceeds that many of its standard
    deviations, the root of the votes for both, were both equally likely (the sign test).

    Args:
        votes: int32 [C], C >= 2.
        count: int32 scalar, patches that vote in all.
        enough: float32 scalar; infinity for an exact answer.

    Returns:
        int32 scalar; 0 where the vote is settled.
    """
    left = count - tf.reduce_sum(votes)
    best = tf.math.top_k(votes, 2).values
    lead = best[0] - best[1]
    likely = tf.cast(lead, tf.float32) > enough * tf.sqrt(tf.cast(best[0] + best[1], tf.float32))
    needed = tf.where(lead > left, 0, tf.minimum((left - lead) // 2 + 1, left))
    return tf.where(likely, 0, needed)
