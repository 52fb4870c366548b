"""How many single films are taken for collages, and how many collages are found.

    python -m tools.reliability.collages DATA --model MODEL [--collages 200]

Every film of the manifests is asked about; collages are put together of random pairs and quadruples
of them. Nothing of a film is written, two lines of counts are printed.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

import cxr_tf
from cxr_tf.films.collage import one_film
from cxr_tf.films.entrance import Entered, entered
from cxr_tf.films.model import TriageModel
from cxr_tf.method.collage import REASON
from pipelines.films import read_film
from pipelines.levels import NO_PADDING
from pipelines.status import OK

Pixels = npt.NDArray[np.uint16]
KINDS = ("side", "stacked", "grid")


def is_collage(model: TriageModel, pixels: Pixels) -> bool:
    """Ask a model whether a picture is a collage.

    Args:
        model: one with a gate.
        pixels: uint16 [H, W] over the full range.
    """
    if model.card.finds_collages:
        return model.predict(pixels, patches=1).warning.startswith(REASON.split(",")[0])
    return one_film(Entered(pixels, NO_PADDING, OK, ""), model.card, model.look).status != OK


def _fit(film: Pixels, height: int, width: int | None = None) -> Pixels:
    width = width or max(1, round(film.shape[1] * height / film.shape[0]))
    way = cv2.INTER_AREA if height < film.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(film, (width, height), interpolation=way), np.uint16)


def collage(kind: str, films: list[Pixels], gutter: int, level: int) -> Pixels:
    """Put films into one picture.

    Args:
        kind: `side` or `stacked` of two films, or `grid` of four.
        films: uint16 [H, W] each.
        gutter: pixels between them.
        level: of the gutter.

    Returns:
        uint16 [H, W].
    """

    def between(height: int, width: int) -> Pixels:
        return np.full((height, width), level, np.uint16)

    if kind == "stacked":
        turned = [np.ascontiguousarray(film.T) for film in films]
        return np.ascontiguousarray(collage("side", turned, gutter, level).T)
    if kind == "side":
        left, right = (_fit(film, 512) for film in films)
        return np.hstack([left, between(512, gutter), right])
    a, b, c, d = (_fit(film, 400, 400) for film in films)
    rows = [np.hstack([x, between(400, gutter), y]) for x, y in ((a, b), (c, d))]
    return np.vstack([rows[0], between(gutter, rows[0].shape[1]), rows[1]])


def films_of(folders: list[Path]) -> Iterator[tuple[Path, Pixels]]:
    """Read the films of manifests that enter at all.

    Args:
        folders: each holds a manifest.csv.

    Yields:
        Path and pixels, over the full range.
    """
    for folder in folders:
        with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                film = read_film(folder / row["path"])
                if film.pixels is None:
                    continue
                found = entered(film.pixels, film.padding)
                if found.status == OK:
                    yield folder / row["path"], found.pixels


def main() -> None:
    """Count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--collages", type=int, default=200)
    options = parser.parse_args()
    model, rng = cxr_tf.load(options.model), np.random.default_rng(0)
    kept: list[Pixels] = []
    count = 0
    wrong: list[str] = []
    for path, pixels in films_of(options.data):
        count += 1
        if is_collage(model, pixels):
            wrong.append(path.name)
        scale = min(1.0, 512 / max(pixels.shape))
        kept.append(_fit(pixels, round(pixels.shape[0] * scale)))
    print(f"single films taken for collages: {len(wrong)} of {count} {wrong}", flush=True)
    found = {kind: 0 for kind in KINDS}
    asked = dict(found)
    for index in range(options.collages):
        kind = KINDS[index % len(KINDS)]
        chosen = rng.choice(len(kept), 4 if kind == "grid" else 2, replace=False)
        gutter = int(rng.integers(2, 24)) if index % 2 else 0
        picture = collage(kind, [kept[i] for i in chosen], gutter, int(rng.choice([0, 65535])))
        asked[kind] += 1
        found[kind] += is_collage(model, picture)
    each = ", ".join(f"{kind} {found[kind]} of {asked[kind]}" for kind in KINDS)
    print(f"collages found: {sum(found.values())} of {options.collages} ({each})")


if __name__ == "__main__":
    main()
