"""The task of classifying patches, or whole films (section II-B)."""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.measures.metrics import Ints, classification_metrics, confusion_matrix, roc_auc
from cxr_tf.measures.precision_recall import average_precision
from cxr_tf.method.saliency import enlargement, grad_cam, gradient_weights, normalised
from cxr_tf.method.voting import count_votes, decide, mean_probabilities
from cxr_tf.models.names import feature_stride
from cxr_tf.models.registry import build_classifier
from cxr_tf.models.resnet import LOGITS, freeze
from cxr_tf.runtime.errors import DivergedError
from cxr_tf.saved.run_options import ClassificationTrainingOptions
from cxr_tf.training.all_windows import AllWindows
from cxr_tf.training.objectives import classification_loss, windows_loss
from cxr_tf.training.pictures import (
    Picture,
    confusion_picture,
    covered,
    in_colours,
    precision_recall_picture,
    roc_picture,
    with_frames,
)
from cxr_tf.training.tf_explain_maps import tf_explain_maps, tf_explain_picture
from cxr_tf.training.tracing import Traced
from pipelines.as_written import as_written
from pipelines.classification_examples import ClassificationExamples
from pipelines.crops import crop_batches
from pipelines.patches import network_input
from pipelines.sampling import Balanced

#: Seed of the fixed validation patches; serving's own seed.
VALIDATION_SEED = 0
#: An epoch that no training uses, and no statistics of batch norm.
EVERY_FILM_EPOCH = 2**31 - 2
#: Patches that a fitted layer takes at a time.
AT_A_TIME = 16
#: Epochs in which draws are counted: enough for groups of which an epoch draws a tenth.
COUNTED_EPOCHS = 100
#: Patches of a film, and training examples, that TensorBoard shows.
SHOWN = 4


class ClassificationTask:
    """Patches of masked films, cross entropy, and the vote over fixed validation patches."""

    def __init__(
        self,
        config: ClassificationTrainingOptions,
        classes: tuple[str, ...],
        training: ClassificationExamples,
        validation: ClassificationExamples,
        balanced: Balanced | None = None,
        shares: npt.NDArray[np.float32] | None = None,
        sources: Sequence[str] = (),
    ) -> None:
        """Take the examples.

        Args:
            config: options of the run.
            classes: names of the decision classes.
            training: examples to learn from.
            validation: examples that choose the best epoch.
            balanced: the examples to learn from in the groups that are drawn equally often; None
                for their classes.
            shares: float32 [n, C], what the source of each example to learn from says of its class,
                see `pipelines.sampling.source_shares`; None to discount no source.
            sources: of each example to learn from, for a head that is fitted without the directions
                that tell them apart.
        """
        self._expert = None if shares is None else config.discount_sources * np.log(shares)
        self._balanced = balanced or Balanced(training.labels.numpy().tolist())
        self.config = config
        self.classes = classes
        self.sources = sources
        self._dense = config.approach == "dense"
        self._stride = feature_stride(config.network)
        #: Where both votes are learnt, the mean of their macro F1 chooses the best epoch.
        self.score = "f1_both" if self._dense else "f1"
        self.training = training
        self.validation = validation
        self._vote = Traced(self._decide)
        self._windows = AllWindows(config)
        self._evaluated: tuple[Ints, npt.NDArray[np.int32], npt.NDArray[np.float32]] | None = None

    def build(self) -> keras.Model:
        """Make the network with fresh weights."""
        model = build_classifier(
            self.config.network,
            approach=self.config.approach,
            patch_size=self.config.patch_size,
            classes=len(self.classes),
            synchronised=self.config.synchronised_batch_norm,
            style_exchange=self.config.style_exchange,
        )
        freeze(model, self.config.frozen_stages, statistics=not self.config.estimate_batch_norm)
        return model

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Give every film, the smaller groups over-sampled.

        Args:
            epoch: number of the epoch.
        """
        return self._balanced.order(self.config.seed, epoch, self.config.balance)

    def every_film(
        self, patches: int, varied: bool
    ) -> Iterator[tuple[tf.Tensor, Ints, npt.NDArray[np.float32]]]:
        """Give each film to learn from once, some at a time.

        Args:
            patches: of each film; a film that is looked at as a whole is one.
            varied: change the patches as the options of the run say; otherwise they are as in use.

        Yields:
            The network's inputs [films x patches, P, P, 3], the labels, int64 [films], and what is
            added to the logits where sources are discounted, float32 [films, C].
        """
        config, labels = self.config, self.training.labels.numpy().astype(np.int64)
        patches = 1 if self.training.whole else patches
        films = max(1, AT_A_TIME // patches)
        nothing = np.zeros((len(labels), len(self.classes)))
        experts = (nothing if self._expert is None else self._expert).astype(np.float32)
        # Batches are full: the first film stands for what is missing at the end.
        order = np.pad(np.arange(len(labels)), (0, -len(labels) % films)).repeat(patches)
        change = (config.augment_strength, config.jpeg) if varied else (0.0, 0.0)
        drawn = (config.seed, EVERY_FILM_EPOCH, varied and config.augment, *change)
        places = np.arange(len(order))
        batches = self.training.batches(order, places, films * patches, *drawn)
        for first, batch in zip(range(0, len(labels), films), batches, strict=True):
            some = slice(first, first + films)
            count = len(labels[some]) * patches
            yield self.inputs(batch)[:count], labels[some], experts[some]

    def every_window(self, model: keras.Model) -> list[npt.NDArray[np.float32]]:
        """Give the features of each film to learn from, averaged over its windows: float32 [k].

        Args:
            model: the network.

        Returns:
            As many as there are films, where both votes are learnt; otherwise none.
        """
        return list(self._windows.features(model, self.training)) if self._dense else []

    def windows_apart(self, model: keras.Model) -> npt.NDArray[np.float64]:
        """Tell how windows differ from the patches at their places; see `AllWindows.apart`.

        Args:
            model: the network.

        Returns:
            float64 [k, k], over the films to learn from.
        """
        return self._windows.apart(model, self.training)

    def draws(self) -> npt.NDArray[np.int64]:
        """Count how often each film is drawn in many epochs, int64 [n]."""
        order = np.concatenate([self.order(epoch) for epoch in range(COUNTED_EPOCHS)])
        return np.bincount(order, minlength=len(self.training.labels))

    def batches(
        self, epoch: int, places: npt.NDArray[np.int64], batch_size: int
    ) -> tf.data.Dataset:
        """Give patches and labels for places of an epoch.

        Where sources are discounted, what is added to the logits follows. Where both votes are
        learnt, crops and their windows come last.

        Args:
            epoch: number of the epoch.
            places: int64 [m].
            batch_size: examples a batch; it has a crop for each `config.crops` of them, at least
                one.
        """
        order, config = self.order(epoch)[places], self.config
        drawn = (config.seed, epoch, config.augment, config.augment_strength, config.jpeg)
        patches = self.training.batches(order, places, batch_size, *drawn)
        if self._expert is not None:
            experts = tf.data.Dataset.from_tensor_slices(self._expert[order])
            experts = experts.batch(batch_size, drop_remainder=True)
            patches = tf.data.Dataset.zip(patches, experts).map(
                as_written(lambda some, more: (*some, more))
            )
        if not self._dense:
            return patches
        count = max(1, batch_size // config.crops)
        whole = len(places) // batch_size * batch_size
        first, there = (
            x[:whole].reshape(-1, batch_size)[:, :count].ravel() for x in (order, places)
        )
        crops = crop_batches(self.training, first, there, count, self._stride, *drawn)
        return tf.data.Dataset.zip(patches, crops).map(
            as_written(lambda some, larger: (*some, *larger))
        )

    def inputs(self, batch: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Give scaled patches with three channels.

        Args:
            batch: patches float32 [B, P, P] in 0..255 first.
        """
        return network_input(batch[0], self.config.scaling)

    def statistics(self, batch: tuple[tf.Tensor, ...]) -> Sequence[tf.Tensor]:
        """Give patches, and crops where there are some: each half of what statistics are made from.

        Args:
            batch: of `batches`.
        """
        seen = [batch[0], batch[-2]] if self._dense else [batch[0]]
        return tuple(network_input(x, self.config.scaling) for x in seen)

    def losses(self, model: keras.Model, batch: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Give the cross entropy of each patch; with crops, half of it and half of their windows'.

        Args:
            model: the network.
            batch: patches and labels, and where both votes are learnt crops and their windows.
        """
        smoothing = self.config.label_smoothing
        expert = tf.zeros([]) if self._expert is None else batch[2]
        logits = model(self.inputs(batch), training=True)["logits"] + expert
        of_patches = classification_loss(logits, batch[1], smoothing)
        if not self._dense:
            return of_patches
        crops, windows = batch[-2:]
        inputs = network_input(crops, self.config.scaling)
        features = model(inputs, training=True)["features"]
        side = self.config.patch_size // self._stride
        means = tf.nn.avg_pool2d(features, side, 1, "VALID")
        logits = model.get_layer(LOGITS)(means)
        if self._expert is not None:
            logits += expert[: crops.shape[0], None, None]
        labels = batch[1][: crops.shape[0]]
        of_crops = windows_loss(logits, labels, windows, smoothing)
        return (of_patches + tf.reduce_mean(of_crops)) / 2.0

    def _decide(
        self, model: keras.Model, patches: tf.Tensor, label: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Decision on a film, its mean probabilities, and the mean loss of its patches."""
        logits = model(network_input(patches, self.config.scaling), training=False)["logits"]
        probabilities = tf.nn.softmax(logits)
        used = tf.ones(tf.shape(patches)[:1], tf.bool)
        mean = mean_probabilities(probabilities, used)
        decision = decide(count_votes(probabilities, used), mean)
        labels = tf.fill(tf.shape(patches)[:1], label)
        return decision, mean, tf.reduce_mean(classification_loss(logits, labels))

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """Give the figures of the vote over the fixed patches of every validation film.

        Args:
            model: the network.

        Returns:
            `accuracy`, macro `f1`, mean cross entropy of the patches `loss`, the recall of each
            class, the area under its ROC curve, and its average precision; where both votes are
            learnt also `dense_accuracy`, `dense_f1`, and the mean of both macro F1, `f1_both`.

        Raises:
            DivergedError: the network's answers are not finite.
        """
        films = self.validation.fixed_patches(self.config.validation_patches, VALIDATION_SEED)
        truth = self.validation.labels.numpy()
        decided, losses, means = [], [], []
        for patches, label in zip(films, truth, strict=True):
            decision, mean, loss = self._vote(model, patches, tf.constant(label))
            decided.append(int(decision))
            means.append(mean.numpy())
            losses.append(float(loss))
        if not (np.isfinite(losses).all() and np.isfinite(means).all()):
            raise DivergedError("the answers on the validation films are not finite")
        matrix = confusion_matrix(truth, np.asarray(decided), len(self.classes))
        figures = classification_metrics(matrix)
        probabilities = np.stack(means)
        self._evaluated = (matrix, truth, probabilities)
        of_classes = {
            "recall": figures.by_class["recall"],
            "auc": roc_auc(truth, probabilities),
            "average_precision": average_precision(truth, probabilities),
        }
        by_class = {
            f"{figure}_{name}": float(value)
            for figure, values in of_classes.items()
            for name, value in zip(self.classes, values, strict=True)
            if np.isfinite(value)
        }
        overall = {"accuracy": float(figures.accuracy), "f1": float(figures.f1)}
        if self._dense:
            overall |= self._windows.figures(model, self.validation, len(self.classes))
            overall["f1_both"] = (overall["f1"] + overall["dense_f1"]) / 2.0
        return {**overall, "loss": float(np.mean(losses)), **by_class}

    def figures(self) -> Iterator[tuple[str, Picture]]:
        """Draw the confusion matrix, ROC and precision-recall curves of the last evaluation."""
        if self._evaluated is None:
            return
        matrix, truth, probabilities = self._evaluated
        what = f"validation films, {self.config.validation_patches} patches each"
        yield "evaluation/confusion", confusion_picture(matrix, self.classes, what)
        yield "evaluation/roc", roc_picture(truth, probabilities, self.classes, what)
        curves = precision_recall_picture(truth, probabilities, self.classes, what)
        yield "evaluation/precision_recall", curves

    def images(self, model: keras.Model) -> Iterator[tuple[str, Picture]]:
        """Draw the first validation film of each class, and the first training examples.

        Args:
            model: the network.

        Yields:
            `films/CLASS`: what the network may see of the film, outlines of its masks, frames of
            four patches; `patches/CLASS`: these patches, in a second row with our Grad-CAM of the
            class, in a third with tf-explain's; `training/patches`: examples of the first epoch
            as the network gets them.
        """
        for index, name in enumerate(self.classes):
            films = np.flatnonzero(self.validation.labels.numpy() == index)
            if films.size:
                film = int(films[0])
                yield f"films/{name}", self._film_picture(film)
                yield f"patches/{name}", self._patch_picture(model, film, index)
        places = np.arange(min(SHOWN, len(self.order(0))))
        for patches, *_ in self.batches(0, places, len(places)):
            yield "training/patches", np.hstack([in_colours(patch) for patch in patches.numpy()])

    def _film_picture(self, film: int) -> Picture:
        examples = self.validation
        labels = examples.lungs[film].numpy()
        centres = np.empty((0, 2), np.int32)
        if not examples.whole:
            seed = tf.constant(VALIDATION_SEED, tf.int64)
            centres = examples.centres(tf.constant(film), seed, SHOWN).numpy()
        pixels = examples.seen(film)
        return with_frames(pixels, labels, centres, examples.patch_size)

    def _patch_picture(self, model: keras.Model, film: int, index: int) -> Picture:
        seed = tf.constant(VALIDATION_SEED, tf.int64)
        patches = self.validation.patches(tf.constant(film), seed, SHOWN)
        inputs, size = network_input(patches, self.config.scaling), self.config.patch_size
        features, head = model(inputs, training=False)["features"], model.get_layer(LOGITS)
        weights = gradient_weights(
            lambda x: head(tf.reduce_mean(x, [1, 2])), features, len(self.classes)
        )
        maps = normalised(grad_cam(features, weights), size)[:, index]
        grow = enlargement(maps.shape[1], size)
        heat = tf.einsum("yu,nuv,xv->nyx", grow, maps, grow).numpy()
        theirs = tf_explain_maps(model, inputs, index)
        pictures = [
            np.vstack([in_colours(patch), covered(patch, ours), tf_explain_picture(patch, peer)])
            for patch, ours, peer in zip(patches.numpy(), heat, theirs, strict=True)
        ]
        return np.hstack(pictures)

    def shown(self) -> tf.Tensor:
        """Give the patches of the first validation film, as the network takes them."""
        seed = tf.constant(VALIDATION_SEED, tf.int64)
        patches = self.validation.patches(tf.constant(0), seed, SHOWN)
        return network_input(patches, self.config.scaling)
