"""An answer decided anew by another rule than the model's own, from its patches."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cxr_tf.measures.rule_names import Rule
from cxr_tf.measures.vote_rules import aggregate, best, lung_shares
from cxr_tf.measures.wilson import wilson
from cxr_tf.method.model_card import ModelCard


def decided_by(rule: Rule, answer: Mapping[str, Any], card: ModelCard) -> dict[str, Any]:
    """Give an explained answer with what the rule changes of it.

    Votes and probabilities stay; `label`, `class_index`, `agreement` with its interval, `margin`
    (the lead of the rule's scores) and `abstain` follow the rule.

    Args:
        rule: the rule.
        answer: outputs of `Triage.explain_film` of one film, or their values.
        card: the model's.
    """
    values = {name: np.asarray(value) for name, value in answer.items()}
    if values["class_index"] < 0:
        return dict(answer)
    probabilities, used = values["patch_probabilities"], int(values["patches_used"])
    shares = lung_shares(values["mask"], values["centres"], card.options.patch_side)
    scores = aggregate(probabilities, shares)[rule]
    chosen = best(scores, probabilities)
    won = int(values["votes"][chosen])
    low, high = wilson(won, used)
    changed: dict[str, Any] = {
        "class_index": np.int32(chosen),
        "label": card.classes[chosen],
        "agreement": np.float32(np.float32(won) / np.float32(used)),
        "agreement_low": low,
        "agreement_high": high,
        "margin": max(0.0, float(scores[chosen] - np.delete(scores, chosen).max())),
    }
    if card.reliability is not None and "conformal_set" in values:
        possible = values["conformal_set"]
        changed["abstain"] = bool(possible.sum() != 1 or possible[chosen] == 0)
    return {**answer, **changed}
