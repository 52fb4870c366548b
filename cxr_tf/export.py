"""Export a model: `python -m cxr_tf.export --segmentation RUN --classification RUN --out DIR`."""

import dataclasses
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cxr_tf.measures.rule_names import Rule
from cxr_tf.method.triage_options import DecisionOptions
from cxr_tf.method.vote_options import Vote, check_margin, check_stride
from cxr_tf.models.names import Precision
from cxr_tf.runtime.command_line import Command, read_command_line
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.stopping import Stops, stop_status
from cxr_tf.runtime.text import print_out
from cxr_tf.saved.engines import Engine, check_engines
from cxr_tf.saved.model_folders import read_card, version_folder, version_folders
from cxr_tf.saved.write import exporting, write_model
from pipelines.native_logs import start_tensorflow

if TYPE_CHECKING:
    from cxr_tf.films.reading import Reading


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Options of `python -m cxr_tf.export`."""

    out: str
    """Folder of the model, such as saved_models/cxr_triage; a new version is added in it."""
    classification: str = ""
    """Run of `train classification`."""
    model: str = ""
    """An exported model in place of runs: its weights go into the graph of this version of
    cxr-tf, or into another precision."""
    segmentation: str = ""
    """Run of `train segmentation`; by default the one the classification was trained with."""
    version: int = 0
    """Number of the version; 0 for the next one."""
    mantissa_bits: int = 23
    """Binary digits that kernels are rounded to, 1 to 23: 10 are those of float16. They stay
    float32 and as fast, and the model compresses better."""
    precision: Precision = "float32"
    """What the networks compute in. mixed_bfloat16 was 1.8 times as fast on a processor with
    AVX-512 BF16, and may move votes; mixed_float16 is for GPUs. Weights stay float32."""
    reliability: Path | None = None
    """Numbers fitted for this model by `python -m tools.reliability fit`: its gate, quality of the
    mask and calibration. By default none, or with --model those that it has."""
    class_offsets: Path | None = None
    """Numbers to add to the logits of the classes, fitted by `python -m tools.leave_one_out
    offsets`: they go into the bias of the last layer, so that every patch votes with them."""
    refer_below: float | None = None
    """Least margin of an answer that is not referred, 0 to 1: with less, `decision` is `refer`.
    By default never (0), or what --model has."""
    rule: Rule | None = None
    """What decides: the majority of the patches' labels, the largest mean probability, the same
    without the lowest and the highest tenth of the patches, or the mean weighted by the lung in
    each patch. By default the majority, or what --model has."""
    stride: int | None = None
    """Patches on a grid of that many pixels at 1024 x 1024, 50 to 1024, or 0 for random ones. By
    default random ones, or what --model has."""
    vote: Vote | None = None
    """What votes in the signatures: random patches, or every place of a grid on the lungs, which
    the network sees all at once (dense; of a run of `train classification --approach dense`). By
    default patches, or what --model has."""
    warmup: bool = True
    """Write warm-up records; needs the extra `serving`."""
    also: tuple[Engine, ...] = ()
    """Write both networks for these engines too, in OUT/ENGINE/VERSION, with what they take and
    how far they are from the model; above 0.001 in any probability nothing is written. Needs the
    extra of the engine's name."""
    films: tuple[str, ...] = ()
    """With --also, films to compare the engines on: files, folders, patterns or tables. By default
    the validation films of --classification."""


#: The command line, the common options first.
COMMAND = Command(
    ExportOptions,
    {
        "run and output": "out classification segmentation model version",
        "decision": "rule refer_below vote stride",
        "fitted number": "reliability class_offsets",
        "size and speed": "precision mantissa_bits warmup",
        "other engine": "also films",
    },
    "--segmentation runs/segmentation --classification runs/classification --out models/mine",
)


def export(config: ExportOptions) -> Path:
    """Build the inference module of two runs and save it in TensorFlow Serving's layout.

    Args:
        config: the runs and where to write.

    Returns:
        The version folder.

    Raises:
        FileNotFoundError: a folder holds no run.
        FileExistsError: the version is there already.
        OSError: the model cannot be written.
        ValueError: a run is of the wrong kind, or neither or both of a run and a model are given;
            or another process exports into the folder; or another engine's answers differ.
    """
    if bool(config.model) == bool(config.classification):
        raise UsageError("give either --classification (and --segmentation), or --model")
    if config.model and (
        config.segmentation
        or config.mantissa_bits != ExportOptions.mantissa_bits
        or config.class_offsets
    ):
        raise UsageError(
            "--model has its weights: leave out --segmentation, --mantissa-bits and --class-offsets"
        )
    _check_also(config)
    check_margin(config.refer_below, "--refer-below")
    check_stride(config.stride, "--stride")
    out = Path(config.out)
    with exporting(out):
        return _export(config, out)


def _export(config: ExportOptions, out: Path) -> Path:
    """Export into a folder that is this process' own; see `export`."""
    newest = [int(folder.name) for folder in version_folders(out)]
    folder = out / str(config.version or max(newest, default=0) + 1)
    if folder.exists():
        raise FileExistsError(f"{folder} exists; choose another --version")
    for engine in config.also:
        if (there := out / engine / folder.name).exists():
            raise FileExistsError(f"{there} exists; choose another --version, or remove it")
    start_tensorflow()
    if config.model:
        from cxr_tf.saved.rebuild import remake_module

        made = remake_module(config.model, config.precision, config.reliability, _decision(config))
    else:
        from cxr_tf.saved.build import make_module

        made = make_module(
            config.segmentation or None,
            config.classification,
            mantissa_bits=config.mantissa_bits,
            precision=config.precision,
            reliability=config.reliability,
            decision=_decision(config),
            class_offsets=config.class_offsets,
        )
    if not config.also:
        write_model(*made, folder, config.warmup)
        return folder
    from cxr_tf.saved.engine_folder import publish, write_engines

    told: list[str] = []

    def engines(saved: Path) -> None:
        told.extend(write_engines(config.also, saved, folder, _films(config)))

    write_model(*made, folder, config.warmup, engines)
    for engine in config.also:
        publish(engine, folder)
    for sentence in told:
        Reporter().note(sentence)
    return folder


def _check_also(config: ExportOptions) -> None:
    """Refuse what does not go with other engines, before any work."""
    if not config.also:
        if config.films:
            raise UsageError("--films are for --also: name an engine, or leave them out")
        return
    if config.model and not config.films:
        raise UsageError("--also with --model needs --films to compare the engines on")
    if config.precision != ExportOptions.precision:
        raise UsageError(f"--also takes float32 networks: leave out --precision {config.precision}")
    check_engines(config.also)


def _films(config: ExportOptions) -> Iterator["Reading"]:
    """Read the films that other engines are compared on."""
    from cxr_tf.films.inputs import Input, film_named, films_named
    from cxr_tf.films.reading import read_ahead
    from pipelines.films import is_film, read_film

    named: Iterable[Input] = films_named(config.films, is_film)
    if not config.films:
        from cxr_tf.saved.run_options import read_run
        from cxr_tf.training.left_out import films_kept
        from cxr_tf.training.run import decision_classes, splits
        from pipelines.adapters import open_data

        options = read_run(Path(config.classification))
        data = films_kept(options, open_data(options.data), decision_classes(options))
        rows = splits(options, data, "classification")[1]
        named = (film_named(row.path) for row in rows)
    for _, film in read_ahead(named, read_film):
        yield film


def _decision(config: ExportOptions) -> DecisionOptions | None:
    """How the model shall decide; None as it does, or as the paper does."""
    asked = {each.name: getattr(config, each.name) for each in dataclasses.fields(DecisionOptions)}
    given = {name: value for name, value in asked.items() if value is not None}
    if not given:
        return None
    before = read_card(version_folder(Path(config.model))).decision if config.model else None
    return dataclasses.replace(before or DecisionOptions(), **given)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the command line without the program's name; None for this process's own.

    Returns:
        Exit status: 0 done, 2 wrong usage or a model that cannot be written, 130 interrupted by
        Ctrl-C, 143 by SIGTERM; no half model is left.
    """
    config = read_command_line(
        COMMAND,
        "python -m cxr_tf.export",
        arguments,
        "Make one SavedModel of two training runs.",
    )
    try:
        with Stops():
            folder = export(config)
    except (OSError, ValueError) as error:
        Reporter().error(str(error))
        return 2
    except KeyboardInterrupt as stop:
        Reporter().error("interrupted; nothing is left of the model")
        return stop_status(stop)
    print_out(str(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
