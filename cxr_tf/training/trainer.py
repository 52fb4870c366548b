"""The training step under a distribution strategy, and all that a checkpoint must hold."""

import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from cxr_tf.models.batch_norm import BatchNormEstimator
from cxr_tf.models.precision import built_in
from cxr_tf.models.weights import is_kernel
from cxr_tf.runtime.errors import UsageError
from cxr_tf.training.batch_norm_statistics import estimate
from cxr_tf.training.objectives import penalty
from cxr_tf.training.state import TrainingState
from cxr_tf.training.strategy import worker
from cxr_tf.training.task import Task


def _variable(weight: keras.Variable) -> tf.Variable:
    return weight.value


class Trainer:
    """Network, optimiser and averages on the replicas; a second network for evaluation.

    The evaluation network lives outside the strategy. It takes the (averaged) weights and gets
    its own batch-norm statistics, so that evaluation never touches what is being trained.
    """

    def __init__(
        self, task: Task, strategy: tf.distribute.Strategy, start: list[np.ndarray] | None = None
    ):
        """Build both networks and the optimiser.

        Args:
            task: what to train.
            strategy: where.
            start: first weights, arrays in the order of the network's weights; None for fresh.
        """
        config = task.config
        self.task, self.strategy, self.config = task, strategy, config
        with built_in(config.precision):
            keras.utils.set_random_seed(config.seed)
            self.evaluation_model = task.build()
            with strategy.scope():
                keras.utils.set_random_seed(config.seed)
                self.model = task.build()
                if start is not None:
                    self.model.set_weights(start)
                self.optimizer = self._make_optimizer()
                self.optimizer.build(self.model.trainable_variables)
                self.average = [
                    tf.Variable(
                        tf.convert_to_tensor(weight),
                        trainable=False,
                        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
                    )
                    for weight in (self.model.trainable_variables if config.ema else [])
                ]
        self._statistics = BatchNormEstimator(self.evaluation_model)
        self.state = TrainingState()
        self.state_text = tf.Variable("", dtype=tf.string)
        seeds = [
            _variable(seed.state)
            for layer in self.model.layers
            if (seed := getattr(layer, "seed_generator", None)) is not None
        ]
        self.checkpoint = tf.train.Checkpoint(
            weights=[_variable(w) for w in self.model.weights],
            optimizer=[_variable(w) for w in self.optimizer.variables],
            average=self.average,
            seeds=seeds,
            state=self.state_text,
        )
        self._step = tf.function(
            self._distributed_step, jit_compile=config.xla or None, autograph=False
        )
        self._all_finite = tf.function(self._weights_are_finite, autograph=False)

    def _make_optimizer(self) -> keras.optimizers.Optimizer:
        config = self.config
        if config.weight_decay:
            optimizer = keras.optimizers.AdamW(
                config.learning_rate, weight_decay=config.weight_decay, epsilon=1e-8
            )
            spared = [v for v in self.model.trainable_variables if not is_kernel(v.path)]
            optimizer.exclude_from_weight_decay(var_list=spared)
        else:
            optimizer = keras.optimizers.Adam(config.learning_rate, epsilon=1e-8)
        if config.precision == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        return optimizer

    def _replica_step(self, batch: tuple[tf.Tensor, ...]) -> tf.Tensor:
        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            losses = self.task.losses(self.model, batch)
            loss = tf.reduce_sum(tf.cast(losses, tf.float32)) / self.config.batch_size
            objective = loss
            if self.config.l2 or self.config.l1:
                replicas = self.strategy.num_replicas_in_sync
                objective += penalty(variables, self.config.l2, self.config.l1) / replicas
            objective = self.optimizer.scale_loss(objective)
        gradients = tape.gradient(objective, variables)
        if self.config.precision == "mixed_float16" and self.strategy.num_replicas_in_sync > 1:
            # The loss scale looks for overflows before the optimiser sums over the replicas. They
            # must agree on what they see, so give each the mean, which the optimiser sums again.
            context = tf.distribute.get_replica_context()
            gradients = context.all_reduce(tf.distribute.ReduceOp.MEAN, gradients)
        self.optimizer.apply(gradients, variables)
        decay = self.config.ema
        for average, variable in zip(self.average, variables, strict=False):
            value = tf.cast(tf.convert_to_tensor(variable), tf.float32)
            average.assign(decay * average + (1.0 - decay) * value)
        return loss

    def _distributed_step(self, batch: tuple[tf.Tensor, ...]) -> tf.Tensor:
        losses = self.strategy.run(self._replica_step, args=(batch,))
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

    def step(self, batch: tuple[tf.Tensor, ...], rate: float) -> float:
        """Take one step.

        Args:
            batch: a batch of the distributed data set.
            rate: learning rate of this step.

        Returns:
            The mean loss over the global batch, without regularisation.
        """
        self.optimizer.learning_rate = rate
        return float(self._step(batch))

    def _weights_are_finite(self) -> tf.Tensor:
        weights = map(tf.convert_to_tensor, self.model.trainable_variables)
        return tf.reduce_all([tf.reduce_all(tf.math.is_finite(weight)) for weight in weights])

    def weights_are_finite(self) -> bool:
        """Tell whether every trainable weight is a finite number."""
        return bool(self._all_finite())

    def steps_per_epoch(self) -> int:
        """Count the steps of an epoch; at least one."""
        whole = len(self.task.order(0)) // self.config.batch_size
        if not whole:
            raise UsageError(
                f"{len(self.task.order(0))} training examples do not fill one batch of "
                f"{self.config.batch_size}; choose a smaller --batch-size"
            )
        return min(whole, self.config.steps_per_epoch or whole)

    def batches(
        self, epoch: int, first_step: int, last_step: int
    ) -> tf.distribute.DistributedDataset:
        """Give the batches of an epoch from one step to another; each worker reads its own share.

        Args:
            epoch: number of the epoch.
            first_step: the step to begin with.
            last_step: the step to end before.
        """
        size = self.config.batch_size
        replicas = self.strategy.num_replicas_in_sync

        def share(context: tf.distribute.InputContext) -> tf.data.Dataset:
            parts, part = context.num_input_pipelines, context.input_pipeline_id
            places = np.arange(first_step * size, last_step * size).reshape(-1, size)
            mine = places.reshape(len(places), parts, size // parts)[:, part].reshape(-1)
            return self.task.batches(epoch, mine, size // replicas)

        if replicas == 1:
            return share(tf.distribute.InputContext())
        return self.strategy.distribute_datasets_from_function(share)

    def prepare_evaluation(self) -> keras.Model:
        """Give the evaluation network the present weights, averaged where asked, and statistics.

        Returns:
            The evaluation network.
        """
        self.evaluation_model.set_weights(self.model.get_weights())
        for variable, average in zip(
            self.evaluation_model.trainable_variables, self.average, strict=False
        ):
            variable.assign(average.numpy())
        estimate(self._statistics, self.task)
        return self.evaluation_model

    def manager(self, run: Path) -> tf.train.CheckpointManager:
        """Make the checkpoint manager; workers that are not the chief write elsewhere.

        Args:
            run: folder of the run.
        """
        index, _ = worker(self.strategy)
        folder = run / "checkpoints"
        if index:
            # All must take part in writing; what the others write goes when they end.
            self._elsewhere = tempfile.TemporaryDirectory()
            folder = Path(self._elsewhere.name)
        return tf.train.CheckpointManager(self.checkpoint, str(folder), max_to_keep=2)

    def save(self, manager: tf.train.CheckpointManager) -> None:
        """Write a checkpoint; the one before stays until it is whole.

        Args:
            manager: from `manager`.

        Raises:
            OSError: it cannot be written.
        """
        self.state_text.assign(self.state.to_text())
        try:
            manager.save()
        except tf.errors.OpError as error:
            if worker(self.strategy)[1] > 1:
                raise  # it may be another worker that is gone
            reason = error.message.splitlines()[0]
            raise OSError(f"{manager.directory}: no checkpoint can be written: {reason}") from error

    def restore(self, run: Path) -> bool:
        """Go on from the newest checkpoint of a run.

        Args:
            run: folder of the run.

        Returns:
            Whether there was one.
        """
        newest = tf.train.latest_checkpoint(str(run / "checkpoints"))
        if newest is None:
            return False
        self.checkpoint.restore(newest).assert_consumed()
        self.state = TrainingState.from_text(self.state_text.numpy().decode())
        return True
