"""Runs the ablations of the paper by name: `python -m tools.paper.ablations --help`.

Each is one training, and its evaluation on films kept apart; those of one table have the same
budget, and differ in one option. Repeat a command that was stopped: a training goes on where it
was, an evaluation that is there is not done again.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tyro

from cxr_tf.runtime.progress import Reporter
from pipelines.adapters import open_data
from pipelines.manifest.table import Manifest, ManifestError

#: The shares of the training set of Table XV, in per cent.
SHARES = (50, 30, 10)


@dataclass(frozen=True)
class Ablation:
    """One training of a table.

    Attributes:
        task: `segmentation` or `classification`.
        table: the paper's.
        options: what it differs in from the first row of its table.
        share: of the training set, in per cent. Epochs grow as it falls, so that the number of
            steps stays about the same.
        masks: ablation that makes the masks; '' for the run given by --segmentation.
    """

    task: str
    table: str
    options: tuple[str, ...] = ()
    share: int = 100
    masks: str = ""


def _all() -> dict[str, Ablation]:
    found = {
        "short": Ablation("segmentation", "V, XIII, XV"),
        "short_plain": Ablation("segmentation", "V, XV", ("--no-normalise",)),
        "short_u_net": Ablation("segmentation", "XIII", ("--network", "u_net")),
        "short_fc_densenet67": Ablation("segmentation", "XIV", ("--network", "fc_densenet67")),
        "patch224": Ablation("classification", "XVI, XVII, Fig. 12"),
        "global": Ablation("classification", "X, Fig. 12", ("--approach", "global")),
        "whole": Ablation("classification", "XVI", ("--content", "whole")),
        "outside": Ablation("classification", "–", ("--content", "outside")),
        "mask": Ablation("classification", "section V-F", ("--content", "mask")),
        "mask_global": Ablation(
            "classification", "section V-F", ("--content", "mask", "--approach", "global")
        ),
        "patch112": Ablation("classification", "XVII", ("--patch-size", "112")),
        "patch448": Ablation("classification", "XVII", ("--patch-size", "448")),
    }
    for name in ("short", "short_u_net", "short_fc_densenet67"):
        found[f"masks_{name}"] = Ablation("classification", "XIV", masks=name)
    for name, table in (("short", "XV"), ("short_plain", "XV"),
                        ("patch224", "Fig. 12"), ("global", "Fig. 12")):  # fmt: skip
        for share in SHARES:
            found[f"{name}_{share}"] = Ablation(found[name].task, table, found[name].options, share)
    return found


ABLATIONS = _all()


@dataclass(frozen=True, kw_only=True)
class Options:
    """The ablations of the paper. Exit status: 0 done, 2 wrong usage, else of what failed."""

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """of the ablations, in any order; none lists them"""
    data: Path = field(default_factory=lambda: Path("DATA"))
    """a manifest, a folder with one, or a data set that an adapter knows"""
    segmentation: Path = Path("runs/segmentation")
    """run of `train segmentation` that makes the masks"""
    imagenet: tuple[Path, ...] = ()
    """files with ImageNet weights for classification; by default *.npz in DATA/weights"""
    runs: Path = Path("runs")
    """folder of the trainings"""
    results: Path = Path("results/ablations")
    """folder of the evaluations"""
    dry_run: bool = False
    """only print the commands"""


def films_to_train(data: Manifest, task: str) -> int:
    """Count the films that a training of all of them takes.

    Args:
        data: the films.
        task: `segmentation` or `classification`.
    """
    return sum(row.trainable for row in data.select(task, "train"))


def training(name: str, options: Options, films: int) -> list[str]:
    """Give the arguments of `python -m cxr_tf.train`.

    Args:
        name: of the ablation.
        options: where things are.
        films: films to train on where all are taken.
    """
    own = ABLATIONS[name]
    times = 100 / own.share
    epochs, every = (6, 3) if own.task == "segmentation" else (12, 3)
    given = [own.task, "--data", str(options.data), "--out", str(options.runs / name)]
    given += ["--epochs", str(round(epochs * times)), "--validate-every", str(round(every * times))]
    if own.share < 100:
        given += ["--films", str(round(films * own.share / 100))]
    if own.task == "segmentation":
        return [*given, "--size", "128", *own.options]
    masks = options.runs / own.masks if own.masks else options.segmentation
    weights = options.imagenet or tuple(sorted((options.data / "weights").glob("*.npz")))
    given += ["--segmentation", str(masks), "--clean-masks", "--precision", "mixed_bfloat16"]
    return [*given, *(["--imagenet", *map(str, weights)] if weights else []), *own.options]


def evaluations(name: str, options: Options) -> list[list[str]]:
    """Give the arguments of each `python -m cxr_tf.evaluate`.

    Args:
        name: of the ablation.
        options: where things are.
    """
    task = ABLATIONS[name].task
    splits = {"test": "test"} | ({"crossdb": "montgomery"} if task == "segmentation" else {})
    return [
        [task, "--run", str(options.runs / name), "--data", str(options.data), "--split", split,
         "--out", str(options.results / f"{name}_{place}")]
        for split, place in splits.items()
    ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the programme's name; None: those of the process.

    Returns:
        Exit status: 0 done, 2 wrong usage, else of the command that failed.
    """
    options = tyro.cli(Options, prog="python -m tools.paper.ablations", args=arguments)
    if unknown := [name for name in options.names if name not in ABLATIONS]:
        Reporter().error(f"no ablation {', '.join(unknown)}: name some of {', '.join(ABLATIONS)}")
        return 2
    if not options.names:
        for name, own in ABLATIONS.items():
            print(f"{name:24} {own.table:20} {own.task} {' '.join(own.options)}")
        return 0
    try:
        data = open_data(options.data)
    except ManifestError as error:
        Reporter().errors(error)
        return 2
    masks = {ABLATIONS[name].masks for name in options.names}
    wanted = [m for name in options.names for m in (ABLATIONS[name].masks, name) if m]
    with Reporter() as reporter:
        for name in dict.fromkeys(wanted):
            films = films_to_train(data, ABLATIONS[name].task)
            missing = [
                given
                for given in evaluations(name, options)
                if not (Path(given[-1]) / "metrics.json").is_file()
            ]
            commands = [["cxr_tf.evaluate", *given] for given in missing]
            if missing or name in masks:
                commands.insert(0, ["cxr_tf.train", *training(name, options, films)])
            else:
                print(f"{name}: its results are there", flush=True)
            for command in commands:
                print("python -m", *command, flush=True)
                if options.dry_run:
                    continue
                status = subprocess.run([sys.executable, "-m", *command], check=False).returncode
                if status:
                    reporter.error(f"{command[0]} ended with {status}: mend it, and repeat this")
                    return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
