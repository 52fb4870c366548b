"""Train a small network for a few steps and save all that came of it, for comparisons.

`python three_steps.py segmentation|classification DEVICES OUT.npz`: with TF_CONFIG in the
environment as one of several workers, otherwise with MirroredStrategy over DEVICES logical CPUs,
or without a strategy on one.
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from cxr_tf.saved.run_options import ClassificationTrainingOptions, SegmentationTrainingOptions
from cxr_tf.training.classification import ClassificationTask
from cxr_tf.training.segmentation import SegmentationTask
from cxr_tf.training.strategy import make_strategy, worker
from cxr_tf.training.trainer import Trainer
from pipelines.datasets import ClassificationExamples, SegmentationExamples
from pipelines.film_files import HeldFilms

STEPS, BATCH = 3, 4
#: Small, because Adam turns rounding of tiny gradients into steps of this size.
RATE = 1e-5
CLASSES = ("normal", "bacterial", "tuberculosis", "viral")


def smooth_films(count: int, size: int) -> np.ndarray:
    """Films of broad blobs, float32 [count, size, size] in 0..255."""
    rng = np.random.default_rng(3)
    coarse = rng.uniform(0.0, 255.0, (count, 6, 6, 1)).astype(np.float32)
    broad = tf.image.resize(coarse, [size, size]).numpy()[..., 0]
    return np.clip(broad + rng.normal(0.0, 20.0, broad.shape), 0.0, 255.0).astype(np.float32)


SEGMENTATION = SegmentationTrainingOptions(
    network="u_net_small",
    size=64,
    dropout=0.0,
    batch_size=BATCH,
    learning_rate=RATE,
    l2=1e-4,
)

#: With decoupled decay, L1 and averaged weights.
CLASSIFICATION = ClassificationTrainingOptions(
    network="resnet18_small",
    patch_size=64,
    batch_size=BATCH,
    learning_rate=RATE,
    weight_decay=0.1,
    l1=1e-5,
    ema=0.9,
    validation_patches=2,
)


def segmentation_task(config: SegmentationTrainingOptions) -> SegmentationTask:
    """Twelve films whose label is their brightness in four steps."""
    films = smooth_films(12, 64)
    labels = tf.constant((films // 64).astype(np.uint8))
    examples = SegmentationExamples(tf.constant(films), labels)
    return SegmentationTask(config, examples, examples)


def classification_task(config: ClassificationTrainingOptions) -> ClassificationTask:
    """Sixteen films of four classes."""
    films = HeldFilms((smooth_films(16, 1024) * 257.0).astype(np.uint16))
    lungs = np.zeros((16, 256, 256), np.uint8)
    lungs[:, 64:192, 32:112], lungs[:, 64:192, 144:224] = 3, 2
    labels = tf.constant(np.arange(16, dtype=np.int32) % 4)
    examples = ClassificationExamples(films, tf.constant(lungs), labels, 64)
    return ClassificationTask(config, CLASSES, examples, examples)


def main(kind: str, devices: int, out: Path) -> None:
    """Take the steps and write losses, weights, averages and checkpoints."""
    config = SEGMENTATION if kind == "segmentation" else CLASSIFICATION
    if devices > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration() for _ in range(devices)]
        )
        names = tuple(f"CPU:{index}" for index in range(devices))
        config = dataclasses.replace(config, devices=names)
    strategy = make_strategy(config)
    make_task = segmentation_task if kind == "segmentation" else classification_task
    trainer = Trainer(make_task(config), strategy)
    weights = trainer.model.weights
    arrays = {f"first {w.path}": w.numpy() for w in weights}
    losses = []
    for batch in trainer.batches(0, 0, STEPS):
        losses.append(trainer.step(batch, RATE))
        if len(losses) == 1:
            # After the first step Adam's momentum is the gradient, times 0.1.
            momenta = [v for v in trainer.optimizer.variables if v.path.endswith("_momentum")]
            arrays |= {f"gradient {i}": v.numpy() for i, v in enumerate(momenta)}
    assert len(losses) == STEPS
    arrays |= {f"weight {w.path}": w.numpy() for w in weights}
    arrays |= {f"average {i}": value.numpy() for i, value in enumerate(trainer.average)}
    model = trainer.prepare_evaluation()
    arrays |= {f"evaluated {w.path}": w.numpy() for w in model.weights}
    check_checkpoint(trainer, out.with_suffix(""))
    arrays["replicas"] = np.asarray(strategy.num_replicas_in_sync)
    arrays["worker"] = np.asarray(worker(strategy))
    np.savez(out, losses=np.asarray(losses), **arrays)


def check_checkpoint(trainer: Trainer, run: Path) -> None:
    """Save, go on, and go back: weights and optimiser return to what they were."""
    number, workers = worker(trainer.strategy)
    run = run.with_name(run.name.removesuffix(str(number)) + "0") if workers > 1 else run
    manager = trainer.manager(run)
    assert (Path(manager.directory).parent == run) == (number == 0)
    variables = [*trainer.model.weights, *trainer.optimizer.variables]
    kept = [variable.numpy() for variable in variables]
    trainer.state.step = STEPS
    trainer.save(manager)
    # Workers go on together, so the chief's checkpoint is there before another one reads it.
    for batch in trainer.batches(1, 0, 1):
        trainer.step(batch, RATE)
    trainer.state.step = 0
    assert any((old != new.numpy()).any() for old, new in zip(kept, variables, strict=True))
    assert trainer.restore(run), f"no checkpoint in {run}"
    for old, new in zip(kept, variables, strict=True):
        np.testing.assert_array_equal(old, new.numpy(), err_msg=new.path)
    assert trainer.state.step == STEPS


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
