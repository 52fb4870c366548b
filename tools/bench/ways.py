"""Ways to compute the networks of a model: TensorFlow and other engines, with fewer bits or not."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.method.classifier import Classifier
from cxr_tf.method.model_card import ModelCard
from cxr_tf.method.preparation import Preparation
from cxr_tf.method.segmenter import MASK_SHAPE, Segmenter, label_map
from cxr_tf.method.vote import SUB_BATCH
from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.engine_check import NETWORKS, patches_of
from cxr_tf.saved.engine_folder import write_networks
from cxr_tf.saved.engines import Engine, open_network
from cxr_tf.saved.rebuild import exported_networks
from pipelines.films import read_film
from pipelines.manifest.table import ManifestRow
from pipelines.masks import LEAST_LUNG_FRACTION, lung_fraction
from pipelines.patches import network_input
from pipelines.status import OK

Floats = npt.NDArray[np.float32]
#: Networks of a model, by task.
Networks = dict[str, Any]
#: What the others are held against.
FIRST = "TensorFlow, float32"


@dataclass(frozen=True)
class Way:
    """One way to compute both networks.

    Attributes:
        segment: from a film float32 [S, S] in 0..255 to its label map uint8 [256, 256].
        classify: from patches float32 [n, P, P] in 0..255 to logits [n, C].
    """

    segment: Callable[[tf.Tensor], tf.Tensor]
    classify: Callable[[tf.Tensor], Floats]


def of_tensorflow(networks: Networks, card: ModelCard) -> Way:
    """Compute with TensorFlow, as an exported model does.

    Args:
        networks: by task, in the precision that is asked for.
        card: of the model.
    """
    segmenter = Segmenter(networks["segmentation"], card.options.clean_masks)
    classifier = Classifier(networks["classification"], card.triage_options)
    segment = tf.function(lambda small: segmenter.look(small).labels, autograph=False)
    return Way(segment, lambda patches: np.asarray(classifier.of_patches(patches)[0]))


def of_engine(runs: dict[str, Callable[[Floats], Floats]], card: ModelCard) -> Way:
    """Compute with another engine.

    Args:
        runs: from scaled inputs to logits, by network.
        card: of the model.
    """

    @tf.function(autograph=False)
    def labels(logits: tf.Tensor) -> tf.Tensor:
        probabilities = tf.image.resize(tf.nn.softmax(logits), MASK_SHAPE)[0]
        return label_map(probabilities, card.options.clean_masks)

    def segment(small: tf.Tensor) -> tf.Tensor:
        logits = runs["segmentation"](np.asarray(small[None, :, :, None] / 255.0))
        return labels(tf.constant(logits))

    def classify(patches: tf.Tensor) -> Floats:
        return runs["classification"](np.asarray(network_input(patches, card.options.scaling)))

    return Way(segment, classify)


def quantise(path: Path, inputs: Sequence[Floats]) -> Path:
    """Write a network of ONNX with whole numbers of 8 bits.

    Args:
        path: the network.
        inputs: batches that the ranges are taken from.

    Returns:
        The new file, beside it.
    """
    import onnxruntime
    from onnxruntime import quantization as q

    class Reader(q.CalibrationDataReader):
        def __init__(self) -> None:
            session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            self._name = session.get_inputs()[0].name
            self._left: Iterator[Floats] = iter(inputs)

        def get_next(self) -> dict[str, Floats] | None:
            batch = next(self._left, None)
            return None if batch is None else {self._name: batch}

    ready, out = path.with_suffix(".ready.onnx"), path.with_suffix(".int8.onnx")
    q.quant_pre_process(str(path), str(ready), skip_symbolic_shape=True)
    q.quantize_static(str(ready), str(out), Reader(), per_channel=True)
    return out


class Films:
    """Films as a model takes them.

    Args:
        card: of the model.
        size: side of the film that the segmentation sees.
    """

    def __init__(self, card: ModelCard, size: int) -> None:
        """Remember how films are prepared."""
        self._options = card.triage_options
        self._preparation = Preparation(size, self._options)

    def read(self, rows: Iterable[ManifestRow]) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """Give both sizes of each film that can be used.

        Args:
            rows: of a manifest.
        """
        for row in rows:
            film = read_film(row.path)
            if film.pixels is None:
                continue
            found = self._preparation.of_pixels(tf.constant(film.pixels), film.padding)
            if found.status.numpy().decode() == OK:
                yield found.small, found.large

    def cut(self, large: tf.Tensor, labels: tf.Tensor, count: int) -> tf.Tensor:
        """Cut patches of a film.

        Args:
            large: the film for the classification.
            labels: its label map.
            count: patches.
        """
        return patches_of(large, labels, self._options, count)


def make_ways(
    folder: Path, card: ModelCard, films: Films, training: Sequence[ManifestRow], place: Path
) -> dict[str, Way]:
    """Make every way, the reference first.

    Args:
        folder: of the model's version.
        card: of the model.
        films: how films are prepared.
        training: films that the ranges of 8 bits are taken from.
        place: folder for networks.

    Raises:
        UsageError: no training film shows lungs.
    """
    plain, half = (
        exported_networks(folder, dataclasses.replace(card, precision=precision))
        for precision in ("float32", "mixed_bfloat16")
    )
    ways = {FIRST: of_tensorflow(plain, card), "TensorFlow, bfloat16": of_tensorflow(half, card)}
    engines: tuple[Engine, ...] = ("onnx", "openvino")
    paths = {engine: write_networks(plain, card, engine, place) for engine in engines}

    def opened(engine: Engine, files: dict[str, Path]) -> Way:
        return of_engine({name: open_network(engine, path) for name, path in files.items()}, card)

    seen: list[Floats] = []
    cut: list[Floats] = []
    for small, large in films.read(training):
        labels = ways[FIRST].segment(small)
        if lung_fraction(labels) >= LEAST_LUNG_FRACTION:
            seen.append(np.asarray(small[None, :, :, None] / 255.0))
            patches = films.cut(large, labels, SUB_BATCH)
            cut.append(np.asarray(network_input(patches, card.options.scaling)))
    if not seen:
        raise UsageError("no training film shows lungs, so 8 bits have no ranges: name other data")
    quantised = {
        name: quantise(paths["onnx"][name], inputs)
        for name, inputs in zip(NETWORKS, (seen, cut), strict=True)
    }
    ways["ONNX Runtime, float32"] = opened("onnx", paths["onnx"])
    ways["ONNX Runtime, 8 bits"] = opened("onnx", quantised)
    ways["ONNX Runtime, classification with 8 bits"] = opened(
        "onnx", {**paths["onnx"], "classification": quantised["classification"]}
    )
    ways["OpenVINO, float32"] = opened("openvino", paths["openvino"])
    ways["OpenVINO, bfloat16"] = of_engine(
        {name: open_network("openvino", path, "bf16") for name, path in paths["openvino"].items()},
        card,
    )
    return ways
