"""Tries after how many patches a vote can end: `python -m tools.bench.early_end FOLDER…`.

Each folder is the output of `cxr_tf.score --patch-table`. All patches of a film are there, in their
order, so every rule is tried on the same votes: what label it ends with, and after how many.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
import tyro

from cxr_tf.method.vote import EARLY_STEP, FAST_STEP
from cxr_tf.method.voting import decide, patches_needed_more
from cxr_tf.runtime.markdown import markdown_table
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE
from pipelines.sizes import PATCHES
from pipelines.text_table import read_text_table

LEADS = (1.0, 1.5, 1.75, 2.0, 2.5, 3.0, math.inf)


@dataclass(frozen=True)
class Film:
    """The patches of one film.

    Attributes:
        winners: int [K], the class that each patch votes for.
        probabilities: float [K, C].
    """

    winners: np.ndarray
    probabilities: np.ndarray

    def label(self, seen: int) -> int:
        """Decide by the first patches; see `cxr_tf.method.voting.decide`."""
        mean = self.probabilities[:seen].mean(0)
        return int(decide(tf.constant(self.votes(seen)), tf.constant(mean)))

    def votes(self, seen: int) -> np.ndarray:
        """Count the votes of the first patches, int32 [C]."""
        classes = self.probabilities.shape[1]
        return np.bincount(self.winners[:seen], minlength=classes).astype(np.int32)

    def end(self, lead: float) -> int:
        """Count the patches after which the vote ends, checked at every step of a run."""
        step = FAST_STEP if math.isfinite(lead) else EARLY_STEP
        for seen in range(step, len(self.winners), step):
            votes = tf.constant(self.votes(seen))
            if not int(patches_needed_more(votes, tf.constant(len(self.winners)), lead)):
                return seen
        return len(self.winners)


def read_films(folder: Path) -> dict[str, Film]:
    """Read the films of one run.

    Args:
        folder: with `patches.csv`, in which every film has `PATCHES` rows.

    Raises:
        ValueError: a film has another number of rows.
    """
    table = read_text_table(folder / "patches.csv")
    columns = [name for name in table if name.startswith("p_")]
    films = {}
    for path, rows in table.groupby("path", sort=False):
        if len(rows) != PATCHES:
            raise ValueError(f"{folder}/patches.csv: score each film with {PATCHES} patches")
        probabilities = rows[columns].to_numpy(np.float64)
        films[str(path)] = Film(probabilities.argmax(1), probabilities)
    return films


def table(runs: Sequence[dict[str, Film]]) -> str:
    """Compare rules, and the first run's labels with those of other seeds.

    Args:
        runs: films by path, each run with a seed of its own.

    Returns:
        Markdown.
    """
    films = [film for run in runs for film in run.values()]
    rows: list[tuple[object, ...]] = []
    for lead in LEADS:
        ends = [film.end(lead) for film in films]
        same = [x.label(n) == x.label(PATCHES) for x, n in zip(films, ends, strict=True)]
        rule = "where it is settled" if lead == math.inf else f"at a lead of {lead:g} SD"
        rows.append((rule, f"{np.mean(same):.1%}", len(films), f"{np.mean(ends):.1f}"))
    for number, other in enumerate(runs[1:], 2):
        same = [run.label(PATCHES) == other[path].label(PATCHES) for path, run in runs[0].items()]
        never = f"never; run {number} beside the first"
        rows.append((never, f"{np.mean(same):.1%}", len(same), PATCHES))
    header = ("vote ends", "same label", "votes", "patches on average")
    return "\n".join(markdown_table(header, rows))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the command line without the program's name; None for this process's own.

    Returns:
        Exit status: 0 done, 2 wrong usage.
    """

    def run(folders: tyro.conf.Positional[tuple[Path, ...]]) -> int:
        try:
            print(table([read_films(folder) for folder in folders]))
        except (OSError, ValueError) as error:
            Reporter().error(str(error))
            return 2
        return 0

    return tyro.cli(run, args=arguments, prog="python -m tools.bench.early_end", description=NOTICE)


if __name__ == "__main__":
    sys.exit(main())
