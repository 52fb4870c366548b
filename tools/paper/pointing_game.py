"""Plays the pointing game on phantoms: `python -m tools.paper.pointing_game --help`.

No film of a patient here has its lesions marked (RSNA's boxes are not among the data), so that
the game can be played on phantoms alone, whose lesions are known. It says whether the maps find
what was drawn, and nothing of patients. A global model gives the baseline of Fig. 7.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import tyro

from cxr_tf.evaluation.evaluated_model import load_subject
from cxr_tf.evaluation.options import ClassificationEvaluationOptions
from cxr_tf.evaluation.split import class_map_of
from cxr_tf.measures.bootstrap import mean_estimate
from cxr_tf.measures.pointing import chance, hit
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE, machine, revision
from pipelines.status import OK
from tools.phantoms.chest import Phantom
from tools.phantoms.files import draw

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel

CYCLE = ("bacterial", "tuberculosis", "viral", "covid19")
#: Where lung is filled (or a cavity) by at least this share of the strongest lesion of the film.
STRONG = 0.75
SIZE, FILM_SIZE = 256, 512
PHANTOMS = "PHANTOM DATA: generated films, the figures say nothing of patients."


@dataclass(frozen=True, kw_only=True)
class Options:
    """The pointing game on phantoms. Writes pointing.csv and pointing.json. Name RUN or MODEL."""

    out: Path
    """folder for the results"""
    run: Path | None = None
    """run of `train classification`"""
    model: Path | None = None
    """exported model"""
    films: int = 80
    """phantoms, classes in turn"""
    tolerance: int = 4
    """pixels of 256 by which the highest point may miss; 15 of 1024 are about 4"""
    patches: int = 100
    """patches of a film"""
    seed: int = 0
    """of phantoms, patches and bootstrap"""
    samples: int = 2000
    """bootstrap samples"""


@dataclass(frozen=True)
class Game:
    """What became of one phantom.

    Attributes:
        number: of the phantom.
        label: class it was drawn with.
        status: ok, or why there is no map.
        decided: class decided.
        hit: whether the map of its class points at the lesion, 0 to 1; nan without a map.
        chance: how often a point drawn evenly from the lungs would: a random map's score.
    """

    number: int
    label: str
    status: str
    decided: str
    hit: float
    chance: float


def lesion(drawn: Phantom) -> npt.NDArray[np.bool_]:
    """Return where the strongest lesions of a phantom lie.

    Args:
        drawn: the phantom.

    Returns:
        bool [256, 256], inside the lungs.
    """
    strength = np.abs(drawn.lesions) * (drawn.left_lung | drawn.right_lung)
    small = cv2.resize(strength.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    marked: npt.NDArray[np.bool_] = small >= max(STRONG * float(small.max()), 1e-6)
    return marked


def play(
    model: "TriageModel", films: Iterable[tuple[int, str, Phantom]], options: Options
) -> Iterator[Game]:
    """Let a model's maps point at lesions.

    Args:
        model: answers `predict`.
        films: number, class and phantom.
        options: the arguments.

    Yields:
        What became of each phantom.
    """
    classes = class_map_of(model.classes)
    for number, label, drawn in films:
        answer = model.predict(
            drawn.pixels, seed=options.seed, patches=options.patches, explain=True
        )
        lungs = (drawn.left_lung | drawn.right_lung).astype(np.uint8)
        small = cv2.resize(lungs, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST).astype(bool)
        target, found = lesion(drawn), float("nan")
        if answer.status == OK and answer.saliency is not None:
            saliency = answer.saliency[classes.index(label)]
            found = hit(saliency, target, options.tolerance)
        luck = chance(target, small, options.tolerance)
        yield Game(number, label, answer.status, answer.label, found, luck)


def record(games: Sequence[Game], options: Options) -> dict[str, Any]:
    """Count hits, chance and their difference, over all phantoms and by class.

    Args:
        games: what became of the phantoms.
        options: the arguments.

    Returns:
        By group, estimates of `hit`, `chance` and `difference` over phantoms with a map.
    """
    groups: dict[str, Any] = {}
    for group in ("all", *dict.fromkeys(game.label for game in games)):
        kept = [x for x in games if x.status == OK and group in ("all", x.label)]
        names = [str(game.number) for game in kept]
        figures = {
            "hit": [game.hit for game in kept],
            "chance": [game.chance for game in kept],
            "difference": [game.hit - game.chance for game in kept],
        }
        groups[group] = {
            name: mean_estimate(values, names, options.samples, options.seed).record()
            for name, values in figures.items()
        }
    return groups


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the programme's name; None: those of the process.

    Returns:
        Exit status: 0 written, 2 wrong usage.
    """
    options = tyro.cli(Options, prog="python -m tools.paper.pointing_game", args=arguments)
    if (options.run is None) == (options.model is None) or options.films < 1:
        Reporter().error("name either --run RUN or --model SAVED_MODEL, and --films from 1")
        return 2
    try:
        subject = load_subject(
            ClassificationEvaluationOptions(data=Path(), run=options.run, model=options.model)
        )
    except UsageError as error:
        Reporter().error(str(error))
        return 2
    phantoms = draw(CYCLE, options.films, options.seed, "pointing", FILM_SIZE)
    games = list(play(subject.model, phantoms, options))
    options.out.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(games, columns=list(Game.__annotations__))
    table.to_csv(options.out / "pointing.csv", index=False, lineterminator="\n", na_rep="nan")
    written: dict[str, Any] = {
        "command": "tools.paper.pointing_game",
        "notice": NOTICE,
        "phantom_notices": [PHANTOMS],
        "arguments": {k: str(v) if isinstance(v, Path) else v for k, v in vars(options).items()},
        "model": {"version": subject.model.model_version, "approach": subject.approach},
        "revision": revision(),
        "machine": machine(),
        "groups": record(games, options),
    }
    (options.out / "pointing.json").write_text(json.dumps(written, indent=2) + "\n")
    print(json.dumps(written["groups"]["all"], indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
