"""Decode and normalise the films of a manifest: as a data set, or once into files."""

import dataclasses
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from pipelines.as_written import as_written
from pipelines.augment import compress_film, example_seed, jpeg_quality
from pipelines.faults import FileFault, each_row
from pipelines.film_files import (
    FIXED_POINT,
    Recipe,
    StoredFilms,
    file_size,
    is_sound,
    write_film,
)
from pipelines.films import load_pixels
from pipelines.manifest.checks import file_sha256
from pipelines.manifest.table import ManifestRow
from pipelines.normalise import NO_PADDING, normalise

log = logging.getLogger(__name__)


def film_dataset(
    rows: Sequence[ManifestRow],
    sizes: tuple[int, ...],
    resolution_limit: int | None = None,
    enhance: bool = True,
    qualities: Sequence[int] | None = None,
) -> tf.data.Dataset:
    """Decode and normalise films in the order of the rows.

    Args:
        rows: rows of a manifest.
        sizes: sides of the squares wanted.
        resolution_limit: longest side kept before the resize, or None.
        enhance: False skips equalisation and gamma.
        qualities: each film is stored as a JPEG of this quality first; None for films as they are.

    Returns:
        A data set of tuples, one float32 [size, size] in 0..255 for each size. Reading an
        unusable film raises InvalidArgumentError with its path.
    """

    def read(path: tf.Tensor, quality: tf.Tensor) -> tuple[tf.Tensor, ...]:
        pixels, padding = load_pixels(path)
        if qualities is not None:
            pixels = compress_film(pixels, quality)
            padding = tf.fill(tf.shape(padding), NO_PADDING)
        films, constant = normalise(pixels, padding, sizes, resolution_limit, enhance)
        message = tf.strings.join([path, ": the film is constant; take it out of the manifest"])
        with tf.control_dependencies([tf.debugging.Assert(~constant, [message])]):
            return tuple(tf.identity(film) for film in films)

    paths = [str(row.path) for row in rows]
    given = np.zeros(len(rows), np.int32) if qualities is None else np.asarray(qualities, np.int32)
    dataset = tf.data.Dataset.from_tensor_slices((paths, given))
    mapped = dataset.map(as_written(read), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return mapped.prefetch(tf.data.AUTOTUNE)


def stored_films(
    rows: Sequence[ManifestRow],
    folder: Path,
    side: int,
    resolution_limit: int | None = None,
    jpeg_seed: int | None = None,
) -> StoredFilms:
    """Give films from the files of a folder; what is missing or damaged is made.

    Args:
        rows: rows of a manifest.
        folder: where the files lie; other trainings may use it at the same time.
        side: of the films in pixels.
        resolution_limit: longest side kept before the resize, or None.
        jpeg_seed: each film goes through a JPEG first, whose quality is drawn with this seed and
            the film's own bytes; None for films as they are.

    Returns:
        The films in the order of the rows.

    Raises:
        FileFault: a film cannot be used.
        OSError: the folder cannot be written to, or has too little room.
    """
    recipe = Recipe(side, resolution_limit or 0)
    recipes = [recipe] * len(rows)
    hashes = [_sha256(row) for row in rows]
    if jpeg_seed is not None:
        recipes = [
            dataclasses.replace(recipe, quality=quality)
            for quality in _qualities(hashes, jpeg_seed)
        ]
    paths = [each.path(folder, sha256) for each, sha256 in zip(recipes, hashes, strict=True)]
    missing = {path: index for index, path in enumerate(paths) if not _is_there(path, side)}
    if missing:
        _check_room(folder, len(missing) * file_size(side))
        wanted = [rows[index] for index in missing.values()]
        qualities = None if jpeg_seed is None else [recipes[x].quality for x in missing.values()]
        dataset = film_dataset(wanted, (side,), resolution_limit, qualities=qualities)
        fixed = dataset.map(
            as_written(lambda film: tf.cast(tf.round(film * FIXED_POINT), tf.uint16))
        )
        for path, film in zip(missing, each_row(fixed, wanted), strict=True):
            write_film(path, film.numpy())
    return StoredFilms(paths, side)


def _sha256(row: ManifestRow) -> str:
    try:
        return file_sha256(row.path)
    except OSError as error:
        reason = f"the file cannot be read: {error.strerror or type(error).__name__}"
        raise FileFault(row.path, "film", reason) from error


def _qualities(hashes: Sequence[str], seed: int) -> list[int]:
    """Draw the quality of each film's JPEG, a pure function of the seed and the film."""
    draw = tf.function(lambda film: jpeg_quality(example_seed(seed, 0, film)), autograph=False)
    return [int(draw(tf.constant(int(each[:15], 16), tf.int64))) for each in hashes]


def _is_there(path: Path, side: int) -> bool:
    """Tell whether a film need not be made; name it where it was damaged."""
    sound = is_sound(path, side)
    if not sound and path.exists():
        log.warning("%s: this normalised film is damaged; it is made again", path)
    return sound


def _check_room(folder: Path, needed: int) -> None:
    """Refuse to begin what the disk cannot hold."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(
            f"{folder}: the normalised films need {needed / 1e9:.1f} GB more, and "
            f"{free / 1e9:.1f} GB are free; make room, or name a folder elsewhere with --cache"
        )
