"""Learning rates and early stopping, kept in plain numbers that a checkpoint can hold."""

import math
from dataclasses import dataclass


def learning_rate(
    schedule: str, base: float, step: int, total: int, warmup: int, factor: float
) -> float:
    """Give the rate of one step.

    Args:
        schedule: `constant`, `plateau` (base times `factor`) or `cosine` (to zero at `total`).
        base: peak rate.
        step: number of the step from 0 over the whole training.
        total: steps of the whole training.
        warmup: steps of linear rise at the start.
        factor: what the plateaus so far have left of the rate.

    Returns:
        The rate.

    Raises:
        ValueError: the schedule is unknown.
    """
    if schedule not in ("constant", "plateau", "cosine"):
        raise ValueError(f"schedule {schedule!r} is unknown; choose constant, plateau or cosine")
    rate = base * (factor if schedule == "plateau" else 1.0)
    if step < warmup:
        return rate * (step + 1) / warmup
    if schedule == "cosine":
        share = (step - warmup) / max(1, total - warmup)
        return rate * 0.5 * (1.0 + math.cos(math.pi * min(1.0, share)))
    return rate


@dataclass
class Patience:
    """Count the epochs since a number last improved.

    Attributes:
        best: best value so far; higher is better.
        best_epoch: epoch of that value.
        waited: epochs since.
    """

    best: float = -math.inf
    best_epoch: int = -1
    waited: int = 0

    def improved(self, value: float, epoch: int, least: float = 0.0) -> bool:
        """Take the value of one epoch and tell whether it is the best so far.

        Args:
            value: higher is better; NaN never is.
            epoch: number of the epoch.
            least: smallest gain that counts.
        """
        if value > self.best + least:
            self.best, self.best_epoch, self.waited = value, epoch, 0
            return True
        self.waited += 1
        return False
