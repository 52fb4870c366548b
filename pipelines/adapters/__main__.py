"""Writes the manifest of data folders: `python -m pipelines.adapters FOLDER… OUT.csv`."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pipelines.adapters import open_data
from pipelines.adapters.merging import merge
from pipelines.classes import MANIFEST_CLASSES
from pipelines.manifest.splits import split_again, without_splits
from pipelines.manifest.table import SPLITS, Manifest, ManifestError, hash_films, write_manifest
from pipelines.native_logs import start_tensorflow


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Without the programme's name; None: those of the process.

    Returns:
        Exit status: 0 written, 2 the data or the output cannot be used.
    """
    parser = argparse.ArgumentParser("python -m pipelines.adapters", description=__doc__)
    parser.add_argument(
        "data", type=Path, nargs="+", help="data folders, or manifests to write anew, as one"
    )
    parser.add_argument("out", type=Path, help="CSV to write; its paths are relative to it")
    parser.add_argument(
        "--split",
        choices=("patient", "image", "none"),
        help="split classification anew, 0.7 / 0.1 / 0.2 and stratified by class, over all "
        "folders together: by patient, or by image as the paper did; none empties the splits of "
        "both tasks; default: the splits that each data set has",
    )
    parser.add_argument("--seed", type=int, help="seed of --split (default 0)")
    parser.add_argument(
        "--take",
        action="append",
        default=[],
        choices=MANIFEST_CLASSES,
        metavar="CLASS",
        help="with --split: films of this class that have no split take part too, but for those "
        "of children; such as pneumonia, whose cause is unknown. Repeat for several",
    )
    parser.add_argument("--no-hash", action="store_true", help="leave the sha256 column as it is")
    parser.add_argument(
        "--near-duplicates",
        type=Path,
        metavar="PAIRS.csv",
        help="read every film, and write the pairs of different patients that show nearly the same "
        "picture: copies that collections took from each other",
    )
    options = parser.parse_args(arguments)
    if options.seed is not None and options.split not in ("patient", "image"):
        parser.error("--seed belongs to --split patient and --split image")
    if options.take and options.split not in ("patient", "image"):
        parser.error("--take belongs to --split patient and --split image")
    try:
        parts = [open_data(folder) for folder in options.data]
        if not options.no_hash:
            parts = [hash_films(part) for part in parts]
        manifest, dropped = merge(parts) if len(parts) > 1 else (parts[0], [])
        if options.split == "none":
            manifest = without_splits(manifest)
        elif options.split:
            manifest = split_again(
                manifest, by=options.split, seed=options.seed or 0, take=options.take
            )
        write_manifest(manifest, options.out)
    except ManifestError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{options.out}: cannot be written ({error.strerror})", file=sys.stderr)
        return 2
    print(f"{options.out}: {len(manifest)} films")
    if dropped:
        print(f"  {len(dropped)} films left out, which are in another data set too")
    _summarise(manifest)
    return _tell_near_duplicates(manifest, options.near_duplicates)


def _tell_near_duplicates(manifest: Manifest, pairs: Path | None) -> int:
    """Search for near-duplicates where a file for them is named; return the exit status."""
    if pairs is None:
        return 0
    start_tensorflow()
    from pipelines.manifest.look_alikes import look_alikes, summary, write_pairs

    print(f"reading {len(manifest)} films", file=sys.stderr)
    found = look_alikes(manifest.rows)
    try:
        write_pairs(found, pairs)
    except OSError as error:
        print(f"{pairs}: cannot be written ({error.strerror})", file=sys.stderr)
        return 2
    for line in summary(found):
        print(line)
    print(f"  pairs: {pairs}")
    return 0


def _summarise(manifest: Manifest) -> None:
    """Print the counts of Tables I to IV: by source, and by task, split and class."""
    for source in sorted({row.source for row in manifest}):
        rows = [row for row in manifest if row.source == source]
        print(f"  {source or 'unknown source'}: {_counts(row.label for row in rows)}")
    for task, names in SPLITS.items():
        print(f"  {task}: {_counts(row.split(task) or 'none' for row in manifest)}")
        for name in names:
            if chosen := [row.label for row in manifest if row.split(task) == name]:
                print(f"    {name}: {_counts(chosen)}")


def _counts(words: Iterable[str]) -> str:
    counts = Counter(words)
    return ", ".join(f"{counts[word]} {word}" for word in sorted(counts))


if __name__ == "__main__":
    sys.exit(main())
