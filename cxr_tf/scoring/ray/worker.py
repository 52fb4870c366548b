"""What runs in a worker: the model, loaded once, and the rows of one part after another."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxr_tf.films import addresses
from cxr_tf.films.inputs import Input
from cxr_tf.films.reading import Reading, answers, read_ahead
from cxr_tf.films.rows import row_of
from cxr_tf.films.table import csv_line
from cxr_tf.method.model_card import ModelCard
from cxr_tf.method.vote_options import VoteOptions
from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.model_folders import model_digest
from pipelines.lean_import import left_out
from pipelines.sizes import READ_DEADLINE

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel
    from cxr_tf.films.prediction import Prediction
    from pipelines.films import Film


@dataclass(frozen=True)
class Job:
    """All that a worker needs to know of a run.

    Attributes:
        folder: the SavedModel's, the same path on every machine.
        card: of the model.
        model_sha256: of its files.
        vote: how films are put to the vote.
        voi: see `cxr_tf.score`.
        threads: that TensorFlow may use.
        read_deadline: see `cxr_tf.score`.
        header_check: see `cxr_tf.score`.
        load: loads the model; None takes `cxr_tf.saved.load.load`.
        read: reads a film; None takes `read_film`.
    """

    folder: str
    card: ModelCard
    model_sha256: str
    vote: VoteOptions
    voi: bool
    threads: int
    read_deadline: float = READ_DEADLINE
    header_check: bool = True
    load: "Callable[[Path], TriageModel] | None" = None
    read: "Callable[[Path | str], Film] | None" = None


class PartScorer:
    """Scores parts; Ray makes one for every worker and keeps it."""

    def __init__(self, job: Job) -> None:
        """Load the model.

        Args:
            job: the run.

        Raises:
            UsageError: this machine holds another model under the path.
        """
        self._job = job
        folder = Path(job.folder)
        if not folder.is_dir() or model_digest(folder) != job.model_sha256:
            raise UsageError(
                f"--model {folder} is not the same on every machine: copy it there, or name a "
                "folder that all machines see"
            )
        self._read = job.read or self._read_film
        if job.load is None:
            with left_out("keras"):
                import tensorflow as tf

            from cxr_tf.saved.load import load

            tf.config.threading.set_intra_op_parallelism_threads(job.threads)
            for gpu in tf.config.list_physical_devices("GPU"):
                tf.config.experimental.set_memory_growth(gpu, True)
            self._model = load(folder)
        else:
            self._model = job.load(folder)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Score the parts of one block.

        Args:
            batch: `part`, the numbers; `films`, for each the pairs of path and fault, as JSON.

        Returns:
            `part`; `rows`, the rows of `scores.csv` as text; `reading` and `model`, seconds.
        """
        found: dict[str, list[Any]] = {"part": [], "rows": [], "reading": [], "model": []}
        for number, films in zip(batch["part"], batch["films"], strict=True):
            found["part"].append(int(number))
            for name, value in zip(
                ("rows", "reading", "model"), self._score(str(films)), strict=True
            ):
                found[name].append(value)
        return found

    def _score(self, films: str) -> tuple[str, float, float]:
        job = self._job
        inputs = [
            Input(text if addresses.is_address(text) else Path(text), fault)
            for text, fault in json.loads(films)
        ]
        rows, reading_seconds, model_seconds = io.StringIO(newline=""), 0.0, 0.0
        readings = read_ahead(inputs, self._read)
        for item, reading, answer in answers(readings, self._predict):
            row = row_of(item.name, reading, answer, job.card, job.vote.seed)
            rows.write(csv_line(list(row.record.values())))
            reading_seconds += reading.seconds
            model_seconds += answer.seconds
        return rows.getvalue(), reading_seconds, model_seconds

    def _predict(self, reading: Reading) -> "Prediction":
        return self._model.predict(reading.pixels, reading.padding, self._job.vote)

    def _read_film(self, location: Path | str) -> "Film":
        job = self._job
        return addresses.read_location(
            location,
            voi=job.voi,
            deadline=job.read_deadline,
            header_check=job.header_check,
        )
