"""The manifest: a CSV with one row a film, the one form in which data reaches the pipelines."""

import csv
import dataclasses
import difflib
import os
from collections.abc import Sequence
from pathlib import Path

from pipelines.csv_tables import CsvTable, TableError, column_key, open_table
from pipelines.manifest.checks import file_sha256, validate
from pipelines.manifest.rows import (
    COLUMNS,
    FILE_COLUMNS,
    MASKS,
    PHANTOM_SOURCE,
    REQUIRED_COLUMNS,
    SPLITS,
    Manifest,
    ManifestError,
    ManifestRow,
    cells,
)
from pipelines.whole_files import whole

__all__ = [
    "COLUMNS",
    "MASKS",
    "PHANTOM_SOURCE",
    "REQUIRED_COLUMNS",
    "SPLITS",
    "Manifest",
    "ManifestError",
    "ManifestRow",
    "hash_films",
    "is_manifest",
    "read_manifest",
    "validate",
    "write_manifest",
]


def read_manifest(path: Path | str) -> Manifest:
    """Read a manifest CSV; its paths are relative to its folder, or absolute.

    Args:
        path: CSV with a header; `COLUMNS` names what is read, in any case. Surrounding blanks go;
            separators and encodings are those of `pipelines.csv_tables`.

    Returns:
        The manifest, with absolute paths. Files are not looked at: `validate` does that.

    Raises:
        ManifestError: The file cannot be read, columns are missing, doubled or misspelt, or a
            row has no path or too many cells; all faults at once.
    """
    path = Path(path).absolute()
    try:
        with open(path, "rb") as file, open_table(file, COLUMNS) as table:
            header = _known(table.header)
            if faults := _header_faults(table, header):
                raise ManifestError(path, faults)
            lines = list(table.rows())
    except OSError as error:
        raise ManifestError(path, [f"cannot be read ({error.strerror}); check the path"]) from None
    except TableError as error:
        raise ManifestError(path, [f"no CSV table: {error}"]) from None
    rows, faults = [], []
    for number, texts in lines:
        if misfit := table.misfit(texts):
            faults.append(f"line {number}: {misfit}")
            continue
        values = {n: c for n, c in zip(header, texts, strict=True) if n in COLUMNS}
        if not values["path"]:
            faults.append(f"line {number}: no path; name the film or remove the line")
            continue
        rows.append(_row(values, path.parent))
    if faults:
        raise ManifestError(path, faults)
    return Manifest(path, tuple(rows))


def is_manifest(path: Path | str) -> bool:
    """Tell whether a file begins with the header of a manifest in this form."""
    try:
        with open(path, "rb") as file, open_table(file, COLUMNS) as table:
            header = table.header
    except (OSError, TableError):
        return False
    return set(REQUIRED_COLUMNS) <= set(_known(header))


def write_manifest(manifest: Manifest, path: Path | str) -> None:
    """Write a manifest CSV with paths relative to it, replacing the file at once.

    Args:
        manifest: Rows to write.
        path: The CSV; its folder must exist.
    """
    path = Path(path).absolute()
    with whole(path) as fresh, fresh.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(cells(row, path.parent) for row in manifest.rows)


def hash_films(manifest: Manifest) -> Manifest:
    """Fill the `sha256` column from the films' bytes.

    Args:
        manifest: Rows whose films exist.

    Returns:
        The same rows with their digests in hexadecimal.

    Raises:
        ManifestError: Films that cannot be read.
    """
    rows, faults = [], []
    for row in manifest.rows:
        try:
            rows.append(dataclasses.replace(row, sha256=file_sha256(row.path)))
        except OSError as error:
            faults.append(f"{row.path}: cannot be read ({error.strerror}); restore the file")
    if faults:
        raise ManifestError(manifest.root, faults)
    return Manifest(manifest.root, tuple(rows))


def _known(header: Sequence[str]) -> list[str]:
    """Give the names of a header, those of `COLUMNS` in their spelling where they stand once."""
    known = {column_key(name): name for name in COLUMNS}
    return [
        name
        if name in COLUMNS or known.get(column_key(name)) in header
        else known.get(column_key(name), name)
        for name in header
    ]


def _header_faults(table: CsvTable, header: Sequence[str]) -> list[str]:
    """Missing and doubled columns, and names so near a known one that a slip is likely."""
    faults = [
        f"no column {name!r}; add it (its cells may be empty)"
        if name.startswith("split_")
        else f"no column {name!r}; add it"
        for name in REQUIRED_COLUMNS
        if name not in header
    ]
    if set(header).isdisjoint(REQUIRED_COLUMNS):
        faults.append(table.described())
    for name in sorted({name for name in header if name in COLUMNS and header.count(name) > 1}):
        faults.append(f"column {name!r} stands twice; remove one")
    for name in header:
        near = difflib.get_close_matches(name.lower(), COLUMNS, 1, 0.84)
        if name not in COLUMNS and near and near[0] not in header:
            faults.append(f"column {name!r} is not read; did you mean {near[0]!r}? rename it")
    return faults


def _row(values: dict[str, str], folder: Path) -> ManifestRow:
    fields: dict[str, str | Path | None] = dict(values)
    fields["label"] = fields.pop("class")
    for name in FILE_COLUMNS:
        cell = values.get(name, "")
        fields[name] = Path(os.path.normpath(folder / cell)) if cell else None
    return ManifestRow(**fields)  # type: ignore[arg-type]
