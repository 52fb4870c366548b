"""Models for Python: from an exported SavedModel, or straight from training runs."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.config import (
    ClassificationConfig,
    Precision,
    SegmentationConfig,
    TrainingConfig,
    read_run,
)
from cxr_tf.errors import UsageError
from cxr_tf.film_questions import FilmQuestions, FilmSource, notices_of, read_source
from cxr_tf.film_results import Segmentation
from cxr_tf.model_folders import read_card, version_folder
from cxr_tf.records import REASONS, one_line
from cxr_tf.runs import BEST, DATA, trained_model
from cxr_tf.saved_functions import saved_functions
from cxr_tf.voting import FAST_LEAD
from cxr_tf.weights import MANTISSA_BITS, round_kernels, weight_hashes
from pipelines.classes import parse_classes
from pipelines.manifest_checks import file_sha256
from pipelines.normalise import NO_PADDING
from pipelines.sizes import (
    CLASSIFICATION_SIZE,
    LEAST_STRIDE,
    MOST_PATCHES,
    PATCHES,
    SEGMENTATION_SIZE,
)
from pipelines.status import OK

#: Functions of an exported model for one decoded film.
_FUNCTIONS = ("predict_film", "decide_film", "explain_film", "segment_film")


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The answer for one film.

    Attributes:
        status: `ok`, or why there is no answer.
        label: decided class, '' without an answer.
        class_index: its index, -1 without an answer.
        votes: int32 [C].
        probabilities: mean softmax, float32 [C].
        agreement: the winner's share of the votes.
        lung_fraction: lung pixels / 65,536.
        patches_used: patches that voted.
        model_version: names weights and options.
        mask: uint8 [256, 256] label map, with `explain` only.
        saliency: float32 [C, 256, 256] in 0..1 (Eq. 5), with `explain` only.
        saliency_unweighted: the same without the probability of each patch as its weight, with
            `explain` and `unweighted` only.
        centres: int32 [K, 2]: row, column at 1024 x 1024, with `explain` only.
        patch_probabilities: float32 [K, C], with `explain` only.
        film_score: of being an upright frontal chest film, 0..1; -1 where the model has none.
        mask_quality: estimated Jaccard similarity of the lungs' mask, 0..1; -1 where the model has
            none.
        warning: what to know beside the answer, or why the film was refused; ''.
        calibrated_probabilities: float32 [C]; None from a model of an earlier version.
        conformal_set: int32 [C], 1 for a class that cannot be ruled out; None likewise.
        abstain: the decision is too unsure to use.
    """

    status: str
    label: str
    class_index: int
    votes: npt.NDArray[np.int32]
    probabilities: npt.NDArray[np.float32]
    agreement: float
    lung_fraction: float
    patches_used: int
    model_version: str
    mask: npt.NDArray[np.uint8] | None = None
    saliency: npt.NDArray[np.float32] | None = None
    saliency_unweighted: npt.NDArray[np.float32] | None = None
    centres: npt.NDArray[np.int32] | None = None
    patch_probabilities: npt.NDArray[np.float32] | None = None
    film_score: float = -1.0
    mask_quality: float = -1.0
    warning: str = ""
    calibrated_probabilities: npt.NDArray[np.float32] | None = None
    conformal_set: npt.NDArray[np.int32] | None = None
    abstain: bool = False

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Any]) -> "Prediction":
        """Turn the tensors of one film into Python values.

        Args:
            tensors: outputs of `Triage.predict_film` or `Triage.explain_film`, or their values.
        """
        values: dict[str, Any] = {}
        for name, tensor in tensors.items():
            value = np.asarray(tensor)
            values[name] = value if value.ndim else value.item()
            if isinstance(values[name], bytes):
                values[name] = values[name].decode()
        return cls(**values)


class TriageModel(FilmQuestions):
    """A trained model: `score`, `explain`, `segment` and `plot` one film, `predict` a decoded one.

    Attributes:
        classes: names in order.
        model_version: names weights and options.
        card: the model card.
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Mapping[str, Any]]],
        classes: tuple[str, ...],
        model_version: str,
        card: dict[str, Any],
    ):
        """Take the entry points.

        Args:
            functions: `predict_film`, `decide_film`, `explain_film` and `segment_film` of `Triage`.
            classes: names in order.
            model_version: names weights and options.
            card: the model card.
        """
        self._functions = functions
        self.classes = classes
        self.model_version = model_version
        self.card = card
        # A model exported by an earlier version takes no gate, and has none.
        self._gated = "reliability" in card

    def predict(
        self,
        pixels: npt.NDArray[np.uint16],
        padding: int = NO_PADDING,
        *,
        seed: int = 0,
        patches: int = PATCHES,
        stride: int = 0,
        explain: bool = False,
        unweighted: bool = False,
        decision_only: bool = False,
        fast: bool = False,
        gate: bool = True,
    ) -> Prediction:
        """Decide on one film.

        Args:
            pixels: uint16 [H, W] over the full range, bright where dense.
            padding: grey level to leave out, -1 for none.
            seed: seed of the patch centres.
            patches: 1 to 400.
            stride: above 0, patches on a grid of that many pixels at 1024 x 1024, from 50 to 1024,
                instead of random ones.
            explain: give mask, saliency and patches too.
            unweighted: with `explain`, give the map without the patches' probabilities too.
            decision_only: stop where no patch can change the decision any more; votes,
                probabilities and `patches_used` are those up to there.
            fast: stop where the decision is unlikely to change. Not exact: see
                `cxr_tf.voting.FAST_LEAD`.
            gate: refuse what does not look like an upright frontal chest film.

        Returns:
            The answer; a film that has none is told by its status.

        Raises:
            UsageError: `patches` or `stride` is out of range, the model has no classifier, or
                `explain` is asked for with `decision_only` or `fast`.
        """
        if not 1 <= patches <= MOST_PATCHES:
            raise UsageError(f"{patches} patches: choose 1 to {MOST_PATCHES}")
        if stride and not LEAST_STRIDE <= stride <= CLASSIFICATION_SIZE:
            raise UsageError(
                f"a stride of {stride}: choose {LEAST_STRIDE} to {CLASSIFICATION_SIZE}, or 0"
            )
        early = decision_only or fast
        if explain and early:
            raise UsageError("a vote that ends early has no map: choose explain or an early end")
        name = "explain_film" if explain else "decide_film" if early else "predict_film"
        if name not in self._functions:
            raise UsageError("this model only segments; give a classification run too")
        answer = self._functions[name](
            tf.constant(pixels, tf.uint16),
            tf.constant(padding, tf.int32),
            tf.constant(seed, tf.int64),
            tf.constant(patches, tf.int32),
            tf.constant(stride, tf.int32),
            *([tf.constant(gate)] if self._gated else []),
            *([tf.constant(FAST_LEAD if fast else math.inf)] if early else []),
            *([tf.constant(unweighted)] if explain else []),
        )
        if not unweighted:
            answer = {k: v for k, v in answer.items() if k != "saliency_unweighted"}
        return Prediction.from_tensors(answer)

    def segment(
        self,
        film: FilmSource,
        padding: int = NO_PADDING,
        *,
        voi: bool = False,
        name: str = "",
    ) -> Segmentation:
        """Segment heart and lungs of one film.

        Args:
            film: path or address, uint8 or uint16 [H, W] (bright where dense), or a `Film`.
            padding: of an array, the grey level to leave out, -1 for none.
            voi: apply a DICOM file's VOI LUT, or its first window.
            name: what the answer calls it, by default the path.

        Returns:
            The label map with its status, which unpacks as `mask, status`; a film that has no
            answer is told by status and error.

        Raises:
            UsageError: the array is no film.
        """
        path, reading = read_source(film, padding=padding, voi=voi, name=name)
        status, notices = reading.status, notices_of(self.card)
        mask = np.zeros((SEGMENTATION_SIZE, SEGMENTATION_SIZE), np.uint8)
        if status == OK:
            answer = self._functions["segment_film"](
                tf.constant(reading.pixels, tf.uint16), tf.constant(reading.padding, tf.int32)
            )
            mask = np.asarray(answer["mask"])
            status = np.asarray(answer["status"]).item().decode()
        error = one_line(reading.error or REASONS.get(status, ""))
        return Segmentation(mask, status, error, path, notices, reading.pixels, reading.padding)

    def describe(
        self, pixels: npt.NDArray[np.uint16], padding: int = NO_PADDING
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8], str]:
        """Give the features that gate and quality of the mask are judged by.

        Args:
            pixels: uint16 [H, W] over the full range, bright where dense.
            padding: grey level to leave out, -1 for none.

        Returns:
            float32 [F], in the order of `cxr_tf.reliability.features.FEATURES`; mask and status as
            `segment` gives them.

        Raises:
            UsageError: the model was exported by an earlier version.
        """
        answer = self._functions["segment_film"](
            tf.constant(pixels, tf.uint16), tf.constant(padding, tf.int32)
        )
        if "features" not in answer:
            raise UsageError("this model gives no features: export it again with --model")
        mask, features = np.asarray(answer["mask"]), np.asarray(answer["features"])
        return features, mask, np.asarray(answer["status"]).item().decode()


def load(path: str | Path) -> TriageModel:
    """Load an exported model.

    Args:
        path: a version folder, or the folder above, of which the newest version is taken.

    Returns:
        The model.

    Raises:
        FileNotFoundError: there is no model.
    """
    folder = version_folder(Path(path))
    card = read_card(folder)
    if not card:
        raise FileNotFoundError(f"{folder} has no model card: export the model again")
    functions = saved_functions(folder, _FUNCTIONS)
    return TriageModel(functions, tuple(card["classes"]), card["model_version"], card)


def from_runs(
    segmentation_run: str | Path | None,
    classification_run: str | Path | None = None,
    resolution_limit: int | None = None,
    clean_masks: bool | None = None,
    precision: Precision = "float32",
) -> TriageModel:
    """Make a model from training runs, without exporting it.

    Args:
        segmentation_run: run of `train segmentation`; None takes the one that the
            classification run was trained with.
        classification_run: run of `train classification`; None gives a model that only segments.
        resolution_limit: overrides the runs' own; 0 for none.
        clean_masks: overrides the classification run's own, or a segmentation run's none.
        precision: what the networks compute in, whatever they were trained in.

    Returns:
        The model.

    Raises:
        FileNotFoundError: a folder holds no run.
        UsageError: neither run is given.
    """
    from cxr_tf.inference import FILM_SPECS

    module, card = make_module(
        segmentation_run, classification_run, resolution_limit, clean_masks, precision=precision
    )
    names = _FUNCTIONS if classification_run is not None else ("segment_film",)
    functions = {
        name: tf.function(getattr(module, name), input_signature=FILM_SPECS[name]) for name in names
    }
    return TriageModel(functions, tuple(card["classes"]), card["model_version"], card)


def make_module(
    segmentation_run: str | Path | None,
    classification_run: str | Path | None,
    resolution_limit: int | None = None,
    clean_masks: bool | None = None,
    mantissa_bits: int = MANTISSA_BITS,
    precision: Precision = "float32",
    reliability: Path | None = None,
) -> tuple[Any, dict[str, Any]]:
    """Build the inference module of runs, and the facts of its model card.

    Args:
        segmentation_run: see `from_runs`.
        classification_run: see `from_runs`.
        resolution_limit: see `from_runs`.
        clean_masks: see `from_runs`.
        mantissa_bits: digits that kernels are rounded to; all of them by default.
        precision: see `from_runs`.
        reliability: numbers fitted for this model, JSON; None for none.

    Returns:
        The `Triage` module and the card.

    Raises:
        FileNotFoundError: a folder holds no run.
        UsageError: neither run is given, one is of the other kind, or `reliability` was not fitted
            for this model.
    """
    from cxr_tf.inference import Triage, TriageOptions
    from cxr_tf.reliability.parameters import read_reliability

    classifier: ClassificationConfig | None = None
    if classification_run is not None:
        config = read_run(Path(classification_run))
        if not isinstance(config, ClassificationConfig):
            raise UsageError(f"{classification_run} is a run of segmentation, not classification")
        classifier = config
        segmentation_run = segmentation_run or classifier.segmentation
    if segmentation_run is None:
        raise UsageError("name a segmentation run, a classification run, or both")
    segmenter = read_run(Path(segmentation_run))
    if not isinstance(segmenter, SegmentationConfig):
        raise UsageError(f"{segmentation_run} is a run of classification, not segmentation")
    configs: dict[str, TrainingConfig] = {"segmentation": segmenter}
    runs = {"segmentation": Path(segmentation_run)}
    classes: tuple[str, ...] = ()
    options: dict[str, Any] = {
        "resolution_limit": segmenter.resolution_limit,
        "enhance": segmenter.normalise,
        "clean_masks": False,
    }
    if classifier is not None:
        configs["classification"] = classifier
        runs["classification"] = Path(str(classification_run))
        classes = parse_classes(classifier.classes).names
        options |= {
            name: getattr(classifier, name)
            for name in (
                "approach",
                "patch_size",
                "content",
                "scaling",
                "resolution_limit",
                "clean_masks",
            )  # fmt: skip
        }
    if resolution_limit is not None:
        options["resolution_limit"] = resolution_limit
    if clean_masks is not None:
        options["clean_masks"] = clean_masks
    hashes = {name: file_sha256(run / BEST) for name, run in runs.items()}
    digits: dict[str, Any] = {}
    if mantissa_bits != MANTISSA_BITS:
        digits["mantissa_bits"] = mantissa_bits
    if precision != "float32":
        digits["precision"] = precision
    facts = json.dumps([hashes, options | digits, classes], sort_keys=True)
    version = hashlib.sha256(facts.encode()).hexdigest()[:12]
    trust = read_reliability(reliability, version) if reliability else None
    data = {name: json.loads((run / DATA).read_text()) for name, run in runs.items()}
    card: dict[str, Any] = {
        "classes": list(classes),
        "model_version": version,
        "class_map": classifier.classes if classifier is not None else "",
        "phantom": any(facts["phantom"] for facts in data.values()),
        "options": options,
        "mantissa_bits": mantissa_bits,
        "precision": precision,
        "networks": {
            name: {
                "network": configs[name].network,
                "weights_sha256": hashes[name],
                "data": data[name],
                "preset": configs[name].preset,
            }
            for name in runs
        },
        "reliability": trust.record() if trust else None,
    }
    networks = {name: trained_model(run, precision) for name, run in runs.items()}
    for name, network in networks.items():
        if mantissa_bits != MANTISSA_BITS:
            round_kernels(network, mantissa_bits)
        card["networks"][name]["size"] = network.input_shape[1]
        card["networks"][name]["weights"] = weight_hashes(network)
    module = Triage(
        networks["segmentation"],
        networks.get("classification"),
        TriageOptions(classes=classes, version=version, **options),
        trust,
    )
    return module, card
