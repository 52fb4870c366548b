"""Films that look like another one: copies that other collections hold under other names."""

import csv
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.manifest.perceptual import NEAR, film_hash, near_pairs
from pipelines.manifest.rows import SPLITS, ManifestRow, cells
from pipelines.whole_files import whole

Hash = npt.NDArray[np.bool_]

#: What is told of both films of a pair, beside their paths.
TOLD = ("class", "patient_id", "source", *(f"split_{task}" for task in SPLITS))


@dataclass(frozen=True)
class LookAlikes:
    """Pairs of films that show nearly the same picture.

    Attributes:
        pairs: both films, and how many bits of their hashes differ; the most alike first.
        films: how many were compared.
        unread: how many could not be read, or show nothing.
    """

    pairs: tuple[tuple[ManifestRow, ManifestRow, int], ...]
    films: int
    unread: int


def near_places(hashes: Mapping[int, Hash]) -> Iterator[tuple[int, int, int]]:
    """Find the pairs among films that are known by their places.

    Args:
        hashes: of `film_hash`, by place.

    Yields:
        Places of two films, the one first that stands first, and the number of bits that differ.
    """
    if not hashes:
        return
    places = list(hashes)
    for first, second, bits in near_pairs(np.stack([hashes[place] for place in places])):
        yield places[first], places[second], bits


def look_alikes(rows: Sequence[ManifestRow]) -> LookAlikes:
    """Read films and find those of different patients that show nearly the same picture.

    Args:
        rows: the films; each is read once, several at a time.

    Returns:
        Pairs of films whose patients are not known to be the same.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = enumerate(pool.map(_hash, (row.path for row in rows)))
        hashes = {place: each for place, each in found if each is not None}
    pairs = [
        (rows[first], rows[second], bits)
        for first, second, bits in near_places(hashes)
        if rows[first].patient != rows[second].patient
    ]
    pairs.sort(key=lambda pair: pair[2])
    return LookAlikes(tuple(pairs), len(hashes), len(rows) - len(hashes))


def _hash(path: Path) -> Hash | None:
    from pipelines.films import read_film

    pixels = read_film(path).pixels
    if pixels is None or pixels.min() == pixels.max():
        return None
    return film_hash(pixels)


def write_pairs(found: LookAlikes, path: Path) -> None:
    """Write a CSV with one row a pair; paths are relative to it.

    Args:
        found: the pairs.
        path: the file, replaced at once; its folder must exist.

    Raises:
        OSError: it cannot be written.
    """
    path = path.absolute()
    names = ("path", *TOLD)
    with whole(path) as fresh, fresh.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["bits", *names, *(f"other_{name}" for name in names)])
        for one, other, bits in found.pairs:
            both = (cells(row, path.parent) for row in (one, other))
            writer.writerow([bits, *(told[name] for told in both for name in names)])


def summary(found: LookAlikes) -> Iterator[str]:
    """Say what was found, and what of it matters.

    Args:
        found: the pairs.

    Yields:
        Lines: the number of pairs; pairs by sources; pairs in two splits of a task, and of two
        classes, as far as there are any.
    """
    unread = f"; {found.unread} could not be read" if found.unread else ""
    yield (
        f"near-duplicates: {len(found.pairs)} pairs of films of different patients with at most "
        f"{NEAR} bits of difference, among {found.films} films{unread}"
    )
    sources = Counter(
        " and ".join(sorted({row.source or "unknown source" for row in pair[:2]}))
        for pair in found.pairs
    )
    for names, count in sorted(sources.items(), key=lambda item: (-item[1], item[0])):
        yield f"  {names}: {count}"
    for task in SPLITS:
        splits = ({row.split(task) for row in pair[:2]} for pair in found.pairs)
        if torn := sum(len(own) > 1 and "" not in own for own in splits):
            yield f"  in two splits of {task}: {torn}; keep one film, or give both one patient_id"
    if mixed := sum(one.label != other.label for one, other, _ in found.pairs):
        yield f"  of two classes: {mixed}; look at both films"
