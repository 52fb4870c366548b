"""Holds the dense vote against 100 patches: `python -m tools.bench.two_votes MODEL --data FILMS`.

Each film is decided by 100 patches, by other 100 patches, and densely, with the map of the class
that the first ones decide on. So a difference of the dense vote stands beside that of another seed.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf
import tyro

from cxr_tf.evaluation.summary import table
from cxr_tf.films.model import TriageModel
from cxr_tf.films.prediction import Prediction
from cxr_tf.method.vote_options import DENSE, PATCHWISE, VoteOptions
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import machine
from cxr_tf.saved.load import load
from pipelines.adapters import open_data
from pipelines.films import read_film
from pipelines.manifest.table import ManifestRow
from pipelines.masks import lungs
from pipelines.status import OK
from tools.bench.page import show_page

OTHER_SEED, DENSELY = "100 patches, another seed", "dense vote"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Compare both votes of a model. Exit status: 0 done, 2 wrong usage."""

    model: tyro.conf.Positional[Path]
    """an exported model that learnt to vote densely"""
    data: Path
    """a manifest, a folder with one, or a data set that an adapter knows"""
    split: str = "validation"
    """of the films that are decided"""
    out: Path | None = None
    """Markdown file to write; by default it is only printed"""


@dataclass(frozen=True)
class Film:
    """One way to decide a film against 100 patches.

    Attributes:
        other: whether the label is another one.
        off: largest difference of a mean probability.
        rank: Spearman's correlation of the two maps over the pixels of the lungs, -1..1.
    """

    other: bool
    off: float
    rank: float


def compared(way: Prediction, patches: Prediction) -> Film:
    """Hold one answer against that of 100 patches.

    Args:
        way: explained.
        patches: the same film by 100 patches, explained.
    """
    from scipy.stats import spearmanr

    assert way.saliency is not None and patches.saliency is not None
    inside = lungs(tf.constant(patches.mask)).numpy()
    maps = (each[patches.class_index][inside] for each in (way.saliency, patches.saliency))
    return Film(
        way.label != patches.label,
        float(np.abs(way.probabilities - patches.probabilities).max()),
        float(spearmanr(*maps).statistic),
    )


def decide(model: TriageModel, row: ManifestRow) -> dict[str, Film] | None:
    """Decide a film in every way.

    Args:
        model: learnt to vote densely.
        row: the film.

    Returns:
        Each way against 100 patches; None where the film has no answer.
    """
    film = read_film(row.path)
    if film.pixels is None:
        return None
    patches, other, dense = (
        model.predict(film.pixels, film.padding, vote, explain=True)
        for vote in (VoteOptions(vote=PATCHWISE), VoteOptions(vote=PATCHWISE, seed=1), DENSE)
    )
    if patches.status != OK:
        return None
    return {OTHER_SEED: compared(other, patches), DENSELY: compared(dense, patches)}


def markdown(films: Sequence[dict[str, Film]], model: TriageModel, split: str) -> str:
    """Lay out the comparison.

    Args:
        films: of `decide`, at least one.
        model: that decided.
        split: of the films.
    """
    rows = []
    for name in (OTHER_SEED, DENSELY):
        ways = [film[name] for film in films]
        ranks = [way.rank for way in ways]
        rows.append(
            [name, f"{sum(way.other for way in ways)} of {len(ways)}",
             f"{np.mean([way.off for way in ways]):.3f}", f"{max(way.off for way in ways):.3f}",
             f"{np.mean(ranks):.3f}", f"{min(ranks):.3f}"]
        )  # fmt: skip
    header = ["against 100 patches", "films with another label", "mean difference of a probability",
              "largest", "rank correlation of the maps, mean", "least"]  # fmt: skip
    said = (
        f"Model {model.card.name} {model.card.version} on the {split} films. The maps are those of "
        "the class that 100 patches decide on; their rank correlation is taken over the pixels of "
        f"the lungs. {machine()['processor']}."
    )
    return "\n\n".join(["# The dense vote against 100 patches", said, table(header, rows)]) + "\n"


def measure(options: Options, reporter: Reporter) -> str:
    """Compare both votes.

    Args:
        options: of the comparison.
        reporter: told how far it is.

    Returns:
        The page.

    Raises:
        UsageError: the model did not learn to vote densely, or no film has an answer.
    """
    rows = open_data(options.data).select("classification", options.split).rows
    model = load(options.model)
    films = []
    for number, row in enumerate(rows):
        if (found := decide(model, row)) is not None:
            films.append(found)
        reporter.note(f"{number + 1} of {len(rows)} films")
    if not films:
        raise UsageError(f"no {options.split} film has an answer: name another --split")
    return markdown(films, model, options.split)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: by default those of the process.

    Returns:
        Exit status: 0 done, 2 wrong usage.
    """
    options = tyro.cli(
        Options, prog="python -m tools.bench.two_votes", description=__doc__, args=arguments
    )
    return show_page(partial(measure, options), options.out)


if __name__ == "__main__":
    sys.exit(main())
