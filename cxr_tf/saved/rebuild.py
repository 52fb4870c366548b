"""Build the inference module of an exported model again, with the graph of this version."""

import hashlib
import tempfile
from pathlib import Path
from typing import Any

from cxr_tf.method.reliability.parameters import Reliability, read_reliability
from cxr_tf.method.triage import Triage
from cxr_tf.method.triage_options import TriageOptions
from cxr_tf.models.names import Precision
from cxr_tf.models.precision import built_in
from cxr_tf.models.registry import build
from cxr_tf.models.weights import load_weights, weight_hashes
from cxr_tf.saved.model_folders import read_card, version_folder
from cxr_tf.saved.run_folder import BEST
from cxr_tf.saved.weights_out import ExtractOptions, extract


def remake_module(
    model: str | Path, precision: Precision = "float32", reliability: Path | None = None
) -> tuple[Triage, dict[str, Any]]:
    """Take the weights and options of an exported model, as `make_module` takes those of runs.

    The weights are the same, so the model keeps its version's name unless the precision changes.

    Args:
        model: an exported model with a classifier.
        precision: what the networks compute in.
        reliability: numbers fitted for this model, JSON; None keeps those that it has.

    Returns:
        The module and the card.

    Raises:
        FileNotFoundError: there is no model.
        UsageError: the model was exported without hashes of its weights, or `reliability` was not
            fitted for it.
    """
    folder = version_folder(Path(model))
    card = {k: v for k, v in read_card(folder).items() if k not in ("name", "version")}
    before = card.get("precision", "float32")
    card["precision"] = precision
    if precision != before:
        named = f"{card['model_version']} {precision}"
        card["model_version"] = hashlib.sha256(named.encode()).hexdigest()[:12]
    trust = None
    if reliability is not None:
        trust = read_reliability(reliability, card["model_version"])
    elif card.get("reliability"):
        trust = Reliability.from_record(card["reliability"])
    card["reliability"] = trust.record() if trust else None
    classes = tuple(card["classes"])
    networks = {}
    with tempfile.TemporaryDirectory() as name:
        runs = {run.name: run for run in extract(ExtractOptions(model=folder, out=Path(name)))}
        for task, facts in card["networks"].items():
            options = {"classes": len(classes)} if task == "classification" else {}
            with built_in(precision):
                networks[task] = build(facts["network"], size=facts["size"], **options)
            load_weights(networks[task], runs[task] / BEST)
            facts["weights"] = weight_hashes(networks[task])
    module = Triage(
        networks["segmentation"],
        networks["classification"],
        TriageOptions(classes=classes, version=card["model_version"], **card["options"]),
        trust,
    )
    return module, card
