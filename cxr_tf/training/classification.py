"""The task of classifying patches, or whole films (section II-B)."""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.config import ClassificationConfig
from cxr_tf.metrics import classification_metrics, confusion_matrix
from cxr_tf.models import build
from cxr_tf.models.resnet import LOGITS
from cxr_tf.objectives import classification_loss
from cxr_tf.overlays import colour_saliency
from cxr_tf.saliency import enlargement, grad_cam, gradient_weights, normalised
from cxr_tf.training.tracing import Traced
from cxr_tf.voting import count_votes, decide, mean_probabilities
from pipelines.datasets import ClassificationExamples
from pipelines.patches import network_input
from pipelines.sampling import balanced_order

#: Seed of the fixed validation patches; serving's own seed.
VALIDATION_SEED = 0


class ClassificationTask:
    """Patches of masked films, cross entropy, and the vote over fixed validation patches."""

    score = "f1"

    def __init__(
        self,
        config: ClassificationConfig,
        classes: tuple[str, ...],
        training: ClassificationExamples,
        validation: ClassificationExamples,
        groups: Sequence[int] | None = None,
    ) -> None:
        """Take the examples in memory.

        Args:
            config: options of the run.
            classes: names of the decision classes.
            training: examples to learn from.
            validation: examples that choose the best epoch.
            groups: what is balanced, one number for each example to learn from; None for its class.
        """
        self._groups = training.labels.numpy().tolist() if groups is None else list(groups)
        self.config = config
        self.classes = classes
        self.training = training
        self.validation = validation
        self._vote = Traced(self._decide)

    def build(self) -> keras.Model:
        """Make the network with fresh weights."""
        return build(
            self.config.network,
            size=self.config.patch_size,
            classes=len(self.classes),
            synchronised=self.config.synchronised_batch_norm,
        )

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Every film, the smaller groups over-sampled.

        Args:
            epoch: number of the epoch.
        """
        return balanced_order(self._groups, self.config.seed, epoch, self.config.balance)

    def batches(
        self, epoch: int, places: npt.NDArray[np.int64], batch_size: int
    ) -> tf.data.Dataset:
        """Patches and labels for some places of an epoch.

        Args:
            epoch: number of the epoch.
            places: int64 [m].
            batch_size: examples a batch.
        """
        order = self.order(epoch)[places]
        config = self.config
        return self.training.batches(
            order, places, batch_size, config.seed, epoch, config.augment, config.augment_strength
        )

    def inputs(self, batch: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Scaled patches with three channels.

        Args:
            batch: patches float32 [B, P, P] in 0..255 first.
        """
        return network_input(batch[0], self.config.scaling)

    def losses(self, model: keras.Model, batch: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Cross entropy of each patch.

        Args:
            model: the network.
            batch: patches and labels.
        """
        logits = model(self.inputs(batch), training=True)["logits"]
        return classification_loss(logits, batch[1], self.config.label_smoothing)

    def _decide(
        self, model: keras.Model, patches: tf.Tensor, label: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Decision on a film, and the mean loss of its patches."""
        logits = model(network_input(patches, self.config.scaling), training=False)["logits"]
        probabilities = tf.nn.softmax(logits)
        used = tf.ones(tf.shape(patches)[:1], tf.bool)
        decision = decide(count_votes(probabilities, used), mean_probabilities(probabilities, used))
        labels = tf.fill(tf.shape(patches)[:1], label)
        return decision, tf.reduce_mean(classification_loss(logits, labels))

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """Figures of the vote over the fixed patches of every validation film.

        Args:
            model: the network.

        Returns:
            `accuracy`, macro `f1`, mean cross entropy of the patches `loss`, and the recall of
            each class.
        """
        films = self.validation.fixed_patches(self.config.validation_patches, VALIDATION_SEED)
        truth = self.validation.labels.numpy()
        decided, losses = [], []
        for patches, label in zip(films, truth, strict=True):
            decision, loss = self._vote(model, patches, tf.constant(label))
            decided.append(int(decision))
            losses.append(float(loss))
        matrix = confusion_matrix(truth, np.asarray(decided), len(self.classes))
        figures = classification_metrics(matrix)
        recalls = {
            f"recall_{name}": float(value)
            for name, value in zip(self.classes, figures.by_class["recall"], strict=True)
            if np.isfinite(value)
        }
        overall = {"accuracy": float(figures.accuracy), "f1": float(figures.f1)}
        return {**overall, "loss": float(np.mean(losses)), **recalls}

    def images(self, model: keras.Model) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
        """Patches of the first validation film of each class, with the Grad-CAM of that class.

        Args:
            model: the network.
        """
        truth = self.validation.labels.numpy()
        head = model.get_layer(LOGITS)
        size = self.config.patch_size
        for index, name in enumerate(self.classes):
            films = np.flatnonzero(truth == index)
            if not films.size:
                continue
            patches = self.validation.patches(tf.constant(films[0]), tf.constant(0, tf.int64), 4)
            features = model(network_input(patches, self.config.scaling), training=False)[
                "features"
            ]
            weights = gradient_weights(
                lambda x: head(tf.reduce_mean(x, [1, 2])), features, len(self.classes)
            )
            maps = normalised(grad_cam(features, weights), size)[:, index]
            grow = enlargement(maps.shape[1], size)
            heat = tf.einsum("yu,nuv,xv->nyx", grow, maps, grow).numpy()
            yield (
                f"patches/{name}",
                np.hstack([_coloured(p, h) for p, h in zip(patches.numpy(), heat, strict=True)]),
            )


def _coloured(
    patch: npt.NDArray[np.float32], heat: npt.NDArray[np.float32]
) -> npt.NDArray[np.uint8]:
    colour, opacity = colour_saliency(heat)
    grey = np.repeat(patch[..., None], 3, -1)
    return (grey * (1 - opacity[..., None]) + colour * opacity[..., None]).astype(np.uint8)
