"""The fitted numbers of one model: gate, quality of the mask, calibration. JSON on disk."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxr_tf.method.reliability.formula import Formula
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.typed_json import read_typed


@dataclasses.dataclass(frozen=True)
class Reliability:
    """What an export takes with `--reliability`, and stores in graph and card.

    Attributes:
        model_version: of the model whose answers were fitted.
        gate: score of being an upright frontal chest film; below its threshold it is refused.
        mask: estimate of the lungs' Jaccard similarity; below its threshold there is a warning.
        temperature: that calibrates the mean probabilities, above 0.
        conformal: least calibrated probability of a class that belongs to the conformal set.
        coverage: share of films whose set was to hold the true class.
        fitted: on what and how, for the card.
    """

    model_version: str
    gate: Formula
    mask: Formula
    temperature: float
    conformal: float
    coverage: float
    fitted: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: the temperature or the conformal threshold is none.
        """
        if not self.temperature > 0 or not 0 <= self.conformal <= 1:
            raise ValueError("the temperature is above 0, the conformal threshold from 0 to 1")

    def record(self) -> dict[str, Any]:
        """Give the fields as JSON holds them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Reliability":
        """Take the numbers from JSON.

        Args:
            record: as `record` gives them.

        Raises:
            ValueError: a field is missing or makes no sense; the message says which.
        """
        return read_typed(cls, record)


def read_reliability(path: Path, model_version: str) -> Reliability:
    """Read the numbers that were fitted for a model.

    Args:
        path: JSON, as `python -m tools.reliability` writes it.
        model_version: of the model that is to take them.

    Returns:
        The numbers.

    Raises:
        UsageError: there is no such file, it is damaged, or belongs to another model.
    """
    try:
        found = Reliability.from_record(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UsageError(f"--reliability {path}: {error}; fit it again") from error
    if found.model_version != model_version:
        raise UsageError(
            f"--reliability {path} was fitted for model {found.model_version}, not "
            f"{model_version}: fit it for this one"
        )
    return found
