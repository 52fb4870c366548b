"""Where a SavedModel lies on disk, and what its card says: files only, no TensorFlow."""

import hashlib
import json
from pathlib import Path

from cxr_tf.method.model_card import ModelCard
from cxr_tf.runtime.whole_files import write_text
from cxr_tf.saved.file_list import LIST, known_sha256
from cxr_tf.saved.released import names_release, released_model, releases

CARD = Path("assets.extra") / "model_card.json"
#: Hashes of the weights by network and variable.
WEIGHTS = Path("assets.extra") / "weights.json"


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
        path: a version's folder, or the folder above its versions, or the name of a released model
            such as `cxr_triage@5`, which is fetched once.

    Returns:
        The folder that holds `saved_model.pb`.

    Raises:
        FileNotFoundError: there is no SavedModel at the path or in a numbered folder below it.
        UsageError: no released model has the name, or it cannot be fetched.
    """
    if names_release(path):
        return released_model(str(path))
    if is_version_folder(path):
        return path
    versions = version_folders(path)
    if versions:
        return versions[-1]
    cause = "holds no SavedModel" if path.exists() else "does not exist"
    raise FileNotFoundError(
        f"{path} {cause}: give saved_models/<name> or saved_models/<name>/<version>, "
        "as written by `python -m cxr_tf.export`, or the name of a released model, such as "
        f"{next(reversed(releases()), 'cxr_triage@5')}"
    )


def read_card(folder: Path) -> ModelCard:
    """Read the model card that stands beside the weights.

    Args:
        folder: a version's folder.

    Returns:
        The card.

    Raises:
        FileNotFoundError: the model has none.
        ValueError: it is no JSON, or a field that this version needs is missing or of another type.
    """
    path = folder / CARD
    if not path.is_file():
        raise FileNotFoundError(f"{folder} has no model card ({CARD}): export the model again")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}): export the model again") from error
    try:
        return ModelCard.from_record(record)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; export the model again") from error


def write_card(folder: Path, card: ModelCard) -> None:
    """Write a model card where `read_card` finds it.

    Args:
        folder: a version's folder.
        card: the card, complete.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / CARD
    path.parent.mkdir(exist_ok=True)
    write_text(path, json.dumps(card.record(), indent=2) + "\n")


def model_digest(folder: Path) -> str:
    """Hash every file of a SavedModel but its list, so that a record names the exact weights used.

    Args:
        folder: a version's folder.

    Returns:
        SHA-256 in hexadecimal over relative names and contents, in sorted order.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        if name != LIST:
            digest.update(f"{name.as_posix()}\0{known_sha256(path)}\n".encode())
    return digest.hexdigest()
