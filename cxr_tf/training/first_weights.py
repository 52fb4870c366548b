"""The weights that a training starts from, where they do not come from the random generator."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from cxr_tf.models.batch_norm import BatchNormEstimator
from cxr_tf.models.imagenet import download, load_imagenet
from cxr_tf.models.precision import built_in
from cxr_tf.models.resnet import LOGITS
from cxr_tf.models.weights import load_weights
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.fetched import cache_folder
from cxr_tf.saved.file_list import known_sha256
from cxr_tf.saved.run_options import ClassificationTrainingOptions, TrainingOptions
from cxr_tf.saved.weights_record import BEST, check_best
from cxr_tf.training.batch_norm_statistics import estimate
from cxr_tf.training.classification import ClassificationTask
from cxr_tf.training.fitted_head import fit_head
from cxr_tf.training.task import Task

log = logging.getLogger(__name__)
#: SHA-256 of the files that a run started from, by path.
START = "start.json"
#: Patches that ImageNet statistics are estimated from.
STATISTICS_BATCHES, STATISTICS_BATCH = 8, 16


def start_files(config: TrainingOptions) -> list[Path]:
    """Name the files of the first weights; the public one is fetched.

    Args:
        config: options of the run.

    Returns:
        The files; none for random weights.

    Raises:
        WeightsError: the public file cannot be fetched.
    """
    if config.start_from:
        path = Path(config.start_from)
        return [path / BEST if path.is_dir() else path]
    imagenet = config.imagenet if isinstance(config, ClassificationTrainingOptions) else ()
    return [download(cache_folder()) if name == "download" else Path(name) for name in imagenet]


def check_start(run: Path | None, files: Sequence[Path]) -> dict[str, str]:
    """Refuse first weights that are not those of their record, or of the run's.

    Args:
        run: folder of the run, which may have been started before; None where another worker
            looks after it.
        files: see `start_files`.

    Returns:
        Their SHA-256 by path, for the run's record.

    Raises:
        FileNotFoundError: a file is not there; told before any film is read.
        UsageError: a file differs.
    """
    for path in files:
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no weights to start from; name a file that is there")
        check_best(path)
    hashes = {str(path): known_sha256(path) for path in files}
    if run is None or not (run / START).is_file():
        return hashes
    known = json.loads((run / START).read_text(encoding="utf-8"))
    for name in sorted(known.keys() & hashes.keys()):
        if hashes[name] != known[name]:
            raise UsageError(
                f"{name} is not what {run} was started from: SHA-256 {hashes[name][:12]}…, "
                f"{START} has {known[name][:12]}…; restore the file, or choose another --out"
            )
    return hashes


def first_weights(
    config: TrainingOptions, task: Task, files: Sequence[Path]
) -> list[np.ndarray] | None:
    """Read the first weights of the network, which is built in the run's precision.

    Args:
        config: options of the run.
        task: gives network and patches.
        files: see `start_files`.

    Returns:
        Arrays in the order of the network's weights; None for random ones.

    Raises:
        UsageError: a file is damaged, or does not fit the network.
    """
    l2 = task.config.fit_head if isinstance(task, ClassificationTask) else 0.0
    if not files and l2 <= 0.0:
        return None
    keras.utils.set_random_seed(config.seed)
    with built_in(config.precision):
        model = task.build()
    _read(config, task, files, model)
    if l2 > 0.0 and isinstance(task, ClassificationTask):
        estimate(BatchNormEstimator(model), task)
        fit_head(model, task, l2)
    return model.get_weights()


def _read(config: TrainingOptions, task: Task, files: Sequence[Path], model: keras.Model) -> None:
    """Read files into a network; see `first_weights`."""
    if config.start_from:
        (path,) = files
        head = LOGITS if isinstance(config, ClassificationTrainingOptions) else ""
        left = load_weights(model, path, head)
        if left:
            log.warning("%s: other classes; starts from random weights: %s", path, ", ".join(left))
    elif files:
        places = np.arange(min(STATISTICS_BATCHES * STATISTICS_BATCH, len(task.order(0))))
        size = min(STATISTICS_BATCH, len(places))
        batches = [task.inputs(batch) for batch in task.batches(0, places, size)]
        log.info("%s starts from %s", config.network, ", ".join(map(str, files)))
        load_imagenet(model, files, batches)
