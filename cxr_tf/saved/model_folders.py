"""Where a SavedModel lies on disk, and what its card says: files only, no TensorFlow."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.manifest.checks import file_sha256

CARD = Path("assets.extra") / "model_card.json"
#: Hashes of the weights by network and variable.
WEIGHTS = Path("assets.extra") / "weights.json"


@dataclass(frozen=True)
class ModelFacts:
    """What the card says of a model that is not loaded here.

    Attributes:
        classes: names in order.
        model_version: names weights and options.
        card: the model card.
    """

    classes: tuple[str, ...]
    model_version: str
    card: dict[str, Any]


def read_facts(folder: Path) -> ModelFacts:
    """Read what the card says of a model.

    Args:
        folder: a version's folder.

    Raises:
        ValueError: there is no card, or it is not a JSON object.
    """
    card = read_card(folder)
    if not card:
        raise ValueError(f"{folder} has no model card: export the model again")
    return ModelFacts(tuple(card["classes"]), str(card["model_version"]), card)


def is_version_folder(folder: Path) -> bool:
    """Say whether a folder is itself a SavedModel.

    Args:
        folder: any path.

    Returns:
        True when it holds `saved_model.pb`.
    """
    return (folder / "saved_model.pb").is_file()


def version_folders(folder: Path) -> list[Path]:
    """List the versions below a model's folder (TensorFlow Serving's layout), oldest first.

    Args:
        folder: `saved_models/<name>`.

    Returns:
        The sub-folders named by a number that hold a SavedModel, by rising number.
    """
    if not folder.is_dir():
        return []
    numbered = [child for child in folder.iterdir() if child.name.isdecimal()]
    return sorted(filter(is_version_folder, numbered), key=lambda child: int(child.name))


def version_folder(path: Path) -> Path:
    """Find the SavedModel a path stands for: itself, or its newest version.

    Args:
        path: a version's folder, or the folder above its versions.

    Returns:
        The folder that holds `saved_model.pb`.

    Raises:
        FileNotFoundError: there is no SavedModel at the path or in a numbered folder below it.
    """
    if is_version_folder(path):
        return path
    versions = version_folders(path)
    if versions:
        return versions[-1]
    cause = "holds no SavedModel" if path.exists() else "does not exist"
    raise FileNotFoundError(
        f"{path} {cause}: give saved_models/<name> or saved_models/<name>/<version>, "
        "as written by `python -m cxr_tf.export`"
    )


def read_card(folder: Path) -> dict[str, Any]:
    """Read the model card that stands beside the weights.

    Args:
        folder: a version's folder.

    Returns:
        The card, or an empty dictionary when the model has none.

    Raises:
        ValueError: the card is not a JSON object.
    """
    path = folder / CARD
    if not path.is_file():
        return {}
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}): export the model again") from error
    if not isinstance(card, dict):
        raise ValueError(f"{path} holds no JSON object: export the model again")
    return card


def model_digest(folder: Path) -> str:
    """Hash every file of a SavedModel, so that a record names the exact weights used.

    Args:
        folder: a version's folder.

    Returns:
        SHA-256 in hexadecimal over relative names and contents, in sorted order.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()
