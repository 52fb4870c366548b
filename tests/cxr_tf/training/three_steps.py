"""Train a small network for a few steps and save all that came of it, for comparisons.

`python three_steps.py segmentation|classification DEVICES OUT.npz`: with TF_CONFIG in the
environment as one of several workers, otherwise with MirroredStrategy over DEVICES logical CPUs,
or without a strategy on one.
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np

from cxr_tf.saved.run_options import ClassificationTrainingOptions, SegmentationTrainingOptions
from cxr_tf.training.strategy import make_strategy, worker
from cxr_tf.training.trainer import Trainer
from tools.bench.few_steps import classification_task, logical_devices, segmentation_task

STEPS, BATCH = 3, 4
#: Small, because Adam turns rounding of tiny gradients into steps of this size.
RATE = 1e-5

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


def main(kind: str, devices: int, out: Path) -> None:
    """Take the steps and write losses, weights, averages and checkpoints."""
    config = SEGMENTATION if kind == "segmentation" else CLASSIFICATION
    if devices > 1:
        config = dataclasses.replace(config, devices=logical_devices(devices))
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
