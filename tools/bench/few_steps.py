"""Trainings of a few steps on made-up films, to compare devices, strategies and precisions.

`python -m tools.bench.few_steps OPTIONS` is one cell of `tools.bench.matrix`, in a process of its
own because TensorFlow fixes its devices once a process; OPTIONS are a JSON object.
"""

import dataclasses
import json
import sys
import time

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.run_options import ClassificationTrainingOptions, SegmentationTrainingOptions
from cxr_tf.training.classification import ClassificationTask
from cxr_tf.training.segmentation import SegmentationTask
from cxr_tf.training.strategy import make_strategy
from cxr_tf.training.trainer import Trainer
from pipelines.classification_examples import ClassificationExamples
from pipelines.film_files import HeldFilms
from pipelines.segmentation_examples import SegmentationExamples
from pipelines.sizes import CLASSIFICATION_SIZE
from tools.bench.matrix import WARM_UP

CLASSES = ("normal", "bacterial", "tuberculosis", "viral")
FILMS = 16
#: Megabytes of each part where one GPU stands for several.
PART_OF_GPU = 2048


def smooth_films(count: int, size: int) -> npt.NDArray[np.float32]:
    """Draw films of broad blobs.

    Args:
        count: films.
        size: their side in pixels.

    Returns:
        float32 [count, size, size] in 0..255.
    """
    rng = np.random.default_rng(3)
    coarse = rng.uniform(0.0, 255.0, (count, 6, 6, 1)).astype(np.float32)
    broad = tf.image.resize(coarse, [size, size]).numpy()[..., 0]
    noisy = broad + rng.normal(0.0, 20.0, broad.shape)
    return np.clip(noisy, 0.0, 255.0).astype(np.float32)


def segmentation_task(config: SegmentationTrainingOptions) -> SegmentationTask:
    """Make a task of twelve films whose label is their brightness in four steps.

    Args:
        config: options of the training.
    """
    films = smooth_films(12, config.size)
    labels = tf.constant((films // 64).astype(np.uint8))
    examples = SegmentationExamples(tf.constant(films), labels)
    return SegmentationTask(config, examples, examples)


def classification_task(config: ClassificationTrainingOptions) -> ClassificationTask:
    """Make a task of sixteen films of four classes, with two lungs each.

    Args:
        config: options of the training.
    """
    films = HeldFilms((smooth_films(FILMS, CLASSIFICATION_SIZE) * 257.0).astype(np.uint16))
    lungs = np.zeros((FILMS, 256, 256), np.uint8)
    lungs[:, 64:192, 32:112], lungs[:, 64:192, 144:224] = 3, 2
    labels = tf.constant(np.arange(FILMS, dtype=np.int32) % len(CLASSES))
    examples = ClassificationExamples(films, tf.constant(lungs), labels, config.patch_size)
    return ClassificationTask(config, CLASSES, examples, examples)


def logical_devices(count: int, kind: str = "CPU") -> tuple[str, ...]:
    """Give as many devices as asked for, parts of one where the machine has too few.

    Call it before TensorFlow does anything else.

    Args:
        count: devices.
        kind: `CPU` or `GPU`.

    Returns:
        Their names.

    Raises:
        UsageError: there is no such device.
    """
    physical = tf.config.list_physical_devices(kind)
    if not physical:
        raise UsageError(f"TensorFlow sees no {kind}")
    if len(physical) < count:
        memory = PART_OF_GPU if kind == "GPU" else None
        parts = [tf.config.LogicalDeviceConfiguration(memory_limit=memory) for _ in range(count)]
        tf.config.set_logical_device_configuration(physical[0], parts)
    return tuple(f"{kind}:{index}" for index in range(count))


def main(given: str) -> None:
    """Take the steps, and print their losses and the median of their seconds as JSON.

    Args:
        given: JSON with `devices`, `kind`, `steps` and `options` of the training.
    """
    asked = json.loads(given)
    config = ClassificationTrainingOptions(**asked["options"])
    try:
        if asked["devices"]:
            config = dataclasses.replace(
                config, devices=logical_devices(asked["devices"], asked["kind"])
            )
        strategy = make_strategy(config)
    except UsageError as error:
        print(json.dumps({"refused": str(error)}))
        return
    trainer = Trainer(classification_task(config), strategy)
    losses, seconds = [], []
    for epoch in range(asked["steps"]):
        for batch in trainer.batches(epoch, 0, 1):
            begun = time.perf_counter()
            losses.append(trainer.step(batch, config.learning_rate))
            seconds.append(time.perf_counter() - begun)
    timed = float(np.median(seconds[WARM_UP:]))
    print(json.dumps({"losses": losses, "seconds": timed}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
