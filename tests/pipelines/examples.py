"""What tests of examples for training share."""

import dataclasses

import numpy as np

from pipelines.films import read_film
from pipelines.normalise import normalise

FILMS = 12


def normalised(row, *arguments, **options):
    """The film of a row at some sizes, eagerly."""
    film = read_film(row.path)
    return normalise(film.pixels, film.padding, *arguments, **options)[0]


def collected(dataset):
    """Examples of all batches, one after the other."""
    batches = [[x.numpy() for x in batch] for batch in dataset]
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def sharded(places, size, parts):
    """Places of each part, as training hands them to its workers: each a piece of every batch."""
    steps = np.reshape(places, (-1, parts, size // parts))
    return [steps[:, part].reshape(-1) for part in range(parts)]


def joined(parts, size):
    """Undo `sharded` for arrays of examples."""
    steps = [part.reshape(-1, size // len(parts), *part.shape[1:]) for part in parts]
    return np.concatenate(steps, 1).reshape(-1, *parts[0].shape[1:])


def with_culprit(rows, folder, content):
    """Three rows; the film of the second has the given content."""
    path = folder / "culprit.png"
    path.write_bytes(content)
    return [rows[0], dataclasses.replace(rows[1], path=path), rows[2]]
