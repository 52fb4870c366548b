"""Where a training stands, in a form that a checkpoint holds exactly."""

import dataclasses
import json
from typing import Any, Self

from cxr_tf.training.schedules import Patience


@dataclasses.dataclass
class TrainingState:
    """Everything about a run that is no weight.

    Attributes:
        epoch: number of the epoch under way.
        step: steps done in it.
        loss_sum: sum of their losses.
        factor: what plateaus have left of the learning rate.
        validation: patience of early stopping.
        plateau: patience of the learning rate, on the negated training loss.
        history: figures of the finished epochs.
        seconds: wall time so far.
    """

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    factor: float = 1.0
    validation: Patience = dataclasses.field(default_factory=Patience)
    plateau: Patience = dataclasses.field(default_factory=Patience)
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    def to_text(self) -> str:
        """Give the state as JSON; numbers come back bit by bit."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a state written by `to_text`.

        Args:
            text: the JSON.
        """
        values = json.loads(text)
        for name in ("validation", "plateau"):
            values[name] = Patience(**values[name])
        return cls(**values)
