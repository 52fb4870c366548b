"""Several manifests as one, each film once."""

import itertools
from collections.abc import Sequence

from pipelines.manifest.rows import Manifest, ManifestRow

COPIED_FROM = {"coronahack": "cohen", "cohen": "hannover"}
"""Sources whose films were taken over from another under the same names, but for the suffix."""


def merge(manifests: Sequence[Manifest]) -> tuple[Manifest, list[ManifestRow]]:
    """Put manifests behind each other and drop films that are there already.

    A film is dropped if its path or its `sha256` stood before, and if its source took it over
    from another one (`COPIED_FROM`) that is among the manifests, in whatever order.

    Args:
        manifests: At least one.

    Returns:
        The films in order, under the first manifest's root, and the rows dropped.
    """
    rows = list(itertools.chain.from_iterable(manifests))
    originals = {(row.source, row.path.stem.lower()) for row in rows if row.source}
    seen: set[str] = set()
    kept: list[ManifestRow] = []
    dropped: list[ManifestRow] = []
    for row in rows:
        marks = {row.path.as_posix(), row.sha256.lower() or row.path.as_posix()}
        copied = (COPIED_FROM.get(row.source), row.path.stem.lower()) in originals
        (dropped if copied or marks & seen else kept).append(row)
        seen |= marks
    return Manifest(manifests[0].root, tuple(kept)), dropped
