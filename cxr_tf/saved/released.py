"""Released models by name, such as `cxr_triage@5`: fetched once, checked, and kept in the cache.

The table of released models is part of the package. It pins the SHA-256 of each archive, and of the
list of files within it. `python -m tools.release.models` makes an archive and its entry.
"""

import contextlib
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.fetched import cache_folder, fetch
from cxr_tf.runtime.folder_lock import in_turn
from cxr_tf.runtime.progress import Reporter
from cxr_tf.saved.file_list import LIST, check_files, known_sha256

#: The released models: an object for each, by name.
TABLE = Path(__file__).with_name("released_models.json")
#: Names the address at which the archives lie.
SETTING = "CXR_TF_MODELS_URL"
#: Address where the setting is empty; '' as long as there is no page of releases.
DEFAULT_URL = ""
_NAME = re.compile(r"([A-Za-z0-9_.-]+)@([0-9]+)")


@dataclass(frozen=True)
class Release:
    """A released model.

    Attributes:
        archive: name of its archive, an uncompressed tar file; it holds a part of the hash.
        sha256: of the archive, in hexadecimal.
        size: of the archive, in bytes.
        list_sha256: of the list of the model's files, in hexadecimal.
    """

    archive: str
    sha256: str
    size: int
    list_sha256: str


def releases() -> dict[str, Release]:
    """Read the table of released models.

    Returns:
        The models by name.
    """
    found = json.loads(TABLE.read_text(encoding="utf-8"))
    return {name: Release(**entry) for name, entry in found.items()}


def names_release(path: Path) -> bool:
    """Say whether a path is the name of a released model rather than a place on the disk.

    Args:
        path: what was given as the model.
    """
    return _NAME.fullmatch(str(path)) is not None and not path.exists()


def released_model(name: str) -> Path:
    """Find a released model in the cache, and fetch it where it is not there.

    Several processes may ask for it at once: one fetches it, the others wait.

    Args:
        name: such as `cxr_triage@5`.

    Returns:
        The version's folder.

    Raises:
        UsageError: no model is called so, or it cannot be fetched, or it is not the released one.
    """
    known = releases()
    if name not in known:
        listed = ", ".join(known) or "none"
        raise UsageError(f"{name} is no released model; there are: {listed}")
    release = known[name]
    home = cache_folder() / "models"
    place = home / Path(release.archive).stem
    folder = place.joinpath(*name.split("@"))
    if not place.is_dir():
        try:
            home.mkdir(parents=True, exist_ok=True)
            with in_turn(home):
                if not place.is_dir():
                    _unpack(_archive(name, release, home), place, folder)
        except OSError as error:
            raise UsageError(
                f"{name} cannot be kept in {home} ({error}): make room there, or name another "
                "place in XDG_CACHE_HOME"
            ) from error
    if not (folder / LIST).is_file() or known_sha256(folder / LIST) != release.list_sha256:
        raise UsageError(
            f"{folder} is not the released {name}: remove {place}, and it is fetched again"
        )
    return folder


def _archive(name: str, release: Release, home: Path) -> Path:
    """Fetch the archive; one that was put there by hand is taken as it is."""
    path, base = home / release.archive, os.environ.get(SETTING) or DEFAULT_URL
    by_hand = f"put the file there yourself: {path} (SHA-256 {release.sha256})"
    if not base and not path.is_file():
        raise UsageError(
            f"{name} is not in the cache, and no address is known to fetch it from. Set {SETTING} "
            f"to the address of the folder that holds {release.archive}, or {by_hand}"
        )
    url = f"{base.rstrip('/')}/{release.archive}"
    if sys.stderr.isatty() and not path.is_file():
        Reporter().note(f"fetching {url} ({release.size / 1e6:.0f} MB)")
    try:
        return fetch(path, url if base else "", release.sha256, release.size)
    except UsageError as error:
        raise UsageError(
            f"{name}: {error}; check {SETTING} and the network, or {by_hand}"
        ) from error


def _unpack(archive: Path, place: Path, folder: Path) -> None:
    """Unpack an archive whose hash was checked; its folder is there whole or not at all."""
    import tarfile

    fresh = place.with_name(f".{place.name}.new")  # one process at a time comes here
    shutil.rmtree(fresh, ignore_errors=True)
    with tarfile.open(archive, "r:") as tar:
        for member in tar:
            path = fresh / member.name
            path.parent.mkdir(parents=True, exist_ok=True)
            content = tar.extractfile(member)
            assert content is not None  # it holds plain files alone
            with content, path.open("wb") as file:
                shutil.copyfileobj(content, file)
    check_files(fresh / folder.relative_to(place))
    os.replace(fresh, place)
    with contextlib.suppress(OSError):
        archive.unlink()
