"""Decisions and speed with fewer bits: `python -m tools.bench.fewer_bits --data MANIFEST`.

Each film is segmented, and its patches are classified, by the networks of an exported model in
TensorFlow, ONNX Runtime and OpenVINO: in float32, in bfloat16, and with whole numbers of 8 bits
(ONNX Runtime's static quantisation). All ways take turns on the same film.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tyro

from cxr_tf.evaluation.summary import table
from cxr_tf.measures.vote_rules import best
from cxr_tf.method.model_card import ModelCard
from cxr_tf.method.vote import SUB_BATCH
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import machine, versions
from cxr_tf.saved.model_folders import read_card, version_folder
from pipelines.adapters import open_data
from pipelines.manifest.table import ManifestRow
from pipelines.masks import LEAST_LUNG_FRACTION, lung_fraction
from pipelines.sizes import PATCHES
from tools.bench.page import show_page
from tools.bench.processor import features
from tools.bench.ways import FIRST, Films, Floats, Way, make_ways


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
    return show_page(partial(measure, options), options.out)


if __name__ == "__main__":
    sys.exit(main())
