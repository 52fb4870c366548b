"""Build the inference module of an exported model again, with the graph of this version."""

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

import keras

from cxr_tf.method.model_card import ModelCard, NetworkFacts
from cxr_tf.method.reliability.parameters import read_reliability
from cxr_tf.method.triage import Triage
from cxr_tf.method.triage_options import DecisionOptions
from cxr_tf.models.names import Precision
from cxr_tf.models.precision import built_in
from cxr_tf.models.registry import build, build_classifier
from cxr_tf.models.weights import load_weights, weight_hashes
from cxr_tf.saved.build import version_with
from cxr_tf.saved.model_folders import read_card, version_folder
from cxr_tf.saved.weights_out import ExtractOptions, extract
from cxr_tf.saved.weights_record import BEST


def remake_module(
    model: str | Path,
    precision: Precision = "float32",
    reliability: Path | None = None,
    decision: DecisionOptions | None = None,
) -> tuple[Triage, ModelCard, dict[str, dict[str, str]]]:
    """Take the weights and options of an exported model, as `make_module` takes those of runs.

    The weights are the same, so the model keeps its version's name unless it computes or decides in
    another way.

    Args:
        model: an exported model with a classifier.
        precision: what the networks compute in.
        reliability: numbers fitted for this model, JSON; None keeps those that it has.
        decision: how it decides where a request does not say otherwise; None as it does now.

    Returns:
        What `make_module` returns; the card keeps the name, version and date of the old model.

    Raises:
        FileNotFoundError: there is no model, or it has no card.
        ValueError: the card is damaged, or from an earlier version.
        UsageError: the model was exported without hashes of its weights, or `reliability` was not
            fitted for it.
    """
    folder = version_folder(Path(model))
    card = read_card(folder)
    if precision != card.precision:
        named = f"{card.model_version} {precision}"
        version = hashlib.sha256(named.encode()).hexdigest()[:12]
        card = replace(card, precision=precision, model_version=version)
    if reliability is not None:
        card = replace(card, reliability=read_reliability(reliability, card.model_version))
    if decision is not None:
        version = version_with(card.model_version, card.decision, decision)
        card = replace(card, decision=decision, model_version=version)
    card = replace(card, finds_collages=card.reliability is not None)
    networks = exported_networks(folder, card)
    segmentation, classification = networks["segmentation"], networks["classification"]
    module = Triage(segmentation, classification, card.triage_options, card.reliability)
    return module, card, {name: weight_hashes(network) for name, network in networks.items()}


def exported_networks(folder: Path, card: ModelCard) -> dict[str, keras.Model]:
    """Build the networks of an exported model, with its weights.

    Args:
        folder: of its version.
        card: of the model, or another one of the same networks: it says what they compute in.

    Returns:
        `segmentation` and `classification`.

    Raises:
        UsageError: the model was exported without hashes of its weights.
    """
    networks = {}
    with tempfile.TemporaryDirectory() as name:
        runs = {run.name: run for run in extract(ExtractOptions(model=folder, out=Path(name)))}
        for task, facts in card.networks.items():
            with built_in(card.precision):
                networks[task] = _network(task, facts, card)
            load_weights(networks[task], runs[task] / BEST)
    return networks


def _network(task: str, facts: NetworkFacts, card: ModelCard) -> keras.Model:
    """Build one of a model's networks, with fresh weights."""
    if task == "segmentation":
        return build(facts.network, size=facts.size)
    return build_classifier(
        facts.network,
        approach=card.options.approach,
        patch_size=facts.size,
        classes=len(card.classes),
    )
