"""Writes the manifest of a data folder: `python -m pipelines.adapters FOLDER OUT.csv`."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from pipelines.adapters import open_data
from pipelines.manifest import SPLITS, ManifestError, hash_films, write_manifest


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: Without the programme's name; None: those of the process.

    Returns:
        Exit status: 0 written, 2 the data or the output cannot be used.
    """
    parser = argparse.ArgumentParser("python -m pipelines.adapters", description=__doc__)
    parser.add_argument("data", type=Path, help="data folder, or a manifest to write anew")
    parser.add_argument("out", type=Path, help="CSV to write; its paths are relative to it")
    parser.add_argument("--no-hash", action="store_true", help="leave the sha256 column as it is")
    options = parser.parse_args(arguments)
    try:
        manifest = open_data(options.data)
        if not options.no_hash:
            manifest = hash_films(manifest)
        write_manifest(manifest, options.out)
    except ManifestError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{options.out}: cannot be written ({error.strerror})", file=sys.stderr)
        return 2
    print(f"{options.out}: {len(manifest)} films")
    for task in SPLITS:
        counts = Counter(row.split(task) or "none" for row in manifest.rows)
        print(f"  {task}: " + ", ".join(f"{counts[name]} {name}" for name in sorted(counts)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
