r"""Makes the archive of a released model, and pins it: what `--model cxr_triage@5` fetches.

    python -m tools.release.models saved_models/cxr_triage --out dist --pin

writes `dist/cxr_triage-2-HASH.tar` and prints its SHA-256; `--pin` also enters it into the table
`cxr_tf/saved/released_models.json`. Put the archive where users fetch it from. The same files give
the same archive, byte for byte, on any machine.
"""

import argparse
import dataclasses
import json
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE
from cxr_tf.runtime.whole_files import whole, write_text
from cxr_tf.saved.file_list import LIST, check_files, model_files
from cxr_tf.saved.model_folders import version_folder
from cxr_tf.saved.released import TABLE, Release
from cxr_tf.scoring.report.limits import CARD
from cxr_tf.scoring.report.ranges import NAME as RANGES
from pipelines.manifest.checks import file_sha256

#: Of the folder above all models: what goes with the weights wherever they go.
BESIDE_ALL = ("LICENSE", CARD)
#: Of the folder above a model's versions.
BESIDE_VERSIONS = (RANGES,)


def members(version: Path) -> Iterator[tuple[str, Path]]:
    """List what an archive holds.

    Args:
        version: a version's folder.

    Yields:
        Names within the archive, in their order, each with its file.
    """
    model = version.parent
    for name in BESIDE_ALL:
        if (model.parent / name).is_file():
            yield name, model.parent / name
    for name in BESIDE_VERSIONS:
        if (model / name).is_file():
            yield f"{model.name}/{name}", model / name
    files = {**model_files(version), LIST.as_posix(): version / LIST}
    for name, path in sorted(files.items()):
        yield f"{model.name}/{version.name}/{name}", path


def write_archive(version: Path, out: Path) -> tuple[str, Release]:
    """Write the archive of a model, the same for the same files.

    Args:
        version: a version's folder.
        out: folder for the archive.

    Returns:
        The name by which the model is asked for, and what is pinned of it.

    Raises:
        UsageError: the model's files are not those of its list.
        FileNotFoundError: the model has no list.
        OSError: a file cannot be read or written.
    """
    check_files(version)
    version = version.resolve()
    model, number = version.parent.name, version.name
    out.mkdir(parents=True, exist_ok=True)
    unnamed = out / f"{model}-{number}.tar"
    with (
        whole(unnamed) as fresh,
        tarfile.open(fresh, "w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for member, path in members(version):
            entry = tarfile.TarInfo(member)  # times, owners and rights of its own: always the same
            entry.size = path.stat().st_size
            with path.open("rb") as file:
                archive.addfile(entry, file)
    sha256 = file_sha256(unnamed)
    path = unnamed.rename(out / f"{model}-{number}-{sha256[:8]}.tar")
    size, listed = path.stat().st_size, file_sha256(version / LIST)
    return f"{model}@{number}", Release(path.name, sha256, size, listed)


def pin(name: str, release: Release, table: Path = TABLE) -> None:
    """Enter a model into the table of released models, in place of an entry of its name.

    Args:
        name: by which it is asked for.
        release: what is pinned.
        table: the table.
    """
    found = json.loads(table.read_text(encoding="utf-8")) if table.is_file() else {}
    found[name] = dataclasses.asdict(release)
    write_text(table, json.dumps(found, indent=2) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the archive that the command line asks for.

    Args:
        arguments: the command line; None for this process's own.

    Returns:
        The exit status: 0 done, 2 the model cannot be used or the archive not written.
    """
    parser = argparse.ArgumentParser(
        "python -m tools.release.models", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter, epilog=NOTICE,
    )  # fmt: skip
    parser.add_argument("model", type=Path, help="its folder, or the folder above its versions")
    parser.add_argument("--out", type=Path, default=Path("dist"), help="folder for the archive")
    parser.add_argument("--pin", action="store_true", help="enter it into the table of the package")
    options = parser.parse_args(arguments)
    try:
        name, release = write_archive(version_folder(options.model), options.out)
        if options.pin:
            pin(name, release)
    except (OSError, ValueError) as error:
        Reporter().error(f"no archive was made: {error}")
        return 2
    print(f"{release.sha256}  {options.out / release.archive}")
    print(f"{name}: {release.size} bytes{', pinned in ' + str(TABLE) if options.pin else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
