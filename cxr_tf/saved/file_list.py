"""The SHA-256 list of a SavedModel's files: written at export, checked before a model is used.

It has the form of `sha256sum`, so that `sha256sum --check assets.extra/sha256sum.txt`, started in
the version's folder, checks it too. It finds what was damaged or exchanged since the export; who
can exchange the model can exchange its list as well, so it is no signature.
"""

import functools
import re
import sys
from collections.abc import Callable
from pathlib import Path

from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.text import print_out
from cxr_tf.runtime.whole_files import write_text
from pipelines.manifest.checks import file_sha256

LIST = Path("assets.extra") / "sha256sum.txt"
_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")
_COMMAND = "python -m cxr_tf.saved.file_list"
#: Files that a message names at most.
_NAMED = 5
_WARNED: set[Path] = set()


def known_sha256(path: Path) -> str:
    """Hash a file once in a process; again only if its size or its times have changed.

    Args:
        path: the file.

    Returns:
        SHA-256 in hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    found = path.stat()
    return _hashed(path.absolute(), found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@functools.lru_cache(maxsize=256)
def _hashed(path: Path, *_: int) -> str:
    return file_sha256(path)


def model_files(folder: Path) -> dict[str, Path]:
    """Find the files of a SavedModel, sorted; its list, and what begins with a dot, are none.

    Args:
        folder: a version's folder.

    Returns:
        Paths by their names relative to the folder.
    """
    named = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {
        name.as_posix(): path
        for name, path in sorted(named.items())
        if name != LIST and not any(part.startswith(".") for part in name.parts)
    }


def write_list(folder: Path) -> None:
    """Write the list of a SavedModel's files as they are now.

    Args:
        folder: a version's folder, complete.

    Raises:
        OSError: a file cannot be read, or the list not written.
    """
    lines = [f"{known_sha256(path)}  {name}\n" for name, path in model_files(folder).items()]
    (folder / LIST).parent.mkdir(exist_ok=True)
    write_text(folder / LIST, "".join(lines))


def check_files(folder: Path, warn: Callable[[str], None] | None = None) -> None:
    """Refuse a SavedModel whose files are not those of its list; warn once where it has none.

    Args:
        folder: a version's folder.
        warn: takes the warning; stderr by default.

    Raises:
        UsageError: files differ, are missing or are not in the list, or the list is damaged.
        OSError: a file cannot be read.
    """
    if not (folder / LIST).is_file():
        if folder.absolute() not in _WARNED:
            _WARNED.add(folder.absolute())
            (warn or Reporter().warn)(
                f"{folder} has no list of its files ({LIST}): whether they are those that were "
                f"exported cannot be told. Export the model again, or, where you know where they "
                f"come from, list them: {_COMMAND} {folder}"
            )
        return
    listed = dict(read_lines(folder / LIST, "fetch or export the model again"))
    found = model_files(folder)
    faults = [f"{name} is missing" for name in listed.keys() - found.keys()]
    faults += [f"{name} is not in the list" for name in found.keys() - listed.keys()]
    faults += [
        f"{name} differs"
        for name in listed.keys() & found.keys()
        if known_sha256(found[name]) != listed[name]
    ]
    if faults:
        named, more = sorted(faults)[:_NAMED], len(faults) - _NAMED
        named += [f"and {more} more"] if more > 0 else []
        raise UsageError(
            f"{folder} does not hold the files that were exported: {', '.join(named)} ({LIST}). "
            "Fetch or export the model again; if the change is your own, list the files anew: "
            f"{_COMMAND} {folder}"
        )


def read_lines(path: Path, remedy: str) -> list[tuple[str, str]]:
    """Read what `sha256sum` writes.

    Args:
        path: the file.
        remedy: what to do where it is damaged.

    Returns:
        Names, each with its SHA-256 in lower case.

    Raises:
        UsageError: a line is none of it.
        OSError: the file cannot be read.
    """
    listed: list[tuple[str, str]] = []
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise UsageError(f"{path}, line {number}: not a SHA-256 and a name; {remedy}")
        listed.append((match[2], match[1].lower()))
    return listed


def main() -> int:
    """List the files of the SavedModels that the command line names, as they are now.

    Returns:
        The exit status: 0 done, 2 wrong usage.
    """
    folders = [Path(name) for name in sys.argv[1:]]
    wrong = [str(folder) for folder in folders if not (folder / "saved_model.pb").is_file()]
    if wrong or not folders:
        named = f"{', '.join(wrong)} holds no SavedModel: " if wrong else ""
        Reporter().error(f"{named}name folders such as saved_models/NAME/VERSION")
        return 2
    for folder in folders:
        write_list(folder)
        print_out(str(folder / LIST))
    return 0


if __name__ == "__main__":
    sys.exit(main())
