"""Take a float16 step whose gradients overflow on the second of two devices alone.

Prints as JSON the loss scale before and after, and whether the weights stayed as they were.
"""

import dataclasses
import json

import numpy as np
import tensorflow as tf

from cxr_tf.training.strategy import make_strategy
from cxr_tf.training.trainer import Trainer
from tests.cxr_tf.training.three_steps import CLASSIFICATION, RATE
from tools.bench.few_steps import classification_task, logical_devices

#: With it no gradient of the first device overflows.
SCALE = 8.0


def main() -> None:
    """Take the step."""
    config = dataclasses.replace(
        CLASSIFICATION,
        precision="mixed_float16",
        devices=logical_devices(2),
        l1=0.0,
        synchronised_batch_norm=False,  # it would carry the overflow to the other device
    )
    task = classification_task(config)
    losses = task.losses

    def overflowing(model, batch):
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        return losses(model, batch) * tf.where(tf.equal(replica, 1), 1e30, 1.0)

    task.losses = overflowing
    trainer = Trainer(task, make_strategy(config))
    with trainer.strategy.scope():
        trainer.optimizer.dynamic_scale.assign(SCALE)  # its own first one overflows everywhere
    weights = [weight.numpy() for weight in trainer.model.trainable_variables]
    before = float(trainer.optimizer.dynamic_scale.numpy())
    (batch,) = trainer.batches(0, 0, 1)
    trainer.step(batch, RATE)
    kept = all(
        np.array_equal(old, new.numpy())
        for old, new in zip(weights, trainer.model.trainable_variables, strict=True)
    )
    print(json.dumps([before, float(trainer.optimizer.dynamic_scale.numpy()), kept]))


if __name__ == "__main__":
    main()
