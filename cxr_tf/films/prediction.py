"""The answer of a model for one film, as Python values."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from cxr_tf.method.closeness import decided, outputs_of_votes
from cxr_tf.method.model_card import ModelCard
from cxr_tf.method.outputs import given_by

#: What `outputs_of_votes` takes.
_VOTED = ("votes", "class_index", "patches_used")


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The answer for one film: the outputs of `cxr_tf.method.outputs`, and what Python adds.

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
        film_score: of being an upright frontal chest film, 0..1; -1 where the model has none.
        mask_quality: estimated Jaccard similarity of the lungs' mask, 0..1; -1 where the model has
            none.
        calibrated_probabilities: float32 [C].
        conformal_set: int32 [C], 1 for a class that cannot be ruled out.
        abstain: the decision is too unsure to use.
        warning: what to know beside the answer, or why the film was refused; ''.
        margin: votes of the winner less those of the runner-up, over `patches_used`.
        agreement_low: lower end of Wilson's 95 % interval of the agreement.
        agreement_high: its upper end.
        decision: the label, or `refer` where the margin is too small; '' without an answer.
        mask: uint8 [256, 256] label map, with `explain` only.
        saliency: float32 [C, 256, 256] in 0..1 (Eq. 5), with `explain` only.
        saliency_unweighted: the same without the probability of each patch as its weight, with
            `explain` and `unweighted` only.
        centres: int32 [K, 2]: row, column at 1024 x 1024, with `explain` only.
        patch_probabilities: float32 [K, C], with `explain` only.
        further: outputs that have no field here; each is an attribute by its name too.
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
    film_score: float
    mask_quality: float
    calibrated_probabilities: npt.NDArray[np.float32]
    conformal_set: npt.NDArray[np.int32]
    abstain: bool
    warning: str
    margin: float
    agreement_low: float
    agreement_high: float
    decision: str
    mask: npt.NDArray[np.uint8] | None = None
    saliency: npt.NDArray[np.float32] | None = None
    saliency_unweighted: npt.NDArray[np.float32] | None = None
    centres: npt.NDArray[np.int32] | None = None
    patch_probabilities: npt.NDArray[np.float32] | None = None
    further: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name != "further" and name in self.further:
            return self.further[name]
        raise AttributeError(f"the answer has no {name!r}")

    @classmethod
    def without_answer(
        cls, status: str, reason: str, card: ModelCard, patches: int = 0, *, explain: bool = False
    ) -> "Prediction":
        """Answer for a film that no network was shown: every output at its missing value.

        Args:
            status: why there is no answer.
            reason: the same in a sentence, or ''.
            card: the model's.
            patches: number of patches asked for.
            explain: give mask, saliency and patches too.

        Returns:
            The answer, as the graph gives it.
        """
        values: dict[str, Any] = {}
        for output in given_by("explain" if explain else "decide"):
            shape = output.lengths(len(card.classes), patches)
            values[output.name] = (
                np.full(shape, output.missing, output.dtype) if shape else output.missing
            )
        values |= {"status": status, "model_version": card.model_version, "warning": reason}
        return cls(**values)

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Any], refer_below: float = 0.0) -> "Prediction":
        """Turn the tensors of one film into Python values.

        Args:
            tensors: outputs of `Triage.predict_film` or `Triage.explain_film`, or their values;
                what follows from the votes may be missing.
            refer_below: least margin of an answer that is not referred; 0 refers none.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        values: dict[str, Any] = {"further": {}}
        for name, tensor in tensors.items():
            value = np.asarray(tensor)
            plain = value if value.ndim else value.item()
            plain = plain.decode() if isinstance(plain, bytes) else plain
            (values if name in known else values["further"])[name] = plain
        # The graph's own numbers go first; the margin that decides is the one asked for.
        of_votes = outputs_of_votes(*(values[name] for name in _VOTED))
        values = of_votes | values
        values["decision"] = decided(values["label"], values["margin"], refer_below)
        return cls(**values)
