"""The task of segmenting heart and lungs (section II-A)."""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.measures.metrics import Ints, confusion_matrix, label_jaccard
from cxr_tf.models.recomputed import with_less_memory
from cxr_tf.models.registry import build
from cxr_tf.saved.run_options import SegmentationTrainingOptions
from cxr_tf.training.objectives import segmentation_loss
from cxr_tf.training.pictures import Picture, confusion_picture, in_colours, outlined
from cxr_tf.training.tracing import Traced
from pipelines.labels import HEART, LEFT_LUNG, RIGHT_LUNG
from pipelines.sampling import plain_order
from pipelines.segmentation_examples import SegmentationExamples

EVALUATION_BATCH = 4
#: Films and training examples that TensorBoard shows.
SHOWN = 4
PARTS = ("background", "heart", "left lung", "right lung")


class SegmentationTask:
    """Films and label maps, Eq. 2, and the Jaccard similarity on validation films."""

    score = "jaccard"

    def __init__(
        self,
        config: SegmentationTrainingOptions,
        training: SegmentationExamples,
        validation: SegmentationExamples,
    ) -> None:
        """Take the examples in memory.

        Args:
            config: options of the run.
            training: examples to learn from.
            validation: examples that choose the best epoch.
        """
        self.config = config
        self.training = training
        self.validation = validation
        self._confusion: Ints | None = None
        self._label_maps = Traced(
            lambda model, films: tf.argmax(model(self.inputs((films,)), training=False), -1)
        )

    def build(self) -> keras.Model:
        """Make the network with fresh weights."""
        return build(
            self.config.network,
            size=self.config.size,
            dropout=self.config.dropout,
            synchronised=self.config.synchronised_batch_norm,
        )

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Give every film once.

        Args:
            epoch: number of the epoch.
        """
        return plain_order(len(self.training), self.config.seed, epoch)

    def batches(
        self, epoch: int, places: npt.NDArray[np.int64], batch_size: int
    ) -> tf.data.Dataset:
        """Give films and labels for some places of an epoch.

        Args:
            epoch: number of the epoch.
            places: int64 [m].
            batch_size: examples a batch.
        """
        config = self.config
        strength = config.augment_strength if config.augment else 0.0
        order = self.order(epoch)[places]
        return self.training.batches(
            order, places, batch_size, config.seed, epoch, strength, config.frames
        )

    def inputs(self, batch: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Give films in 0..1 with a channel.

        Args:
            batch: films float32 [B, S, S] in 0..255 first.
        """
        return batch[0][..., None] / 255.0

    def statistics(self, batch: tuple[tf.Tensor, ...]) -> Sequence[tf.Tensor]:
        """Give the input of the batch, which all statistics are estimated from.

        Args:
            batch: films first.
        """
        return (self.inputs(batch),)

    def losses(self, model: keras.Model, batch: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Give the weighted cross entropy of each film.

        Args:
            model: the network.
            batch: films and labels.
        """
        inputs = self.inputs(batch)
        sparing = self.config.memory_efficient
        logits = with_less_memory(model)(inputs) if sparing else model(inputs, training=True)
        return segmentation_loss(logits, batch[1], self.config.class_weights)

    def predict(self, model: keras.Model, films: tf.Tensor) -> npt.NDArray[np.uint8]:
        """Predict the label maps of films.

        Args:
            model: the network.
            films: float32 [n, S, S] in 0..255.
        """
        parts = [
            self._label_maps(model, films[start : start + EVALUATION_BATCH]).numpy()
            for start in range(0, films.shape[0], EVALUATION_BATCH)
        ]
        return np.concatenate(parts).astype(np.uint8)

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """Give the mean Jaccard similarity over validation films, at the training size.

        Args:
            model: the network.

        Returns:
            `lung`, `heart`, `lung_union`, and their mean over heart and both lungs, `jaccard`.
        """
        predicted = self.predict(model, self.validation.films)
        pixels = self.validation.labels.numpy().ravel()
        self._confusion = confusion_matrix(pixels, predicted.ravel(), len(PARTS))
        rows = []
        for labels, truth in zip(predicted, self.validation.labels.numpy(), strict=True):
            masks = {"left_lung": truth == LEFT_LUNG, "right_lung": truth == RIGHT_LUNG}
            rows.append(label_jaccard(labels, masks | {"heart": truth == HEART}))
        figures = {
            name: float(np.mean([row[name] for row in rows]))
            for name in ("lung", "heart", "lung_union")
        }
        parts = [[row["left_lung"], row["right_lung"], row["heart"]] for row in rows]
        return {"jaccard": float(np.mean(parts)), **figures}

    def figures(self) -> Iterator[tuple[str, Picture]]:
        """Draw the confusion matrix of the validation films' pixels, at the last evaluation."""
        if self._confusion is not None:
            picture = confusion_picture(self._confusion, PARTS, "pixels of the validation films")
            yield "evaluation/confusion", picture

    def images(self, model: keras.Model) -> Iterator[tuple[str, Picture]]:
        """Draw the first validation films and the first training examples, with outlines of masks.

        Args:
            model: the network.

        Yields:
            `mask/N`: a film, the outlines found, the true ones; `training/films`: examples of the
            first epoch as the network gets them, with their outlines.
        """
        shown = self.validation.films[:SHOWN]
        truth = self.validation.labels[:SHOWN].numpy()
        for index, labels in enumerate(self.predict(model, shown)):
            film = shown[index].numpy()
            panels = [in_colours(film), outlined(film, labels), outlined(film, truth[index])]
            yield f"mask/{index}", np.hstack(panels)
        places = np.arange(min(SHOWN, len(self.training)))
        for films, label_maps in self.batches(0, places, len(places)):
            pairs = zip(films.numpy(), label_maps.numpy(), strict=True)
            yield "training/films", np.hstack([outlined(*pair) for pair in pairs])

    def shown(self) -> tf.Tensor:
        """Give the first validation films, as the network takes them."""
        return self.inputs((self.validation.films[:SHOWN],))
