"""Adapters: each turns the layout of one data release into a manifest.

An adapter is a module with `LOOKS_FOR` (one line for messages), `recognises(folder) -> bool`,
which only looks at names and headers, and `adapt(folder) -> Manifest`. It is entered in
`ADAPTERS`.
"""

import dataclasses
from pathlib import Path
from typing import Protocol

from pipelines.adapters import development
from pipelines.manifest import (
    PHANTOM_SOURCE,
    Manifest,
    ManifestError,
    is_manifest,
    read_manifest,
)


class Adapter(Protocol):
    """What an adapter module offers."""

    LOOKS_FOR: str

    def recognises(self, folder: Path) -> bool:
        """Tells whether the folder has the adapter's layout."""

    def adapt(self, folder: Path) -> Manifest:
        """Makes the manifest of the folder."""


ADAPTERS: dict[str, Adapter] = {"development": development}

PHANTOM_MARKER = "PHANTOM.txt"
"""A folder with this file holds generated films, whatever layout they are written in."""


def open_data(path: Path | str) -> Manifest:
    """Opens data in any form the project reads.

    Args:
        path: A manifest CSV, a folder with a `manifest.csv`, or a data release that one of
            `ADAPTERS` recognises.

    Returns:
        The manifest; `pipelines.manifest.validate` has not seen it yet. Every row's source is
        `phantom` where the folder holds `PHANTOM.txt`.

    Raises:
        ManifestError: Nothing there that can be read; says what was looked for.
    """
    path = Path(path).absolute()
    folder = path if path.is_dir() else path.parent
    file = path / "manifest.csv" if path.is_dir() else path
    if not path.exists():
        raise ManifestError(path, ["does not exist; name a manifest CSV or a data folder"])
    adapters = [adapter for adapter in ADAPTERS.values() if adapter.recognises(folder)]
    if is_manifest(file):
        manifest = read_manifest(file)
    elif adapters and (path == folder or file.name == "manifest.csv"):
        manifest = adapters[0].adapt(folder)
    elif file.is_file():
        manifest = read_manifest(file)  # raises, and names the columns that are missing
    else:
        looked_for = [f"{name}: {adapter.LOOKS_FOR}" for name, adapter in ADAPTERS.items()]
        raise ManifestError(
            path,
            [
                "no data recognised; looked for manifest.csv in this project's form, and for "
                + "; ".join(looked_for)
            ],
        )
    if (folder / PHANTOM_MARKER).is_file():
        rows = (dataclasses.replace(row, source=PHANTOM_SOURCE) for row in manifest.rows)
        manifest = Manifest(manifest.root, tuple(rows))
    return manifest
