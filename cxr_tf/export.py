"""Export a model: `python -m cxr_tf.export --segmentation RUN --classification RUN --out DIR`."""

import dataclasses
import datetime
import importlib.metadata
import importlib.util
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tyro

from cxr_tf.method.model_card import ModelCard
from cxr_tf.models.names import Precision
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.folder_lock import held
from cxr_tf.runtime.provenance import NOTICE
from cxr_tf.runtime.stopping import Stops, stop_status
from cxr_tf.saved.model_folders import CARD, WEIGHTS, version_folders, write_card

SIGNATURES = ("serving_default", "predict_pixels", "segment", "explain")
WARMUP = Path("assets.extra") / "tf_serving_warmup_requests"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Options of `python -m cxr_tf.export`."""

    out: str
    """Folder of the model, such as saved_models/cxr_triage; a new version is added in it."""
    classification: str = ""
    """Run of `train classification`."""
    model: str = ""
    """In place of runs, an exported model: the same weights in the graph of this version of cxr-tf,
    or in another precision."""
    segmentation: str = ""
    """Run of `train segmentation`; by default the one the classification was trained with."""
    version: int = 0
    """Number of the version; 0 for the next one."""
    mantissa_bits: int = 23
    """Binary digits that kernels are rounded to, 1 to 23: 10 are those of float16. They stay
    float32 and as fast; the model packs smaller."""
    precision: Precision = "float32"
    """What the networks compute in. mixed_bfloat16 was 1.8 times as fast on a processor with
    AVX-512 BF16, and may move votes; mixed_float16 is for GPUs. Weights stay float32."""
    reliability: Path | None = None
    """Numbers fitted for this model by `python -m tools.reliability fit`: its gate, quality of the
    mask and calibration. By default none, or with --model those that it has."""
    warmup: bool = True
    """Write warm-up records; needs the extra `serving`."""


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
            or another process exports into the folder.
    """
    if bool(config.model) == bool(config.classification):
        raise UsageError("give either --classification (and --segmentation), or --model")
    if config.model and (
        config.segmentation or config.mantissa_bits != ExportOptions.mantissa_bits
    ):
        raise UsageError("--model has its weights: leave out --segmentation and --mantissa-bits")
    import tensorflow as tf

    out = Path(config.out)
    with held(out):
        _remove_halves(out)
        try:
            return _export(config)
        except tf.errors.ResourceExhaustedError as error:
            reason = error.message.splitlines()[0]
            raise OSError(f"--out {out}: the model cannot be written: {reason}") from error
        finally:
            _remove_halves(out)


def _export(config: ExportOptions) -> Path:
    """Export into a folder that is this process' own; see `export`."""
    import tensorflow as tf

    from cxr_tf.method.triage import entry_points
    from cxr_tf.saved.build import make_module

    out = Path(config.out)
    newest = [int(folder.name) for folder in version_folders(out)]
    version = config.version or max(newest, default=0) + 1
    folder = out / str(version)
    if folder.exists():
        raise FileExistsError(f"{folder} exists; choose another --version")
    if config.model:
        from cxr_tf.saved.rebuild import remake_module

        module, card, hashes = remake_module(config.model, config.precision, config.reliability)
    else:
        module, card, hashes = make_module(
            config.segmentation or None,
            config.classification,
            mantissa_bits=config.mantissa_bits,
            precision=config.precision,
            reliability=config.reliability,
        )
    partial = out / f".{version}.partial"
    partial.mkdir(parents=True, exist_ok=True)
    classes = partial / "classes.txt"
    classes.write_text("".join(f"{name}\n" for name in card.classes))
    module.classes_asset = tf.saved_model.Asset(str(classes))
    functions = entry_points(module)
    for name, function in functions.items():
        setattr(module, name, function)
    saved = partial / "model"
    tf.saved_model.save(
        module,
        str(saved),
        signatures={name: functions[name] for name in SIGNATURES},
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )
    card = complete_card(card, out.name, version)
    write_card(saved, card)
    (saved / CARD).with_suffix(".md").write_text(card_text(card))
    (saved / WEIGHTS).write_text(json.dumps(hashes, indent=1) + "\n")
    if config.warmup:
        write_warmup(saved / WARMUP, out.name)
    saved.rename(folder)
    classes.unlink()
    partial.rmdir()
    return folder


def _remove_halves(out: Path) -> None:
    """Remove what exports left that were killed, or failed."""
    for folder in out.glob(".*.partial"):
        shutil.rmtree(folder, ignore_errors=True)


def complete_card(card: ModelCard, name: str, version: int) -> ModelCard:
    """Add to the facts of a model what an export knows.

    Args:
        card: from `make_module`.
        name: name of the model.
        version: number of the version.
    """
    return dataclasses.replace(
        card,
        name=name,
        version=version,
        signatures=SIGNATURES,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        software={
            package: importlib.metadata.version(package) for package in ("tensorflow", "keras")
        },
        use=NOTICE,
    )


def card_text(card: ModelCard) -> str:
    """Write a model card for a reader.

    Args:
        card: the complete card.

    Returns:
        Markdown.
    """
    lines = [f"# {card.name} {card.version}", "", card.use, ""]
    if card.phantom:
        lines += [
            "**Trained on generated phantoms: its answers about real films mean nothing.**",
            "",
        ]
    lines += [f"- Classes: {', '.join(card.classes)}", f"- Weights: {card.model_version}"]
    for name, facts in card.networks.items():
        lines.append(
            f"- {name}: {facts.network}, preset {facts.preset}, trained on the training split of a "
            f"data set of {facts.data.films} films (data {facts.data.fingerprint[:12]}), weights "
            f"{facts.weights_sha256[:12]}"
        )
    lines += [f"- {name}: {value}" for name, value in dataclasses.asdict(card.options).items()]
    return "\n".join([*lines, ""])


def _drawn_chest() -> npt.NDArray[np.uint16]:
    """Draw a body, two lungs cut flat below and a heart, so that a warm-up passes gate and all.

    Returns:
        uint16 [256, 256]. The shipped model gives it a film score of 0.997.
    """
    rows, columns = np.mgrid[:256, :256] / 256.0

    def oval(x: float, y: float, width: float, height: float, edge: float) -> Any:
        distance = np.hypot((columns - x) / width, (rows - y) / height)
        return np.clip((1.0 - distance) / edge, 0.0, 1.0)

    lungs = np.maximum(oval(0.29, 0.52, 0.155, 0.42, 0.25), oval(0.71, 0.52, 0.155, 0.42, 0.25))
    lungs *= np.clip((0.78 - rows) / 0.03, 0.0, 1.0)
    spine = np.exp(-(((columns - 0.5) / 0.05) ** 4))
    body = oval(0.5, 0.7, 0.56, 0.72, 0.1)
    film = (0.7 + 0.15 * spine) * body - 0.45 * lungs * (1.0 - oval(0.52, 0.62, 0.2, 0.19, 0.15))
    return np.round((film - film.min()) / np.ptp(film) * 65535).astype(np.uint16)


def write_warmup(path: Path, name: str = "cxr_triage") -> bool:
    """Write records that TensorFlow Serving runs before it takes requests.

    Args:
        path: `assets.extra/tf_serving_warmup_requests` of the model.
        name: name that the model is served under.

    Returns:
        False, with a notice on stderr, where tensorflow-serving-api is not installed.
    """
    if importlib.util.find_spec("tensorflow_serving") is None:
        print(
            "cxr_tf.export: no warm-up records: install the extra 'serving' to have them, or pass "
            "--no-warmup",
            file=sys.stderr,
        )
        return False
    import tensorflow as tf
    from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

    image = tf.io.encode_png(_drawn_chest()[..., None]).numpy()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature in ("serving_default", "segment", "explain"):
            request = predict_pb2.PredictRequest(
                model_spec=model_pb2.ModelSpec(name=name, signature_name=signature)
            )
            request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto([image]))
            record = prediction_log_pb2.PredictionLog(
                predict_log=prediction_log_pb2.PredictLog(request=request)
            )
            writer.write(record.SerializeToString())
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the command line without the program's name; None for this process's own.

    Returns:
        Exit status: 0 done, 2 wrong usage or a model that cannot be written, 130 interrupted by
        Ctrl-C, 143 by SIGTERM; no half model is left.
    """
    config = tyro.cli(
        ExportOptions,
        args=arguments,
        prog="python -m cxr_tf.export",
        description="Make one SavedModel of two training runs.",
    )
    try:
        with Stops():
            folder = export(config)
    except (OSError, ValueError) as error:
        print(f"cxr_tf.export: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print("cxr_tf.export: interrupted; nothing is left of the model", file=sys.stderr)
        return stop_status(stop)
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
