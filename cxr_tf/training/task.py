"""What the loop asks of a task."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.saved.run_options import TrainingOptions


class Task(Protocol):
    """A kind of training: its network, examples, loss and evaluation."""

    #: Name of the number in `evaluate`'s result that chooses the best epoch.
    score: str

    @property
    def config(self) -> TrainingOptions:
        """Options of the run."""

    def build(self) -> keras.Model:
        """Make the network with its first weights."""

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Say which example comes at each place of an epoch."""

    def batches(
        self, epoch: int, places: npt.NDArray[np.int64], batch_size: int
    ) -> tf.data.Dataset:
        """Give batches for some places of an epoch."""

    def inputs(self, batch: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Give the network's input for a batch."""

    def statistics(self, batch: tuple[tf.Tensor, ...]) -> Sequence[tf.Tensor]:
        """Give the network's inputs for a batch that batch-norm statistics are estimated from."""

    def losses(self, model: keras.Model, batch: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Give the loss of each example, float32 [B]."""

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """Give the figures on the validation films."""

    def figures(self) -> Iterable[tuple[str, npt.NDArray[np.uint8]]]:
        """Draw the last evaluation for TensorBoard: names and pictures, uint8 [H, W, 3]."""

    def images(self, model: keras.Model) -> Iterable[tuple[str, npt.NDArray[np.uint8]]]:
        """Draw films and what is found in them: names and pictures, uint8 [H, W, 3]."""

    def shown(self) -> tf.Tensor:
        """Give the inputs of the network whose activations are shown."""
