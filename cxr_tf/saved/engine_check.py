"""How far the networks of another engine are from the model: probabilities on films."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from cxr_tf.method.classifier import Classifier
from cxr_tf.method.model_card import ModelCard
from cxr_tf.method.preparation import Preparation
from cxr_tf.method.segmenter import MASK_SHAPE, Segmenter
from cxr_tf.method.vote import SUB_BATCH
from cxr_tf.method.vote_options import SERVING_SEED
from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.engines import Engine, Floats, Run
from pipelines.lung_square import reduce_view
from pipelines.masks import (
    LEAST_LUNG_FRACTION,
    lung_fraction,
    lungs_at_full_size,
    select_content,
)
from pipelines.patches import cut_patches, draw_centres, network_input
from pipelines.status import OK

if TYPE_CHECKING:
    from cxr_tf.films.reading import Reading

#: Largest difference of a probability with which an engine's network is written.
LIMIT = 1e-3
NETWORKS = ("segmentation", "classification")


@dataclass
class Difference:
    """Of one network from the model's.

    Attributes:
        largest: difference of any probability.
        answers: pixels or patches.
        otherwise: of these, such with another likeliest label or class.
    """

    largest: float = 0.0
    answers: int = 0
    otherwise: int = 0

    def add(self, logits: Floats, expected: tf.Tensor, shape: list[int] | None = None) -> None:
        """Take in answers.

        Args:
            logits: the engine's, float32 [n, ..., C].
            expected: probabilities of the model.
            shape: size that the engine's probabilities are resized to; None for their own.
        """
        found = tf.nn.softmax(tf.constant(logits))
        if shape:
            found = tf.image.resize(found, shape)
        found, wanted = np.asarray(found), np.asarray(expected)
        largest = np.abs(found - wanted).max()
        # What is no number lies beyond every limit.
        self.largest = max(self.largest, float(largest) if np.isfinite(largest) else np.inf)
        same = found.argmax(-1) == wanted.argmax(-1)
        self.answers += same.size
        self.otherwise += int((~same).sum())


@dataclass
class Comparison:
    """Of engines with the model, on the same films.

    Attributes:
        films: how many were compared.
        left_out: how many could not be, by their status.
        engines: differences by engine and network.
    """

    films: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    engines: dict[Engine, dict[str, Difference]] = field(default_factory=dict)


def compare(
    networks: Mapping[str, keras.Model],
    card: ModelCard,
    engines: Mapping[Engine, Mapping[str, Run]],
    films: Iterable["Reading"],
) -> Comparison:
    """Ask engines and model about the same films, and the first patches of each.

    Args:
        networks: of the model, by task.
        card: of the model.
        engines: what runs their networks, by engine and task.
        films: as they were read.

    Raises:
        UsageError: no film shows lungs, or there is none.
    """
    options: Any = card.triage_options
    segmenter = Segmenter(networks["segmentation"], options.clean_masks)
    classifier = Classifier(networks["classification"], options)
    preparation = Preparation(segmenter.size, options)
    found = Comparison(engines={e: {n: Difference() for n in NETWORKS} for e in engines})
    for film in films:
        status = film.status
        small: Any = None
        large: Any = None
        if film.pixels is not None:
            prepared = preparation.of_pixels(tf.constant(film.pixels), film.padding)
            status, small, large = prepared.status.numpy().decode(), prepared.small, prepared.large
        if status != OK:
            found.left_out[status] = found.left_out.get(status, 0) + 1
            continue
        found.films += 1
        seen = segmenter.look(small)
        for engine, runs in engines.items():
            logits = runs["segmentation"](np.asarray(small[None, :, :, None] / 255.0))
            of_engine = found.engines[engine]["segmentation"]
            of_engine.add(logits, seen.probabilities[None], MASK_SHAPE)
        if lung_fraction(seen.labels) < LEAST_LUNG_FRACTION:
            continue
        patches = patches_of(large, seen.labels, options)
        wanted = tf.nn.softmax(classifier.of_patches(patches)[0])
        scaled = np.asarray(network_input(patches, options.scaling))
        for engine, runs in engines.items():
            found.engines[engine]["classification"].add(runs["classification"](scaled), wanted)
    if not all(each["classification"].answers for each in found.engines.values()):
        raise UsageError(
            f"no film to compare the engines on: {found.films} usable, none with lungs, "
            f"{sum(found.left_out.values())} left out ({', '.join(found.left_out) or 'none'}); "
            "name others by --films"
        )
    return found


def patches_of(
    large: tf.Tensor, labels: tf.Tensor, options: Any, count: int = SUB_BATCH
) -> tf.Tensor:
    """Cut patches as the vote does, or take the whole film where it is one.

    Args:
        large: float32 [L, L] in 0..255, the film.
        labels: uint8 [256, 256], its label map.
        options: how the films of the model are prepared.
        count: patches; the first ones of the serving seed.

    Returns:
        float32 [n, S, S] in 0..255.
    """
    lungs = lungs_at_full_size(labels, options.film_size)
    seen = select_content(large, lungs, options.content)
    if options.approach == "global":
        return reduce_view(seen, lungs, options.field_of_view, options.patch_size)[0][None]
    return cut_patches(seen, draw_centres(lungs, SERVING_SEED, count), options.patch_size)
