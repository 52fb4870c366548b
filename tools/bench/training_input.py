"""The input of a training of patches: how fast it is alone, and how long a step waits for it."""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from cxr_tf.models.names import Precision
from cxr_tf.saved.run_options import PRESETS, ClassificationTrainingOptions
from cxr_tf.training.classification import ClassificationTask
from cxr_tf.training.trainer import Trainer
from pipelines.classification_examples import ClassificationExamples, read_classification
from pipelines.labels import LEFT_LUNG, RIGHT_LUNG
from pipelines.manifest.table import ManifestRow
from pipelines.sizes import PATCH_SIZE, SEGMENTATION_SIZE
from tools.bench.contenders import NETWORK_ALONE, OURS, Work

#: Strength and share of JPEG films of a training with every augmentation.
STRENGTH, JPEG = 0.5, 0.5
BATCH = 16
CLASSES = tuple("abcd")


def examples(rows: Sequence[ManifestRow], cache: Path) -> ClassificationExamples:
    """Draw films with lungs in the middle, of the four classes in turn.

    Args:
        rows: of a manifest.
        cache: folder for the normalised films.
    """
    maps = np.zeros((len(rows), SEGMENTATION_SIZE, SEGMENTATION_SIZE), np.uint8)
    maps[:, 48:208, 40:110], maps[:, 48:208, 146:216] = RIGHT_LUNG, LEFT_LUNG
    labels = [index % len(CLASSES) for index in range(len(rows))]
    return read_classification(rows, maps, labels, PATCH_SIZE, cache, jpeg_seed=0)


def cutting(
    rows: Sequence[ManifestRow], cache: Path, everything: bool = False, count: int = 320
) -> Work:
    """Draw, cut, turn and flip patches for training.

    Args:
        rows: of a manifest.
        cache: folder for the normalised films.
        everything: with every other augmentation too.
        count: patches.
    """
    places = np.arange(count)
    strength, jpeg = (STRENGTH, JPEG) if everything else (0.0, 0.0)
    # Its graph is built here, and not anew in each round.
    batches = examples(rows, cache).batches(
        places % len(rows), places, BATCH, 0, 0, True, strength, jpeg
    )

    def ours() -> None:
        for cut, _ in batches:
            cut.numpy()

    name = f"pipeline alone, {count} patches for training"
    return Work("cutting", name + (", every augmentation" if everything else ""), {OURS: ours})


def waiting(
    rows: Sequence[ManifestRow], cache: Path, precision: Precision = "float32", steps: int = 20
) -> Work:
    """Take steps of ResNet-18 with every augmentation, beside as many on one batch.

    Args:
        rows: of a manifest.
        cache: folder for the normalised films.
        precision: of the network.
        steps: of a round.
    """
    config = PRESETS["classification"]["improved"]
    assert isinstance(config, ClassificationTrainingOptions)
    config = dataclasses.replace(
        config, precision=precision, batch_size=BATCH, augment_strength=STRENGTH, jpeg=JPEG
    )
    films = examples(rows, cache)
    # Each film so often that an epoch has all steps.
    task = ClassificationTask(config, CLASSES, films, films)
    places = np.arange((steps + 1) * BATCH)
    batches = films.batches(places % len(rows), places, BATCH, 0, 0, True, STRENGTH, JPEG)
    trainer = Trainer(task, tf.distribute.get_strategy())
    one = next(iter(batches))
    shares: list[float] = []

    def ours() -> None:
        elements = iter(batches)
        trainer.step(next(elements), config.learning_rate)  # the first waits for the iterator
        begun, waited = time.perf_counter(), 0.0
        for _ in range(steps):
            asked = time.perf_counter()
            batch = next(elements)
            waited += time.perf_counter() - asked
            trainer.step(batch, config.learning_rate)
        shares.append(waited / (time.perf_counter() - begun))

    def alone() -> None:
        for _ in range(steps + 1):
            trainer.step(one, config.learning_rate)

    name = f"{steps + 1} training steps, ResNet-18, {precision}, every augmentation"
    return Work(
        "waiting",
        name,
        {OURS: ours, NETWORK_ALONE: alone},
        remark=lambda: f"{name}: {np.median(shares):.2%} of a step is waiting for the input",
    )
