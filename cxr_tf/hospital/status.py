"""How a node gets on, in numbers: for people, for Prometheus, and for a check of health."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from cxr_tf.hospital.queue import Queue, seconds_of

_HOUR = 3600.0


@dataclass(frozen=True)
class Status:
    """The queue of a node at one moment.

    Attributes:
        films: number of films by state.
        oldest_waiting_seconds: since the oldest film came that has no answer, 0 without one.
        films_last_hour: films answered within the last hour.
    """

    films: dict[str, int]
    oldest_waiting_seconds: float
    films_last_hour: int

    @classmethod
    def of(cls, queue: Queue) -> "Status":
        """Look at a queue.

        Args:
            queue: the queue.
        """
        now, oldest = time.time(), queue.oldest_waiting()
        waiting = 0.0 if oldest is None else max(now - seconds_of(oldest), 0.0)
        return cls(queue.counts(), round(waiting, 3), queue.answered_since(now - _HOUR))

    def text(self) -> str:
        """Say it in lines."""
        lines = [f"{state:<10}{count:>8}" for state, count in self.films.items()]
        if self.oldest_waiting_seconds:
            lines.append(f"the oldest waiting film came {self.oldest_waiting_seconds:.0f} s ago")
        lines.append(f"{self.films_last_hour} films answered within the last hour")
        return "\n".join(lines)


def tell(folder: Path, as_json: bool) -> str:
    """Say how the node of a folder gets on.

    Args:
        folder: of the node, which may be running or not.
        as_json: as one JSON object.

    Raises:
        FileNotFoundError: the folder holds no queue.
    """
    with Queue(folder, create=False) as queue:
        status = Status.of(queue)
    return json.dumps(asdict(status)) if as_json else status.text()
