"""Build the graph of training runs, and the facts of its model card."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from cxr_tf.method.model_card import DataFacts, ModelCard, NetworkFacts
from cxr_tf.method.triage_options import DecisionOptions, PreparationOptions
from cxr_tf.models.names import Precision
from cxr_tf.models.weights import MANTISSA_BITS, round_kernels, weight_hashes
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.typed_json import read_typed
from cxr_tf.saved.class_offsets import add_offsets, read_offsets
from cxr_tf.saved.run_folder import DATA, trained_model
from cxr_tf.saved.run_options import (
    ClassificationTrainingOptions,
    SegmentationTrainingOptions,
    TrainingOptions,
    read_run,
)
from cxr_tf.saved.weights_record import BEST
from pipelines.classes import parse_classes
from pipelines.manifest.checks import file_sha256


def make_module(
    segmentation_run: str | Path | None,
    classification_run: str | Path | None,
    resolution_limit: int | None = None,
    clean_masks: bool | None = None,
    mantissa_bits: int = MANTISSA_BITS,
    precision: Precision = "float32",
    reliability: Path | None = None,
    decision: DecisionOptions | None = None,
    class_offsets: Path | None = None,
) -> tuple[Any, ModelCard, dict[str, dict[str, str]]]:
    """Build the inference module of runs, and the facts of its model card.

    Args:
        segmentation_run: see `from_runs`.
        classification_run: see `from_runs`.
        resolution_limit: see `from_runs`.
        clean_masks: see `from_runs`.
        mantissa_bits: digits that kernels are rounded to; all of them by default.
        precision: see `from_runs`.
        reliability: numbers fitted for this model, JSON; None for none. They hold for any
            `decision`.
        decision: how the model decides where a request does not say otherwise.
        class_offsets: numbers to add to the last bias of the classifier, JSON; None for none.

    Returns:
        The `Triage` module, the card as far as it is known before an export, and the hashes of the
        weights by network and variable.

    Raises:
        FileNotFoundError: a folder holds no run.
        UsageError: neither run is given, one is of the other kind, or `reliability` was not fitted
            for this model.
    """
    from cxr_tf.method.reliability.parameters import read_reliability
    from cxr_tf.method.triage import Triage

    segmenter, classifier, runs = _runs(segmentation_run, classification_run)
    options = _preparation(segmenter, classifier)
    if resolution_limit is not None:
        options["resolution_limit"] = resolution_limit
    if clean_masks is not None:
        options["clean_masks"] = clean_masks
    classes = parse_classes(classifier.classes).names if classifier else ()
    hashes = {name: file_sha256(run / BEST) for name, (run, _) in runs.items()}
    offsets = read_offsets(class_offsets, classes) if class_offsets else ()
    version = _version(hashes, options, mantissa_bits, precision, classes, offsets)
    trust = read_reliability(reliability, version) if reliability else None
    decision = decision or DecisionOptions()
    networks = {name: trained_model(run, precision) for name, (run, _) in runs.items()}
    if offsets:
        add_offsets(networks["classification"], offsets)
    if mantissa_bits != MANTISSA_BITS:
        for network in networks.values():
            round_kernels(network, mantissa_bits)
    facts_of = {
        name: NetworkFacts(
            network=config.network,
            weights_sha256=hashes[name],
            data=_data_facts(run / DATA),
            preset=config.preset,
            size=_input_size(config),
        )
        for name, (run, config) in runs.items()
    }
    card = ModelCard(
        classes=classes,
        model_version=version_with(version, DecisionOptions(), decision),
        class_map=classifier.classes if classifier is not None else "",
        phantom=any(each.data.phantom for each in facts_of.values()),
        options=PreparationOptions(**options),
        mantissa_bits=mantissa_bits,
        precision=precision,
        networks=facts_of,
        reliability=trust,
        decision=decision,
        finds_collages=trust is not None,
        class_offsets=offsets,
    )
    segmentation, classification = networks["segmentation"], networks.get("classification")
    module = Triage(segmentation, classification, card.triage_options, trust)
    return module, card, {name: weight_hashes(network) for name, network in networks.items()}


def _input_size(config: TrainingOptions) -> int:
    """Side of a network's films or patches."""
    if isinstance(config, SegmentationTrainingOptions):
        return config.size
    assert isinstance(config, ClassificationTrainingOptions)
    return config.patch_size


def _runs(
    segmentation_run: str | Path | None, classification_run: str | Path | None
) -> tuple[
    SegmentationTrainingOptions,
    ClassificationTrainingOptions | None,
    dict[str, tuple[Path, TrainingOptions]],
]:
    """Read the options of both runs, and give each with its folder."""
    classifier: ClassificationTrainingOptions | None = None
    runs: dict[str, tuple[Path, TrainingOptions]] = {}
    if classification_run is not None:
        found = read_run(Path(classification_run))
        if not isinstance(found, ClassificationTrainingOptions):
            raise UsageError(f"{classification_run} is a run of segmentation, not classification")
        classifier = found
        segmentation_run = segmentation_run or classifier.segmentation
    if segmentation_run is None:
        raise UsageError("name a segmentation run, a classification run, or both")
    segmenter = read_run(Path(segmentation_run))
    if not isinstance(segmenter, SegmentationTrainingOptions):
        raise UsageError(f"{segmentation_run} is a run of classification, not segmentation")
    runs["segmentation"] = Path(segmentation_run), segmenter
    if classifier is not None:
        runs["classification"] = Path(str(classification_run)), classifier
    return segmenter, classifier, runs


def _preparation(
    segmenter: SegmentationTrainingOptions, classifier: ClassificationTrainingOptions | None
) -> dict[str, Any]:
    """How films were prepared for training: fields of `PreparationOptions`."""
    options: dict[str, Any] = {
        "resolution_limit": segmenter.resolution_limit,
        "enhance": segmenter.normalise,
        "clean_masks": False,
    }
    if classifier is None:
        return options
    names = "approach", "patch_size", "content", "scaling", "resolution_limit", "clean_masks"
    options |= {name: getattr(classifier, name) for name in names}
    for name in ("film_size", "field_of_view"):
        value = getattr(classifier, name)
        if value != getattr(PreparationOptions, name):  # else versions keep their names
            options[name] = value
    return options


def _version(
    hashes: dict[str, str],
    options: dict[str, Any],
    mantissa_bits: int,
    precision: Precision,
    classes: tuple[str, ...],
    offsets: tuple[float, ...],
) -> str:
    """Name weights and options by twelve digits; what stands at its default changes no name."""
    digits: dict[str, Any] = {}
    if mantissa_bits != MANTISSA_BITS:
        digits["mantissa_bits"] = mantissa_bits
    if precision != "float32":
        digits["precision"] = precision
    if offsets:
        digits["class_offsets"] = offsets
    facts = json.dumps([hashes, options | digits, classes], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()[:12]


def version_with(version: str, before: DecisionOptions, after: DecisionOptions) -> str:
    """Give a model that decides in another way another version.

    Args:
        version: of the model that decides as `before`.
        before: how it decides.
        after: how it shall decide.

    Returns:
        Twelve digits, those of the version where nothing changes.
    """
    if before == after:
        return version
    named = f"{version} {json.dumps(dataclasses.asdict(after), sort_keys=True)}"
    return hashlib.sha256(named.encode()).hexdigest()[:12]


def _data_facts(path: Path) -> DataFacts:
    """Read what a network was trained on, as `train` writes it beside its weights."""
    try:
        return read_typed(DataFacts, json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise UsageError(f"{path}: {error}; restore it, or train again") from error
