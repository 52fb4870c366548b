"""One training run from its data to its folder."""

import contextlib
import json
import logging
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.runtime.errors import DataChangedError, UsageError
from cxr_tf.runtime.folder_lock import held
from cxr_tf.runtime.provenance import machine, package_versions, revision
from cxr_tf.runtime.stopping import Stops
from cxr_tf.runtime.whole_files import write_json
from cxr_tf.saved.predicted_masks import predicted_masks
from cxr_tf.saved.run_folder import DATA
from cxr_tf.saved.run_options import (
    ClassificationTrainingOptions,
    SegmentationTrainingOptions,
    TrainingOptions,
    changed_options,
    read_run,
    task_name,
)
from cxr_tf.saved.weights_record import BEST
from cxr_tf.training.classification import ClassificationTask
from cxr_tf.training.first_weights import START, check_start, first_weights, start_files
from cxr_tf.training.left_out import films_kept, learnt_from
from cxr_tf.training.loop import fit
from cxr_tf.training.monitor import Monitor, duration, parse_profile
from cxr_tf.training.option_checks import check_options
from cxr_tf.training.segmentation import SegmentationTask
from cxr_tf.training.strategy import make_strategy, worker
from cxr_tf.training.task import Task
from cxr_tf.training.trainer import Trainer
from cxr_tf.training.watched import Watched
from pipelines.adapters import open_data
from pipelines.classes import ClassMap, parse_classes
from pipelines.classification_examples import ClassificationExamples, read_classification
from pipelines.faults import FileFault
from pipelines.labels import LEFT_LUNG, RIGHT_LUNG
from pipelines.manifest.checks import missing_files, validate
from pipelines.manifest.table import Manifest, ManifestRow
from pipelines.masks import LEAST_LUNG_FRACTION
from pipelines.sampling import Balanced, source_shares
from pipelines.segmentation_examples import read_segmentation

log = logging.getLogger(__name__)


def train(config: TrainingOptions, stops: Stops | None = None) -> bool:
    """Train as configured, or go on with the run found in the folder.

    Args:
        config: options of the run.
        stops: the signals that end it early; None for none.

    Returns:
        True when training is over, False when it was stopped early as asked.

    Raises:
        UsageError: the options do not fit each other or the run found, or another process trains
            it.
        ManifestError: the data have faults; all are listed.
        DataChangedError: a film or mask of the run vanished or changed.
        DivergedError: the loss or the weights are not finite.
        OSError: something of the run cannot be written.
    """
    parse_profile(config.profile)  # wrong usage is told before any work
    strategy = make_strategy(config)
    chief = worker(strategy)[0] == 0
    with held(Path(config.out)) if chief else contextlib.nullcontext():
        return _train(config, strategy, chief, stops)


def _train(
    config: TrainingOptions, strategy: tf.distribute.Strategy, chief: bool, stops: Stops | None
) -> bool:
    """Train in a folder that is this process' own; see `train`."""
    run = Path(config.out)
    if (run / "config.json").is_file() and chief:
        if changes := changed_options(read_run(run), config):
            raise UsageError(
                f"{run} was trained with other options ({'; '.join(changes)}); "
                "choose another --out, or the options it was started with"
            )
    if config.deterministic:
        keras.utils.set_random_seed(config.seed)
        tf.config.experimental.enable_op_determinism()
    data = open_data(config.data)
    log.info("%d films in %s", len(data), data.root)
    fingerprint = data.fingerprint()
    if chief and (run / DATA).is_file():
        known = json.loads((run / DATA).read_text())["fingerprint"]
        if known != fingerprint:
            if gone := list(missing_files(data.select(task_name(type(config))).rows)):
                raise DataChangedError(f"{run} was trained with what is gone now: {gone[0]}")
            raise UsageError(
                f"{run} was trained on other data than {data.root} holds now; "
                "choose another --out, or restore the data"
            )
    files = start_files(config)
    hashes = check_start(run if chief else None, files)
    classes = decision_classes(config)
    kept = films_kept(config, data, classes)
    task = make_task(config, kept)
    start = first_weights(config, task, files)
    trainer = Trainer(task, strategy, start)
    steps = trainer.steps_per_epoch()  # refuses a batch that the films do not fill
    if chief:
        facts = {"fingerprint": fingerprint, "films": len(data), "phantom": data.phantom}
        describe(run, config, facts | learnt_from(config, kept, classes), hashes)
    if trainer.restore(run):
        log.info("going on from epoch %d, step %d", trainer.state.epoch + 1, trainer.state.step)
    log.info(
        "%s: %d parameters, %d steps an epoch, %d replicas",
        config.network, trainer.model.count_params(), steps,
        strategy.num_replicas_in_sync,
    )  # fmt: skip
    monitor = Monitor(config, run, chief)
    try:
        finished = fit(trainer, run, monitor, stops)
    finally:
        monitor.close()
    best = trainer.state.validation
    if best.best_epoch >= 0:
        log.info(
            "best validation %s %.4f in epoch %d, %s in all; weights in %s",
            task.score, best.best, best.best_epoch + 1, duration(trainer.state.seconds), run / BEST,
        )  # fmt: skip
    return finished


def make_task(config: TrainingOptions, data: Manifest) -> Task:
    """Check the data and make the examples of a task ready.

    Args:
        config: options of the run.
        data: the rows that are not left out.

    Raises:
        ManifestError: the data have faults; all are listed.
        UsageError: a split is empty, no segmentation run is named, or a file cannot be used.
        DataChangedError: a film or mask vanished or broke after the check.
    """
    kind = task_name(type(config))
    watched = Watched(data.select(kind), kind)
    try:
        if isinstance(config, SegmentationTrainingOptions):
            return _segmentation_task(config, data)
        assert isinstance(config, ClassificationTrainingOptions)
        return _classification_task(config, data)
    except FileFault as fault:
        raise watched.error(fault) from fault


def _segmentation_task(config: SegmentationTrainingOptions, data: Manifest) -> Task:
    """Read films and masks; see `make_task`."""
    validate(data, "segmentation", None)
    limit = config.resolution_limit or None
    parts = splits(config, data, "segmentation")
    examples = read_segmentation(parts, config.size, limit, config.normalise)
    return SegmentationTask(config, *examples)


def decision_classes(config: TrainingOptions) -> ClassMap | None:
    """Read the decision classes.

    Args:
        config: options of the run.

    Returns:
        The classes; None for segmentation.

    Raises:
        UsageError: the option names none, or no segmentation run stands beside it.
    """
    if not isinstance(config, ClassificationTrainingOptions):
        return None
    if not config.segmentation:
        raise UsageError("--segmentation is missing: name the run whose network makes the masks")
    try:
        return parse_classes(config.classes)
    except ValueError as error:
        raise UsageError(f"--classes: {error}") from error


def _classification_task(config: ClassificationTrainingOptions, data: Manifest) -> Task:
    """Read films and predict their masks; see `make_task`."""
    check_options(config)
    classes = decision_classes(config)
    assert classes is not None
    validate(data, "classification", classes)
    data = data.select("classification", classes=classes)
    examples: list[ClassificationExamples] = []
    trained: list[list[ManifestRow]] = []
    parts = splits(config, data, "classification")
    masks = masks_of(config, [row for rows in parts for row in rows])  # by one network
    for rows, maps in zip(parts, np.split(masks, [len(parts[0])]), strict=True):
        # Validation, which comes second, sees films as they are.
        jpeg_seed = config.seed if config.jpeg and not examples else None
        found, lungs = read_examples(config, rows, maps, classes, jpeg_seed)
        for row in (row for row, kept in zip(rows, lungs, strict=True) if not kept):
            log.warning("%s: no lungs found; left out", row.path)
        trained.append([row for row, kept in zip(rows, lungs, strict=True) if kept])
        examples.append(found)
    training, validation = examples
    labels = training.labels.numpy().tolist()
    groups = balanced(config, trained[0], labels)
    shares, sources = None, [row.source for row in trained[0]]
    if config.discount_sources:
        pairs = list(zip(labels, sources, strict=True))
        order = groups.order(config.seed, 0, config.balance)
        shares = source_shares(pairs, order, len(classes.names))
    return ClassificationTask(config, classes.names, training, validation, groups, shares, sources)


def masks_of(
    config: ClassificationTrainingOptions, rows: Sequence[ManifestRow]
) -> npt.NDArray[np.uint8]:
    """Predict the masks of films with the segmentation of a training, or read those made before.

    Args:
        config: options of the run; what was made before lies in their cache.
        rows: the films.

    Returns:
        uint8 [n, 256, 256], label maps.

    Raises:
        FileFault: a film cannot be used.
        UsageError: the weights of the segmentation are not those of its record.
    """
    cache = Path(config.cache) if config.cache else None
    return predicted_masks(
        rows, Path(config.segmentation), config.resolution_limit, cache, config.clean_masks
    )


def read_examples(
    config: ClassificationTrainingOptions,
    rows: Sequence[ManifestRow],
    maps: npt.NDArray[np.uint8],
    classes: ClassMap,
    jpeg_seed: int | None = None,
) -> tuple[ClassificationExamples, npt.NDArray[np.bool_]]:
    """Read films as a training sees them.

    Args:
        config: options of the run; what they made before lies in their cache.
        rows: the films.
        maps: uint8 [n, 256, 256], their label maps, see `masks_of`.
        classes: the decision classes.
        jpeg_seed: of compressed films beside the others; None for none.

    Returns:
        The films on which lungs were found, and which of `rows` these are, bool [n].

    Raises:
        FileFault: a film cannot be used.
        OSError: the cache cannot be written to.
    """
    films = Path(config.cache or config.segmentation) / "films"
    lungs = np.isin(maps, (LEFT_LUNG, RIGHT_LUNG)).mean((1, 2)) >= LEAST_LUNG_FRACTION
    rows = [row for row, kept in zip(rows, lungs, strict=True) if kept]
    log.info("%d films, decoded and normalised once, in %s", len(rows), films)
    examples = read_classification(
        rows,
        maps[lungs],
        [classes.index(row.label) for row in rows],
        config.patch_size,
        films,
        config.approach == "global",
        config.content,
        config.resolution_limit or None,
        jpeg_seed,
        config.film_size,
        config.field_of_view,
    )
    return examples, lungs


def balanced(
    config: ClassificationTrainingOptions, rows: Sequence[ManifestRow], labels: Sequence[int]
) -> Balanced:
    """Group films by what the training balances.

    Args:
        config: options of the run.
        rows: rows of a manifest.
        labels: decision class of each.
    """
    if not config.balance_sources:
        return Balanced(labels)
    return Balanced.by_source(
        [(label, row.source) for row, label in zip(rows, labels, strict=True)]
    )


def splits(config: TrainingOptions, data: Manifest, task: str) -> list[list[ManifestRow]]:
    """Give the rows to train on and to validate on.

    Films whose licence forbids derivatives are never trained on.

    Args:
        config: options of the run.
        data: all rows.
        task: `segmentation` or `classification`.

    Raises:
        UsageError: one of the splits has no film.
    """
    offered = data.select(task, "train")
    training = [row for row in offered if row.trainable]
    spared = len(offered) - len(training)
    if spared:
        log.info("%d films may not be trained on (no-derivatives licence); left out", spared)
    validation = list(data.select(task, "validation"))
    if not training or not validation:
        raise UsageError(
            f"{data.root}: {len(training)} films to train on and {len(validation)} to validate on; "
            f"fill the column split_{task} with train and validation"
        )
    several = config.films or None
    parts = [thinned(part, several) for part in (training, validation)]
    log.info("%d films to train on, %d to validate on", *map(len, parts))
    return parts


def thinned(rows: list[ManifestRow], count: int | None) -> list[ManifestRow]:
    """Keep a number of rows spread evenly over all, so that each class stays present.

    Args:
        rows: rows in order.
        count: how many to keep; None for all.
    """
    if count is None or count >= len(rows):
        return rows
    return [rows[round(index)] for index in np.linspace(0, len(rows) - 1, count)]


def describe(
    run: Path,
    config: TrainingOptions,
    facts: Mapping[str, Any],
    start: Mapping[str, str],
) -> None:
    """Save configuration, versions, revision, and what it is made of, beside the run.

    Args:
        run: folder of the run.
        config: resolved options.
        facts: of the data, as they were before they were read.
        start: SHA-256 of the files of its first weights, by path.
    """
    run.mkdir(parents=True, exist_ok=True)
    config.save(run / "config.json")
    write_json(run / "environment.json", environment())
    write_json(run / DATA, dict(facts))
    if start:
        write_json(run / START, dict(start))


def environment() -> dict[str, Any]:
    """Give versions, revision and machine."""
    return {
        "python": platform.python_version(),
        "packages": package_versions(),
        "revision": revision(),
        **machine(),
        "devices": [device.name for device in tf.config.list_logical_devices()],
    }
