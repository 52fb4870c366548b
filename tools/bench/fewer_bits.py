"""Decisions and speed with fewer bits: `python -m tools.bench.fewer_bits --data MANIFEST`.

Each film is segmented, and its patches are classified, by the networks of an exported model in
TensorFlow, ONNX Runtime and OpenVINO: in float32, in bfloat16, and with whole numbers of 8 bits
(ONNX Runtime's static quantisation). All ways take turns on the same film.
"""

import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tyro

from cxr_tf.evaluation.summary import table
from cxr_tf.measures.vote_rules import best
from cxr_tf.method.classifier import Classifier
from cxr_tf.method.model_card import ModelCard
from cxr_tf.method.preparation import Preparation
from cxr_tf.method.segmenter import MASK_SHAPE, Segmenter, label_map
from cxr_tf.method.vote import SUB_BATCH
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import machine, versions
from cxr_tf.runtime.whole_files import write_text
from cxr_tf.saved.engine_check import NETWORKS, patches_of
from cxr_tf.saved.engine_folder import write_networks
from cxr_tf.saved.engines import Engine, open_network
from cxr_tf.saved.model_folders import read_card, version_folder
from cxr_tf.saved.rebuild import exported_networks
from pipelines.adapters import open_data
from pipelines.films import read_film
from pipelines.manifest.table import ManifestError, ManifestRow
from pipelines.masks import LEAST_LUNG_FRACTION, lung_fraction
from pipelines.patches import network_input
from pipelines.sizes import PATCHES
from pipelines.status import OK
from tools.bench.processor import features

Floats = npt.NDArray[np.float32]
#: Networks of a model, by task.
Networks = dict[str, Any]
#: What the others are held against.
FIRST = "TensorFlow, float32"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Compare decisions and time them. Exit status: 0 done, 2 wrong usage."""

    data: Path
    """a manifest, a folder with one, or a data set that an adapter knows"""
    model: Path = Path("saved_models/cxr_triage")
    """an exported model"""
    split: str = "validation"
    """of the films that are decided"""
    films: int = 0
    """films to decide at most, evenly spread; 0 for all"""
    calibrate: int = 24
    """training films that the ranges of 8 bits are taken from"""
    out: Path | None = None
    """Markdown file to write; by default it is only printed"""


@dataclass(frozen=True)
class Way:
    """One way to compute both networks.

    Attributes:
        segment: from a film float32 [S, S] in 0..255 to its label map uint8 [256, 256].
        classify: from patches float32 [n, P, P] in 0..255 to logits [n, C].
    """

    segment: Callable[[tf.Tensor], tf.Tensor]
    classify: Callable[[tf.Tensor], Floats]


@dataclass(frozen=True)
class Answer:
    """What one way makes of a film.

    Attributes:
        label: the class that won; -1 without lungs.
        mean: mean probabilities of the patches, [C].
        lungs: pixels of the label map that are no background.
        seconds: of the segmentation and of the patches.
    """

    label: int
    mean: Floats
    lungs: npt.NDArray[np.bool_]
    seconds: tuple[float, float]


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


def decide(way: Way, small: tf.Tensor, large: tf.Tensor, films: Films) -> Answer:
    """Decide a film, and time its networks.

    Args:
        way: how.
        small: the film for the segmentation.
        large: the film for the classification.
        films: how films are prepared.
    """
    begun = time.perf_counter()
    labels = way.segment(small)
    found = np.asarray(labels)
    segmented = time.perf_counter() - begun
    if lung_fraction(labels) < LEAST_LUNG_FRACTION:
        return Answer(-1, np.zeros(1, np.float32), found > 0, (segmented, float("nan")))
    patches = films.cut(large, labels, PATCHES)
    begun = time.perf_counter()
    parts = [way.classify(patches[i : i + SUB_BATCH]) for i in range(0, len(patches), SUB_BATCH)]
    seconds = (segmented, time.perf_counter() - begun)
    chances = tf.nn.softmax(np.concatenate(parts)).numpy()
    votes = np.bincount(chances.argmax(1), minlength=chances.shape[1]).astype(np.float64)
    return Answer(best(votes, chances), chances.mean(0), found > 0, seconds)


def rows_of(answers: dict[str, list[Answer]]) -> list[list[str]]:
    """Compare each way with the first.

    Args:
        answers: by way, of the same films in the same order.

    Returns:
        A row for each way: its name; films with another label; largest and mean difference of a
        mean probability; least and mean overlap (Jaccard) of the lungs and heart; median
        milliseconds of segmentation and classification; and its speed as a multiple of the first's.
    """
    reference = answers[FIRST]
    base = np.nanmedian([sum(each.seconds) for each in reference])
    found = []
    for name, own in answers.items():
        pairs = list(zip(own, reference, strict=True))
        other = sum(one.label != two.label for one, two in pairs)
        both = [(one.mean, two.mean) for one, two in pairs if min(one.label, two.label) >= 0]
        off = [np.abs(one - two).max() for one, two in both] or [np.nan]
        overlap = [
            (one.lungs & two.lungs).sum() / max((one.lungs | two.lungs).sum(), 1)
            for one, two in pairs
        ]
        segmentation, patches = np.nanmedian([each.seconds for each in own], axis=0)
        total = np.nanmedian([sum(each.seconds) for each in own])
        found.append(
            [name, f"{other} of {len(own)}", f"{max(off):.3f}", f"{np.mean(off):.4f}",
             f"{min(overlap):.3f}", f"{np.mean(overlap):.4f}", f"{1000 * segmentation:.0f}",
             f"{1000 * patches:.0f}", f"{base / total:.2f}"]
        )  # fmt: skip
    return found


def markdown(rows: Sequence[Sequence[str]], card: ModelCard, options: Options) -> str:
    """Lay out the table.

    Args:
        rows: from `rows_of`.
        card: of the model.
        options: of the comparison.
    """
    header = ["networks in", "films with another label", "largest difference of a probability",
              "mean", "least overlap of masks", "mean overlap", "segmentation, ms",
              "classification, ms", "speed"]  # fmt: skip
    found, here = versions(), machine()
    said = (
        f"Model {card.name} {card.version} on the {options.split} films; 8 bits have their ranges "
        f"from {options.calibrate} training films. Times are medians over films, on which the ways "
        f"took turns; *speed* is of both networks, as a multiple of the first row's. "
        f"{here['processor']} with {', '.join(features())}; {here['cpus']} processors; "
        f"TensorFlow {found['tensorflow']}."
    )
    return "\n\n".join(["# Decisions and speed with fewer bits", said, table(header, rows)]) + "\n"


def spread(rows: Sequence[ManifestRow], count: int) -> list[ManifestRow]:
    """Choose rows at even distances.

    Args:
        rows: of a manifest.
        count: how many at most; 0 for all.
    """
    if not count or count >= len(rows):
        return list(rows)
    return [rows[int(index)] for index in np.linspace(0, len(rows) - 1, count)]


def measure(options: Options, reporter: Reporter) -> str:
    """Compare all ways.

    Args:
        options: of the comparison.
        reporter: told how far it is.

    Returns:
        The page.

    Raises:
        UsageError: there are no films.
    """
    folder = version_folder(options.model)
    card = read_card(folder)
    data = open_data(options.data)
    training = spread(
        [row for row in data.select("classification", "train") if row.trainable], options.calibrate
    )
    rows = spread(data.select("classification", options.split).rows, options.films)
    films = Films(card, card.networks["segmentation"].size)
    with tempfile.TemporaryDirectory() as name:
        ways = make_ways(folder, card, films, training, Path(name))
        answers: dict[str, list[Answer]] = {way: [] for way in ways}
        for number, (small, large) in enumerate(films.read(rows)):
            for way, own in ways.items():
                found = decide(own, small, large, films)
                if number == 0:  # its first calls build what later ones use
                    found = decide(own, small, large, films)
                answers[way].append(found)
            reporter.note(f"{number + 1} of {len(rows)} films")
    if not answers[FIRST]:
        raise UsageError(f"no {options.split} film can be used: name another --split")
    return markdown(rows_of(answers), card, options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: by default those of the process.

    Returns:
        Exit status: 0 done, 2 wrong usage.
    """
    options = tyro.cli(
        Options, prog="python -m tools.bench.fewer_bits", description=__doc__, args=arguments
    )
    with Reporter() as reporter:
        try:
            text = measure(options, reporter)
        except (ManifestError, UsageError) as error:
            reporter.errors(error)
            return 2
    if options.out is not None:
        write_text(options.out, text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
