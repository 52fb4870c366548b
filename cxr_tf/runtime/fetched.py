"""Files that are fetched once into the user's cache, and kept only with the pinned hash."""

import hashlib
import os
from pathlib import Path

from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.whole_files import whole
from pipelines.manifest.checks import file_sha256

#: Seconds after which a server that says nothing is given up.
_PATIENCE = 60
_PIECE = 1 << 20


def cache_folder() -> Path:
    """Find the folder for what is fetched: `cxr_tf` in `$XDG_CACHE_HOME`, else in `~/.cache`.

    Returns:
        The folder, which may not be there yet.
    """
    place = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(place) if os.path.isabs(place) else Path.home() / ".cache") / "cxr_tf"


def fetch(path: Path, url: str, sha256: str, most: int | None = None) -> Path:
    """Fetch a file, unless it is there already and is the expected one.

    Args:
        path: where it is kept.
        url: where it lies, http:// or https://.
        sha256: hexadecimal digits of its hash.
        most: bytes at which a longer file is given up; None for no limit.

    Returns:
        The path.

    Raises:
        UsageError: it cannot be fetched or kept, or it is not the expected file.
    """
    import urllib.request
    from http.client import HTTPException

    if path.is_file() and file_sha256(path) == sha256:
        return path
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"{url or 'an empty address'} cannot be fetched: give http:// or https://")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url, timeout=_PATIENCE) as answer, whole(path, True) as fresh:
            digest, size = hashlib.sha256(), 0
            with fresh.open("wb") as file:
                while piece := answer.read(_PIECE):
                    digest.update(piece)
                    file.write(piece)
                    size += len(piece)
                    if most is not None and size > most:
                        break
            if digest.hexdigest() != sha256:
                raise UsageError(
                    f"{url} is not the expected file: {size} bytes came, with SHA-256 "
                    f"{digest.hexdigest()}, not {sha256}. It was not kept"
                )
    except (OSError, HTTPException) as error:
        raise UsageError(f"{url} cannot be fetched into {path.parent} ({error})") from error
    return path
