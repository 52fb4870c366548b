"""`python -m cxr_tf.info`: what is installed, readable and at hand here, without TensorFlow."""

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cxr_tf.method.outputs import ENTRIES, given_by
from cxr_tf.runtime.devices import devices
from cxr_tf.runtime.extras import EXTRAS, missing
from cxr_tf.runtime.provenance import NOTICE, PHANTOM_NOTICE, package_versions, project_version
from cxr_tf.runtime.text import print_out
from cxr_tf.saved.model_folders import read_card, version_folders
from pipelines.formats import FORMATS


def describe_model(folder: Path) -> dict[str, Any]:
    """Describe one version of an exported model by its card.

    Args:
        folder: `saved_models/<name>/<version>`.

    Returns:
        name, version, path, model_version, classes, signatures, outputs by signature, phantom;
        where there is no card, or it cannot be read, what only it knows is None, and `fault` says
        why.
    """
    card, fault = None, None
    try:
        card = read_card(folder)
    except (OSError, ValueError) as error:
        fault = str(error)
    return {
        "name": card.name if card else folder.parent.name,
        "version": folder.name,
        "path": str(folder),
        "model_version": card.model_version if card else None,
        "classes": list(card.classes) if card else None,
        "signatures": list(card.signatures) if card else None,
        "outputs": _outputs(card.signatures) if card else None,
        "phantom": card.phantom if card else None,
        "fault": fault,
    }


def _outputs(signatures: Sequence[str]) -> dict[str, list[str]]:
    """Names of outputs by signature; one that this version does not know is left out."""
    known = [name for name in signatures if name in ENTRIES]
    return {name: [output.name for output in given_by(ENTRIES[name])] for name in known}


def extras() -> dict[str, dict[str, Any]]:
    """Describe the optional parts.

    Returns:
        By name what each `brings`, whether it is `installed`, and the `missing` packages.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, extra in EXTRAS.items():
        gone = missing(extra.needs)
        found[name] = {"brings": extra.brings, "installed": not gone, "missing": gone}
    return found


def formats() -> list[dict[str, Any]]:
    """Describe the formats of films.

    Returns:
        For each its `name`, `uid` (the transfer syntax of DICOM, '' for others), whether it is
        `readable`, and the `missing` packages.
    """
    found: list[dict[str, Any]] = []
    for each in FORMATS:
        gone = missing(each.needs)
        found.append({"name": each.name, "uid": each.uid, "readable": not gone, "missing": gone})
    return found


def find_models(roots: Sequence[Path]) -> list[dict[str, Any]]:
    """Describe every model below some `saved_models` folders.

    Args:
        roots: folders whose children are models; one that does not exist counts as empty.

    Returns:
        One description a version (see `describe_model`), sorted by name and version.
    """
    models: dict[Path, dict[str, Any]] = {}
    for root in roots:
        children = sorted(root.iterdir()) if root.is_dir() else []
        for folder in (version for child in children for version in version_folders(child)):
            models.setdefault(folder.resolve(), describe_model(folder))
    return list(models.values())


def describe(roots: Sequence[Path]) -> dict[str, Any]:
    """Describe this installation.

    Args:
        roots: `saved_models` folders to look into.

    Returns:
        A dictionary that JSON can hold.
    """
    from pipelines.classes import PAPER_CLASSES

    return {
        "cxr_tf": project_version(),
        "notice": NOTICE,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "devices": devices(),
        "packages": package_versions(),
        "extras": extras(),
        "formats": formats(),
        "classes": list(PAPER_CLASSES.names),
        "models": find_models(roots),
    }


def _as_text(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, dict | list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _extra(extra: dict[str, Any]) -> str:
    state = "installed" if extra["installed"] else "not installed"
    return f"{state:<15}{extra['brings']}"


def _format(each: dict[str, Any]) -> str:
    lacking = f": NOT readable, {_as_text(each['missing'])} is missing"
    return each["name"] + ("" if each["readable"] else lacking)


def _devices(found: dict[str, Any]) -> list[str]:
    return [
        f"processor: {found['processor']}, {found['cpus']} CPUs",
        f"  instructions {_as_text(found['instructions'] or None)}",
        f"NVIDIA devices: {_as_text(found['nvidia'] or ['none found'])}",
    ]


def _model_outputs(outputs: dict[str, list[str]]) -> list[str]:
    """List the signatures that give each output, those with the same outputs on one line."""
    alike: dict[str, list[str]] = {}
    for signature, names in outputs.items():
        alike.setdefault(_as_text(names), []).append(signature)
    return [f"    {_as_text(names)} give {text}" for text, names in alike.items()]


def _report(description: dict[str, Any]) -> str:
    lines = [
        f"cxr-tf {description['cxr_tf']}   {description['notice']}",
        f"Python {description['python']} on {description['platform']}",
        "",
        "packages",
        *(
            f"  {name:<24}{version or 'not installed'}"
            for name, version in description["packages"].items()
        ),
        "",
        "extras",
        *(f"  {name:<24}{_extra(extra)}" for name, extra in description["extras"].items()),
        "",
        "readable formats",
        *(f"  {_format(each)}" for each in description["formats"]),
        "",
        *_devices(description["devices"]),
        "",
        f"default classes: {_as_text(description['classes'])}",
        "",
        "models" if description["models"] else "models: none found (see --models)",
    ]
    for model in description["models"]:
        lines += [
            f"  {model['name']} version {model['version']}  ({model['path']})",
            f"    model version  {_as_text(model['model_version'])}",
            f"    classes        {_as_text(model['classes'])}",
            f"    signatures     {_as_text(model['signatures'])}",
            *_model_outputs(model["outputs"] or {}),
        ]
        if model["phantom"]:
            lines.append(f"    {PHANTOM_NOTICE}")
        if model["fault"]:
            lines.append(f"    fault          {model['fault']}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the description of this installation.

    Args:
        argv: the arguments, by default the process' own.

    Returns:
        The exit status: 0; wrong usage leaves with 2 through argparse.
    """
    parser = argparse.ArgumentParser(
        prog="python -m cxr_tf.info",
        description=f"Versions, extras, readable formats, devices and models. {NOTICE}",
        epilog="example:\n  python -m cxr_tf.info --models saved_models",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        help="folder of models (default: saved_models here and beside the package)",
    )
    arguments = parser.parse_args(argv)
    if arguments.models is not None and not arguments.models.is_dir():
        parser.error(f"{arguments.models} is no folder: give the one above the models' folders")
    beside_package = Path(__file__).resolve().parent.parent / "saved_models"
    roots = [arguments.models] if arguments.models else [Path("saved_models"), beside_package]
    description = describe(roots)
    print_out(json.dumps(description, indent=2) if arguments.json else _report(description))
    return 0


if __name__ == "__main__":
    sys.exit(main())
