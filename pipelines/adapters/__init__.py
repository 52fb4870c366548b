"""Adapters: each turns the layout of one data release into a manifest.

An adapter is a module with `LOOKS_FOR` (one line for messages), `recognises(folder) -> bool`,
which only looks at names and headers, and `adapt(folder) -> Manifest`. Its name is entered in
`NAMES`.
"""

import importlib
from pathlib import Path
from typing import Protocol, cast

from pipelines.adapters.phantoms import PHANTOM_MARKER, mark_phantoms
from pipelines.manifest.table import Manifest, ManifestError, is_manifest, read_manifest

__all__ = ["ADAPTERS", "PHANTOM_MARKER", "Adapter", "open_data"]


class Adapter(Protocol):
    """What an adapter module offers."""

    LOOKS_FOR: str

    def recognises(self, folder: Path) -> bool:
        """Tell whether the folder has the adapter's layout."""

    def adapt(self, folder: Path) -> Manifest:
        """Make the manifest of the folder."""


#: The modules here that are adapters.
NAMES = (
    "development",
    "jsrt",
    "montgomery",
    "shenzhen",
    "coronahack",
    "cohen",
    "rsna",
    "covidx",
    "nih",
    "radiography",
    "hannover",
    "cxnet",
    "wingspan",
)
ADAPTERS: dict[str, Adapter] = {
    name: cast(Adapter, importlib.import_module(f"{__name__}.{name}")) for name in NAMES
}


def open_data(path: Path | str) -> Manifest:
    """Open data in any form the project reads.

    Args:
        path: A manifest CSV, a folder with a `manifest.csv`, or a data release that one of
            `ADAPTERS` recognises.

    Returns:
        The manifest; `pipelines.manifest.table.validate` has not seen it yet. Every row's source is
        `phantom` where the folder holds `PHANTOM.txt`.

    Raises:
        ManifestError: Nothing there that can be read, and what was looked for; several releases
            in one folder; or the faults of the release.
    """
    path = Path(path).absolute()
    folder = path if path.is_dir() else path.parent
    file = path / "manifest.csv" if path.is_dir() else path
    if not path.exists():
        raise ManifestError(path, ["does not exist; name a manifest CSV or a data folder"])
    if is_manifest(file):
        return mark_phantoms(folder, read_manifest(file))
    found = {name: adapter for name, adapter in ADAPTERS.items() if adapter.recognises(folder)}
    if found and (path == folder or file.name == "manifest.csv"):
        if len(found) > 1:
            names = " and ".join(found)
            raise ManifestError(path, [f"holds {names} at once; put each into its own folder"])
        return mark_phantoms(folder, *(adapter.adapt(folder) for adapter in found.values()))
    if file.is_file():
        return read_manifest(file)  # raises, and names the columns that are missing
    looked_for = "; ".join(f"{name}: {adapter.LOOKS_FOR}" for name, adapter in ADAPTERS.items())
    raise ManifestError(
        path,
        [
            "no data recognised; looked for manifest.csv in this project's form, and for "
            + looked_for
        ],
    )
