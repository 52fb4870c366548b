"""Tells generated films from radiographs, whatever layout they are written in."""

import dataclasses
from pathlib import Path

from pipelines.manifest.rows import PHANTOM_SOURCE, Manifest

PHANTOM_MARKER = "PHANTOM.txt"
"""A folder with this file holds generated films."""


def mark_phantoms(folder: Path, manifest: Manifest) -> Manifest:
    """Make `phantom` every row's source where the folder is marked as generated.

    Phantoms of several sources, such as `phantom-a`, keep them.
    """
    if not (folder / PHANTOM_MARKER).is_file():
        return manifest
    rows = (
        row if row.phantom else dataclasses.replace(row, source=PHANTOM_SOURCE)
        for row in manifest.rows
    )
    return Manifest(manifest.root, tuple(rows))
