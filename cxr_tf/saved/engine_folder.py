"""A model's folder for another engine: both networks, and how to put films to them."""

import dataclasses
import importlib.metadata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from cxr_tf.method.model_card import ModelCard
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.extras import EXTRAS
from cxr_tf.runtime.provenance import NOTICE, PHANTOM_NOTICE
from cxr_tf.runtime.whole_files import write_json
from cxr_tf.saved.engine_check import LIMIT, NETWORKS, Comparison, Difference, compare
from cxr_tf.saved.engine_text import readme
from cxr_tf.saved.engines import SUFFIX, Engine, open_network, write_network
from cxr_tf.saved.model_folders import read_card
from cxr_tf.saved.rebuild import exported_networks
from pipelines.labels import LABELS
from pipelines.manifest.checks import file_sha256
from pipelines.patches import IMAGENET_MEAN, IMAGENET_SD

if TYPE_CHECKING:
    from cxr_tf.films.reading import Reading

FACTS = "preprocessing.json"


def partial(engine: Engine, version: Path) -> Path:
    """Name the folder of an engine while it is written; `exporting` removes what is left of it.

    Args:
        engine: the engine.
        version: folder of the SavedModel.
    """
    return version.with_name(f".{version.name}.{engine}.partial")


def engine_folder(engine: Engine, version: Path) -> Path:
    """Name the folder of an engine.

    Args:
        engine: the engine.
        version: folder of the SavedModel, `<model>/<version>`.

    Returns:
        `<model>/<engine>/<version>`; TensorFlow Serving passes it over.
    """
    return version.parent / engine / version.name


def write_engines(
    engines: Sequence[Engine], saved: Path, version: Path, films: Iterable["Reading"]
) -> list[str]:
    """Write the networks of a SavedModel for other engines, each in its `partial` folder.

    Args:
        engines: which.
        saved: the complete SavedModel.
        version: the folder that it will have.
        films: to compare the answers on.

    Returns:
        A sentence on each engine and network.

    Raises:
        ValueError: an engine's answers differ by more than `LIMIT`.
    """
    card = read_card(saved)
    networks = exported_networks(saved, card)
    files: dict[Engine, dict[str, Path]] = {}
    for engine in engines:
        folder = partial(engine, version)
        folder.mkdir()
        files[engine] = write_networks(networks, card, engine, folder)
    runs = {
        engine: {name: open_network(engine, path) for name, path in paths.items()}
        for engine, paths in files.items()
    }
    found = compare(networks, card, runs, films)
    told = [
        _sentence(f"{engine}, {name}", each)
        for engine, by_name in found.engines.items()
        for name, each in by_name.items()
    ]
    differences = [each for by_name in found.engines.values() for each in by_name.values()]
    if not all(each.largest <= LIMIT for each in differences):
        raise UsageError(
            f"--also: answers differ from the model's by more than {LIMIT:g}, so nothing is "
            f"written. {' '.join(told)} Leave out the engine, or try other versions of its packages"
        )
    for engine in engines:
        facts = _facts(engine, files[engine], card, found)
        folder = partial(engine, version)
        write_json(folder / FACTS, facts)
        (folder / "README.md").write_text(readme(facts), encoding="utf-8")
    return told


def publish(engine: Engine, version: Path) -> Path:
    """Give a folder that is complete its name.

    Args:
        engine: the engine.
        version: folder of the SavedModel.

    Returns:
        The folder.
    """
    folder = engine_folder(engine, version)
    folder.parent.mkdir(exist_ok=True)
    return partial(engine, version).rename(folder)


def write_networks(
    networks: Mapping[str, keras.Model], card: ModelCard, engine: Engine, folder: Path
) -> dict[str, Path]:
    """Write the networks of a model for one engine.

    Args:
        networks: by task.
        card: of the model.
        engine: what shall run them.
        folder: where; it exists.

    Returns:
        Their files, by task.
    """
    files = {name: folder / f"{name}{SUFFIX[engine]}" for name in NETWORKS}
    for name, path in files.items():
        write_network(networks[name], engine, path, _shape(name, card))
    return files


def _shape(name: str, card: ModelCard) -> tuple[int, ...]:
    """Shape of one input."""
    side = card.networks[name].size
    return (side, side, 1 if name == "segmentation" else 3)


def _sentence(name: str, each: Difference) -> str:
    """Say how far a network is from the model's."""
    return (
        f"{name}: no probability differs by more than {each.largest:.1e}; "
        f"{each.otherwise:,} of {each.answers:,} answers are others."
    )


def _facts(
    engine: Engine, files: dict[str, Path], card: ModelCard, found: Comparison
) -> dict[str, Any]:
    """Say what the networks take and give, and how far they are from the model's."""
    options = card.options
    imagenet = options.scaling == "imagenet"
    written = {path for name in files for path in files[name].parent.glob(f"{name}.*")}
    return {
        "notice": PHANTOM_NOTICE if card.phantom else NOTICE,
        "engine": engine,
        "model": card.name,
        "version": card.version,
        "model_version": card.model_version,
        "software": {
            package: importlib.metadata.version(package)
            for package in ("tensorflow", "keras", *EXTRAS[engine].needs)
        },
        "preparation": dataclasses.asdict(options),
        "segmentation": {
            "file": files["segmentation"].name,
            "input": _input("segmentation", card, "grey, bright where dense", [0.0], [1.0]),
            "logits": list(LABELS),
        },
        "classification": {
            "file": files["classification"].name,
            "input": _input(
                "classification",
                card,
                "the same grey level three times; the order red, green, blue holds for mean and sd",
                list(IMAGENET_MEAN) if imagenet else [0.0] * 3,
                list(IMAGENET_SD) if imagenet else [1 / 255.0] * 3,
            ),
            "logits": list(card.classes),
        },
        "sha256": {path.name: file_sha256(path) for path in sorted(written)},
        "compared": {
            "films": found.films,
            "left_out": found.left_out,
            "limit": LIMIT,
            **{name: dataclasses.asdict(each) for name, each in found.engines[engine].items()},
        },
    }


def _input(
    name: str, card: ModelCard, channels: str, mean: list[float], sd: list[float]
) -> dict[str, Any]:
    """Say what a network takes: (grey / 255 - mean) / sd."""
    return {
        "dtype": "float32",
        "layout": "NHWC",
        "shape": [None, *_shape(name, card)],
        "channels": channels,
        "divided_by": 255.0,
        "mean": mean,
        "sd": sd,
    }
