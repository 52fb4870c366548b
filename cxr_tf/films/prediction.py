"""The answer of a model for one film, as Python values."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt


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
