"""Write an exported model: one SavedModel with its card, in TensorFlow Serving's layout."""

import contextlib
import dataclasses
import datetime
import importlib.metadata
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxr_tf.method.model_card import ModelCard
from cxr_tf.runtime.folder_lock import held
from cxr_tf.runtime.provenance import NOTICE
from cxr_tf.saved.file_list import write_list
from cxr_tf.saved.model_folders import CARD, WEIGHTS, write_card
from cxr_tf.saved.warmup import WARMUP, write_warmup

if TYPE_CHECKING:
    from cxr_tf.method.triage import Triage


@contextlib.contextmanager
def exporting(out: Path) -> Iterator[None]:
    """Take a model's folder for this process alone, and leave no half model in it.

    Args:
        out: `saved_models/<name>`.

    Raises:
        OSError: the model cannot be written.
        UsageError: another process exports into the folder.
    """
    import tensorflow as tf

    with held(out):
        _remove_halves(out)
        try:
            yield
        except tf.errors.ResourceExhaustedError as error:
            reason = error.message.splitlines()[0]
            raise OSError(f"--out {out}: the model cannot be written: {reason}") from error
        finally:
            _remove_halves(out)


def _remove_halves(out: Path) -> None:
    """Remove what exports left that were killed, or failed."""
    for folder in out.glob(".*.partial"):
        shutil.rmtree(folder, ignore_errors=True)


def write_model(
    module: "Triage",
    card: ModelCard,
    hashes: Mapping[str, Mapping[str, str]],
    folder: Path,
    warmup: bool,
    before: Callable[[Path], object] = lambda _: None,
) -> None:
    """Save a module as one version of a model; the folder appears when all of it is written.

    Args:
        module: the inference module.
        card: what is known of it before an export.
        hashes: of the weights, by network and variable.
        folder: `saved_models/<name>/<version>`, not there yet; see `exporting`.
        warmup: write warm-up records.
        before: called with the complete model before it appears; what it raises, keeps it away.
    """
    import tensorflow as tf

    from cxr_tf.method.triage import SIGNATURE_SPECS, entry_points

    partial = folder.with_name(f".{folder.name}.partial")
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
        signatures={name: functions[name] for name in SIGNATURE_SPECS},
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )
    name, version = folder.parent.name, int(folder.name)
    card = complete_card(card, name, version, tuple(SIGNATURE_SPECS))
    write_card(saved, card)
    (saved / CARD).with_suffix(".md").write_text(card_text(card))
    (saved / WEIGHTS).write_text(json.dumps(hashes, indent=1) + "\n")
    if warmup:
        write_warmup(saved / WARMUP, name)
    write_list(saved)
    before(saved)
    saved.rename(folder)
    classes.unlink()
    partial.rmdir()


def complete_card(
    card: ModelCard, name: str, version: int, signatures: tuple[str, ...]
) -> ModelCard:
    """Add to the facts of a model what an export knows.

    Args:
        card: from `make_module`.
        name: name of the model.
        version: number of the version.
        signatures: what it can be asked.
    """
    return dataclasses.replace(
        card,
        name=name,
        version=version,
        signatures=signatures,
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
    options = dataclasses.asdict(card.options) | dataclasses.asdict(card.decision)
    lines += [f"- {name}: {value}" for name, value in options.items()]
    if card.class_offsets:
        shown = zip(card.classes, card.class_offsets, strict=True)
        added = ", ".join(f"{name} {offset:+.3f}" for name, offset in shown)
        lines.append(f"- Added to the logits of the classes: {added}")
    return "\n".join([*lines, ""])
