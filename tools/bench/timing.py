"""Times contenders in turn, so that a noisy machine is as noisy to each of them."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: Seconds before each turn, for the threads of the one before take a processor while they wait.
PAUSE = 0.2


@dataclass(frozen=True)
class Timing:
    """Times of one contender at one piece of work.

    Attributes:
        seconds: of each round, in order.
    """

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median over the rounds, in seconds."""
        return statistics.median(self.seconds)

    def ratio(self, other: "Timing") -> float:
        """How many times as long another contender took: median of the ratios round by round.

        Args:
            other: a contender of the same rounds.
        """
        pairs = zip(other.seconds, self.seconds, strict=True)
        return statistics.median(theirs / ours for theirs, ours in pairs)


@dataclass(frozen=True)
class OwnTime:
    """What a contender returns that times itself, as not all that it does counts.

    Attributes:
        seconds: that count.
    """

    seconds: float


def alternate(
    contenders: Mapping[str, Callable[[], object]],
    rounds: int,
    warm_ups: int = 2,
    pause: float = PAUSE,
) -> dict[str, Timing]:
    """Run all contenders once a round, and start each round with another one.

    Args:
        contenders: functions that return when their work is done, or with their `OwnTime`.
        rounds: timed rounds.
        warm_ups: rounds before, which are not timed.
        pause: seconds before each turn.

    Returns:
        Timings by the contenders' names.
    """
    names = list(contenders)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(warm_ups + rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            time.sleep(pause)
            begun = time.perf_counter()
            found = contenders[name]()
            taken = time.perf_counter() - begun
            if number >= warm_ups:
                seconds[name].append(found.seconds if isinstance(found, OwnTime) else taken)
    return {name: Timing(tuple(values)) for name, values in seconds.items()}
