"""Rules beside the majority vote, in the graph (`cxr_tf.measures.vote_rules` has them in NumPy)."""

import tensorflow as tf

from cxr_tf.measures.rule_names import TRIMMED, Rule


def lung_shares(lungs: tf.Tensor, centres: tf.Tensor, patch_size: int) -> tf.Tensor:
    """Compute the share of each patch's window that is lung; nothing outside the film is.

    Args:
        lungs: bool [S, S].
        centres: int32 [K, 2]: row, column.
        patch_size: side of a patch in pixels.

    Returns:
        float64 [K] in 0..1.
    """
    counted = tf.cumsum(tf.cumsum(tf.cast(lungs, tf.int32), 0), 1)
    sums = tf.pad(counted, [[1, 0], [1, 0]])
    half, side = patch_size // 2, lungs.shape[0]
    low = tf.clip_by_value(centres - half, 0, side)
    high = tf.clip_by_value(centres + half, 0, side)

    def upto(rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
        return tf.gather_nd(sums, tf.stack([rows, columns], 1))

    area = (
        upto(high[:, 0], high[:, 1])
        - upto(low[:, 0], high[:, 1])
        - upto(high[:, 0], low[:, 1])
        + upto(low[:, 0], low[:, 1])
    )
    return tf.cast(area, tf.float64) / patch_size**2


def class_scores(rule: Rule, probabilities: tf.Tensor, shares: tf.Tensor) -> tf.Tensor:
    """Score each class of a film by a rule other than the majority.

    Args:
        rule: its name.
        probabilities: softmax of each patch that counts, float32 [K, C], K >= 1.
        shares: share of each patch that is lung, float64 [K].

    Returns:
        float64 [C], in 0..1.

    Raises:
        ValueError: the rule needs no scores, or is unknown.
    """
    exact = tf.cast(probabilities, tf.float64)
    if rule == "mean":
        return tf.reduce_mean(exact, 0)
    if rule == "trimmed_mean":
        count = tf.shape(exact)[0]
        cut = tf.cast(TRIMMED * tf.cast(count, tf.float64), tf.int32)
        return tf.reduce_mean(tf.sort(exact, axis=0)[cut : count - cut], 0)
    if rule == "area_weighted":
        weights = tf.cond(tf.reduce_sum(shares) > 0, lambda: shares, lambda: tf.ones_like(shares))
        return tf.reduce_sum(exact * weights[:, None], 0) / tf.reduce_sum(weights)
    raise ValueError(f"rule {rule!r} has no scores of classes")


def lead(scores: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Subtract the best score of the other classes from that of the chosen class.

    Args:
        scores: float64 [C], C >= 2.
        chosen: int32 scalar.

    Returns:
        float64 scalar, at least 0.
    """
    others = tf.where(tf.range(tf.size(scores)) == chosen, tf.zeros_like(scores), scores)
    return tf.maximum(tf.zeros([], tf.float64), scores[chosen] - tf.reduce_max(others))
