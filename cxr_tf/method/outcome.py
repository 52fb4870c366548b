"""What a vote comes to, as outputs of the model."""

import tensorflow as tf

from cxr_tf.measures.rule_names import MAJORITY, Rule
from cxr_tf.method.rules import class_scores, lead, lung_shares
from cxr_tf.method.voting import closeness, decide

Tensors = dict[str, tf.Tensor]


def outcome(votes: tf.Tensor, mean: tf.Tensor, count: tf.Tensor) -> Tensors:
    """Say what the majority of a film's patches decides.

    Args:
        votes: int32 [C].
        mean: mean softmax over the patches, float32 [C].
        count: int32 scalar, patches that voted, at least 1.

    Returns:
        `class_index`, `votes`, `probabilities`, `agreement` with its interval, `margin`,
        `patches_used`.
    """
    chosen = decide(votes, mean)
    return {
        "votes": votes,
        "probabilities": mean,
        "patches_used": count,
        **_of_class(chosen, votes, count),
    }


def by_rule(
    rule: Rule,
    voted: Tensors,
    probabilities: tf.Tensor,
    centres: tf.Tensor,
    lungs: tf.Tensor,
    patch_size: int,
) -> Tensors:
    """Say what changes where another rule than the majority decides.

    Args:
        rule: its name; the majority changes nothing.
        voted: of `outcome`.
        probabilities: softmax of each patch that counts, float32 [K, C].
        centres: int32 [K, 2]: row, column.
        lungs: bool [S, S].
        patch_size: side of a patch in pixels.
    """
    if rule == MAJORITY:
        return voted
    scores = class_scores(rule, probabilities, lung_shares(lungs, centres, patch_size))
    chosen = decide(scores, voted["probabilities"])
    of_class = _of_class(chosen, voted["votes"], voted["patches_used"])
    return voted | of_class | {"margin": lead(scores, chosen)}


def _of_class(chosen: tf.Tensor, votes: tf.Tensor, count: tf.Tensor) -> Tensors:
    """Give the outputs that tell of the class that was chosen."""
    return {
        "class_index": chosen,
        "agreement": tf.cast(votes[chosen], tf.float32) / tf.cast(count, tf.float32),
        **closeness(votes, chosen, count),
    }
