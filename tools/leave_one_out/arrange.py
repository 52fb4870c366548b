"""Train and decide every fold, each a command of its own, and go on where that was stopped."""

import dataclasses
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.stopping import Stopped
from cxr_tf.runtime.whole_files import write_json
from cxr_tf.saved.run_options import MAY_CHANGE, ClassificationTrainingOptions
from cxr_tf.train import parse_arguments
from pipelines.classes import ClassMap, parse_classes
from pipelines.manifest.table import Manifest
from tools.leave_one_out.folds import (
    TASK,
    Fold,
    kept_of,
    parse_folds,
    single_sources,
    steps_of_a_pass,
)

#: What a folder of folds was made with.
RECIPE = "leave_one_out.json"
#: In the folder of a fold: its training is over.
TRAINED = "trained.json"
#: Options of a training that are the folds' own.
OWN = ("--data", "--out", "--leave-out")
#: What else of the options may differ where folds go on.
LOOSE = (MAY_CHANGE - {"epochs", "patience"}) | {"leave_out", "steps_per_epoch"}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        data: the manifest or folder that was named.
        out: folder of the folds.
        folds: those that can be trained.
        recipe: what `RECIPE` holds.
        training: options for `cxr_tf.train`, passed through.
        patches: patches that vote on a film.
        known: decide test films of the other sources too.
    """

    data: Path
    out: Path
    folds: list[Fold]
    recipe: dict[str, Any]
    training: tuple[str, ...]
    patches: int
    known: bool


def training_options(data: Path, out: Path, passed: Sequence[str]) -> ClassificationTrainingOptions:
    """Resolve the options of the trainings.

    Args:
        data: the manifest or folder.
        out: folder of the folds.
        passed: options for `cxr_tf.train classification`.

    Raises:
        UsageError: an option is the folds' own.
        SystemExit: an option is unknown.
    """
    given = {word.partition("=")[0].replace("_", "-") for word in passed if word.startswith("--")}
    if own := sorted(given & set(OWN)):
        raise UsageError(f"{', '.join(own)} behind `--`: leave it out, each fold has its own")
    config = parse_arguments([TASK, "--data", str(data), "--out", str(out), *passed])
    assert isinstance(config, ClassificationTrainingOptions)
    if config.stop_after_steps:
        raise UsageError("--stop-after-steps would leave the folds with other budgets")
    return config


def make_plan(
    data: Path, manifest: Manifest, out: Path, names: Sequence[str], passed: Sequence[str],
    patches: int, known: bool, reporter: Reporter,
) -> Plan:  # fmt: skip
    """Check everything before the first training.

    Args:
        data: the manifest or folder that was named.
        manifest: its rows.
        out: folder of the folds.
        names: folds that were asked for; none for each source.
        passed: options for `cxr_tf.train classification`.
        patches: patches that vote on a film.
        known: decide test films of the other sources too.
        reporter: told of folds that cannot be trained.

    Raises:
        UsageError: the options are wrong, no fold can be trained, or the folder holds folds of
            another recipe or of other data.
    """
    config = training_options(data, out, passed)
    try:
        classes = parse_classes(config.classes)
    except ValueError as error:
        raise UsageError(f"--classes: {error}") from error
    folds, skipped, passes = [], {}, {}
    for fold in parse_folds(names, manifest, classes):
        try:
            passes[fold.name] = steps_of_a_pass(kept_of(fold, manifest, config), config)
            folds.append(fold)
        except UsageError as error:
            skipped[fold.name] = str(error)
            reporter.warn(f"fold {fold.name}: {error}")
    if not folds:
        raise UsageError("no fold can be trained; see above")
    before = _recipe_before(out)
    steps = _steps(config, passes, before.get("steps_per_epoch", 0))
    recipe = {
        "data": str(data),
        "fingerprint": manifest.fingerprint(),
        "phantom": manifest.phantom,
        "class_map": classes.spec(),
        "classes": list(classes.names),
        "single_sources": single_sources(manifest, classes),
        "folds": before.get("folds", {}) | {fold.name: list(fold.sources) for fold in folds},
        "skipped": before.get("skipped", {}) | skipped,
        "patches": patches,
        "steps_per_epoch": steps,
        "training": _compared(config),
    }
    for name in ("fingerprint", "patches", "training"):
        if before and before[name] != json.loads(json.dumps(recipe[name])):
            raise UsageError(
                f"{out} holds folds of another recipe ({_difference(name, before, recipe)}); "
                "choose another --out, or what they were made with"
            )
    return Plan(data, out, folds, recipe, tuple(passed), patches, known)


def _recipe_before(out: Path) -> dict[str, Any]:
    """Read the recipe of a folder; none where it is new."""
    path = out / RECIPE
    if not path.is_file():
        return {}
    recipe: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    # Options that came with a later version were at their defaults.
    usual = json.loads(json.dumps(_compared(ClassificationTrainingOptions())))
    return {**recipe, "training": usual | recipe["training"]}


def folds_of(out: Path) -> tuple[dict[str, Any], list[Fold]]:
    """Read what a folder of folds was made with.

    Args:
        out: the folder.

    Returns:
        Its recipe and its folds.

    Raises:
        UsageError: it is no such folder.
    """
    recipe = _recipe_before(out)
    if not recipe:
        raise UsageError(f"{out}: no folds here ({RECIPE} is missing); make them by run")
    return recipe, [Fold(name, tuple(sources)) for name, sources in recipe["folds"].items()]


def _compared(config: ClassificationTrainingOptions) -> dict[str, Any]:
    """Give the options that all folds share."""
    values = dataclasses.asdict(config)
    return {name: value for name, value in values.items() if name not in LOOSE}


def _difference(name: str, before: dict[str, Any], now: dict[str, Any]) -> str:
    if name != "training":
        return f"{name}: {before[name]!r} -> {now[name]!r}"
    old, new = before[name], json.loads(json.dumps(now[name]))
    names = sorted(key for key in old | new if old.get(key) != new.get(key))
    return "; ".join(f"{key}: {old.get(key)!r} -> {new.get(key)!r}" for key in names)


def _steps(config: ClassificationTrainingOptions, passes: dict[str, int], before: int) -> int:
    """Give every fold as many steps an epoch as the smallest has, or as were asked for.

    Raises:
        UsageError: a fold has too few films for them.
    """
    least = min(passes, key=lambda name: passes[name])
    steps = config.steps_per_epoch or before or passes[least]
    if before and steps != before:
        raise UsageError(
            f"the folds there train for {before} steps an epoch, not {steps}: budgets must be equal"
        )
    if not 1 <= steps <= passes[least]:
        raise UsageError(
            f"fold {least}: its films give {passes[least]} steps an epoch, not {steps}; give fewer "
            "--steps-per-epoch or a smaller --batch-size, and more --epochs"
        )
    return steps


def commands(plan: Plan, fold: Fold, manifest: Manifest, classes: ClassMap) -> list[list[str]]:
    """Give what is left to do of a fold, as arguments of `python -m`.

    Args:
        plan: the plan.
        fold: the fold.
        manifest: all rows.
        classes: decision classes.
    """
    place = plan.out / fold.folder
    run = place / "run"
    steps = ["--steps-per-epoch", str(plan.recipe["steps_per_epoch"])]
    data = ["--data", str(plan.data)]
    found = []
    if not (place / TRAINED).is_file():
        found.append(
            ["cxr_tf.train", TASK, *data, "--out", str(run), *plan.training, *steps,
             "--leave-out", *fold.sources]
        )  # fmt: skip
    tests = manifest.select(TASK, "test", classes=classes)
    others = sorted({row.source for row in tests if row.label in classes} - set(fold.sources))
    wanted = {"left_out": ("all", fold.sources)}
    if plan.known and others:
        wanted["known"] = ("test", tuple(others))
    for kind, (split, sources) in wanted.items():
        if not (place / kind / "metrics.json").is_file():
            found.append(
                ["tools.leave_one_out", "decide", str(run), *data, "--split", split,
                 "--patches", str(plan.patches), "--out", str(place / kind), "--source", *sources]
            )  # fmt: skip
    return found


def run_command(command: Sequence[str]) -> int:
    """Run a module as a command.

    Args:
        command: the module and its arguments.

    Returns:
        Its exit status, negative for a signal.

    Raises:
        KeyboardInterrupt: this process was asked to stop; so was the command, and it has ended.
    """
    process = subprocess.Popen([sys.executable, "-m", *command])
    try:
        return process.wait()
    except KeyboardInterrupt as stop:
        if isinstance(stop, Stopped):  # Ctrl-C went to the command as well
            process.terminate()
        process.wait()  # a training writes a checkpoint after the step in work
        raise


def carry_out(plan: Plan, manifest: Manifest, dry_run: bool, reporter: Reporter) -> int:
    """Do what is left of every fold.

    Args:
        plan: the plan.
        manifest: all rows.
        dry_run: only print the commands.
        reporter: told what failed.

    Returns:
        Exit status: 0 done, else that of the command that failed.
    """
    classes = parse_classes(plan.recipe["class_map"])
    if not dry_run:
        plan.out.mkdir(parents=True, exist_ok=True)
        write_json(plan.out / RECIPE, plan.recipe)
    for fold in plan.folds:
        left = commands(plan, fold, manifest, classes)
        if not left:
            print(f"{fold.name}: its decisions are there", flush=True)
        for command in left:
            print("python -m", shlex.join(command), flush=True)
            if dry_run:
                continue
            trained = command[0] == "cxr_tf.train"
            status = run_command(command)
            if status:
                reporter.error(f"{command[0]} ended with {status}: mend it, and repeat this")
                return status if status > 0 else 128 - status
            if trained:
                place = plan.out / fold.folder
                write_json(place / TRAINED, {"sources": list(fold.sources)})
                shutil.rmtree(place / "run" / "checkpoints", ignore_errors=True)
    return 0
