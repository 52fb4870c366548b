"""From manifest rows to batches of patches, or of whole films.

Films are decoded and normalised once, in parallel and in order, into files that patches are cut
from. What an epoch draws from them is a pure function of seed, epoch and place in the epoch, so a
training that goes on needs no iterator state.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipelines.augment import (
    augment_seeds,
    augmented,
    example_seed,
    is_compressed,
)
from pipelines.batches import batched, in_parallel
from pipelines.film_files import FIXED_POINT, Films, HeldFilms, StoredFilms
from pipelines.lung_square import LUNGS, cut_square, lung_square, reduce_view
from pipelines.manifest.table import ManifestRow
from pipelines.masks import (
    EVEN_LUNGS,
    lung_levels,
    lungs,
    lungs_around,
    lungs_at_full_size,
    resize_labels,
    select_content,
)
from pipelines.normalised_films import stored_films
from pipelines.patches import centres_in_lungs
from pipelines.sizes import CLASSIFICATION_SIZE


@dataclasses.dataclass(frozen=True)
class ClassificationExamples:
    """What the classifier may see of each film.

    Attributes:
        films: normalised films, whole, or for the global approach what is seen of them at the
            size of a patch.
        lungs: uint8 [n, 256, 256], label maps that the centres are drawn from.
        labels: int32 [n], decision classes.
        patch_size: side of a patch; that of the films for the global approach.
        compressed: the films once more, each from a JPEG; None where they were not made.
        content: what of a film is seen, see `pipelines.masks.select_content`.
        whole: an example is a film, not a patch.
        levels: float32 [n, 2], `lung_levels` of each film, for `even_lungs` alone.
        compressed_levels: those of the compressed films.
    """

    films: Films
    lungs: tf.Tensor
    labels: tf.Tensor
    patch_size: int
    compressed: Films | None = None
    content: str = "lungs"
    whole: bool = False
    levels: tf.Tensor | None = None
    compressed_levels: tf.Tensor | None = None

    def __len__(self) -> int:
        return len(self.films)

    def centres(self, film: tf.Tensor, seed: tf.Tensor, count: int) -> tf.Tensor:
        """Draw the centres of a film's patches.

        Args:
            film: int64 scalar, which film.
            seed: int64 scalar.
            count: number of patches.

        Returns:
            int32 [count, 2]: row, column in pixels of the film.
        """
        return centres_in_lungs(self.lungs[film], seed, count, self.films.side)

    def patches(
        self, film: tf.Tensor, seed: tf.Tensor, count: int, compressed: tf.Tensor | bool = False
    ) -> tf.Tensor:
        """Cut patches of one film at random centres in its lungs, or give the film itself.

        Args:
            film: int64 scalar, which film.
            seed: int64 scalar.
            count: number of patches; for the global approach the same film so many times.
            compressed: bool scalar, whether they are those of the compressed film.

        Returns:
            float32 [count, patch_size, patch_size] in 0..255.
        """
        if self.whole:
            middle = tf.fill([1, 2], self.patch_size // 2)
            return tf.repeat(self.around(film, middle, compressed), count, axis=0)
        return self.around(film, self.centres(film, seed, count), compressed)

    def around(
        self, film: tf.Tensor, centres: tf.Tensor, compressed: tf.Tensor | bool = False
    ) -> tf.Tensor:
        """Cut out what is seen of a film around some places.

        Args:
            film: int64 scalar, which film.
            centres: int32 [n, 2]: row, column in pixels of the film.
            compressed: bool scalar, whether it is that of the compressed film.

        Returns:
            float32 [n, patch_size, patch_size] in 0..255.
        """
        size = self.patch_size
        levels = tf.numpy_function(self._windows, [film, compressed, centres], tf.uint16, False)
        levels = tf.ensure_shape(levels, [centres.shape[0], size, size])
        seen = tf.cast(levels, tf.float32) / FIXED_POINT
        if self.whole:
            return seen
        lung_masks = lungs_around(self.lungs[film], centres, size, self.films.side)
        return select_content(seen, lung_masks, self.content, self._levels(film, compressed))

    def _levels(self, film: tf.Tensor, compressed: tf.Tensor | bool) -> tf.Tensor | None:
        if self.levels is None or self.compressed_levels is None:
            return None if self.levels is None else self.levels[film]
        return tf.where(compressed, self.compressed_levels[film], self.levels[film])

    def seen(self, film: int) -> npt.NDArray[np.float32]:
        """Give all that is seen of a film.

        Args:
            film: which film.

        Returns:
            float32 [S, S] in 0..255.
        """
        levels = _whole_film(self.films, film).astype(np.float32) / np.float32(FIXED_POINT)
        if self.whole:
            return levels
        lung_mask = lungs_at_full_size(self.lungs[film], self.films.side)
        seen: npt.NDArray[np.float32] = select_content(levels, lung_mask, self.content).numpy()
        return seen

    def _windows(
        self, film: np.int64, compressed: np.bool_, centres: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.uint16]:
        films = self.films
        if compressed and self.compressed is not None:
            films = self.compressed
        return films.windows(int(film), centres, self.patch_size)

    def batches(
        self,
        order: npt.NDArray[np.int64],
        places: npt.NDArray[np.int64],
        batch_size: int,
        seed: int,
        epoch: int,
        augment: bool,
        strength: float = 0.0,
        jpeg: float = 0.0,
    ) -> tf.data.Dataset:
        """Give batches of one epoch or of a part of it, one patch for each place.

        Args:
            order: int64 [m], which film comes at each place.
            places: int64 [m], each example's place in the epoch.
            batch_size: examples a batch; a remainder is dropped.
            seed: seed of the run.
            epoch: number of the epoch.
            augment: rotate and flip at random.
            strength: size of the random changes of grey scale, sharpness and size, 0 for none.
            jpeg: share of patches of the compressed film.

        Returns:
            A data set of patches float32 [B, P, P] in 0..255 and labels int32 [B].
        """

        def example(film: tf.Tensor, place: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            # `fold_in` leaves its number in the second word; once more, and the first one alone
            # tells the places of an epoch apart, as the centres' seed must.
            key = tf.random.fold_in(example_seed(seed, epoch, place), tf.zeros([], tf.int64))
            patch = self.patches(film, key[0], 1, is_compressed(key, jpeg))[0]
            if augment:
                patch = augmented(patch, *augment_seeds(key), strength)
            return patch, self.labels[film]

        return batched(order, places, example, batch_size)

    def fixed_patches(self, count: int, seed: int) -> tf.data.Dataset:
        """Give the same patches of every film each time, film by film.

        Args:
            count: patches a film.
            seed: seed of the centres.

        Returns:
            A data set of float32 [count, P, P] in 0..255.
        """
        dataset = tf.data.Dataset.range(len(self))
        count = 1 if self.whole else count
        return in_parallel(
            dataset, lambda film: self.patches(film, tf.constant(seed, tf.int64), count)
        )


def _whole_film(films: Films, film: int) -> npt.NDArray[np.uint16]:
    return films.windows(film, np.full((1, 2), films.side // 2, np.int32), films.side)[0]


def read_classification(
    rows: Sequence[ManifestRow],
    label_maps: npt.NDArray[np.uint8],
    labels: Sequence[int],
    patch_size: int,
    cache: Path,
    whole: bool = False,
    content: str = "lungs",
    resolution_limit: int | None = None,
    jpeg_seed: int | None = None,
    side: int = CLASSIFICATION_SIZE,
    field_of_view: str = "film",
) -> ClassificationExamples:
    """Decode and normalise films into files, where they are not there, and give their patches.

    Args:
        rows: rows of a manifest.
        label_maps: uint8 [n, 256, 256], predicted or true.
        labels: decision class of each film.
        patch_size: side of a patch.
        cache: folder of the files.
        whole: reduce the film to `patch_size` instead of cutting patches (the global approach).
        content: see `pipelines.masks.select_content`.
        resolution_limit: longest side kept before the resize, or None.
        jpeg_seed: of the compressed films, which are made too; None for none.
        side: of the films that patches are cut from, a multiple of that of the label maps.
        field_of_view: where `whole`, what counts as the whole: `film`, or `lungs`, the square
            around them; the label maps of the examples are then of this square, too.

    Returns:
        The examples in the order of the rows.

    Raises:
        FileFault: a film cannot be used.
        OSError: the folder cannot be written to, or has too little room.
    """

    def read(seed: int | None) -> tuple[Films, tf.Tensor | None]:
        films = stored_films(rows, cache, side, resolution_limit, seed)
        if whole:
            return _reduced(films, label_maps, content, patch_size, field_of_view), None
        return films, _levels_of(films, label_maps) if content == EVEN_LUNGS else None

    with tf.device("CPU"):
        films, levels = read(None)
        compressed, compressed_levels = (None, None) if jpeg_seed is None else read(jpeg_seed)
        if whole and field_of_view == LUNGS:
            label_maps = np.stack([_squared(labels) for labels in label_maps])
        return ClassificationExamples(
            films,
            tf.constant(label_maps),
            tf.constant(np.asarray(labels, np.int32)),
            patch_size,
            compressed,
            content,
            whole,
            levels,
            compressed_levels,
        )


def _levels_of(films: Films, label_maps: npt.NDArray[np.uint8]) -> tf.Tensor:
    """Measure the lungs of every film: float32 [n, 2], see `lung_levels`."""

    @tf.function(autograph=False)
    def measure(levels: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        film = tf.cast(levels, tf.float32) / FIXED_POINT
        return lung_levels(film, lungs_at_full_size(labels, films.side))

    return tf.stack(
        [measure(_whole_film(films, index), labels) for index, labels in enumerate(label_maps)]
    )


def _reduced(
    films: StoredFilms, label_maps: npt.NDArray[np.uint8], content: str, size: int, view: str
) -> HeldFilms:
    """Hold in memory what is seen of each film, reduced to the size of a patch."""
    side = films.side

    @tf.function(autograph=False)
    def reduce(levels: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        film = tf.cast(levels, tf.float32) / FIXED_POINT
        lung_mask = lungs_at_full_size(labels, side)
        seen = select_content(film, lung_mask, content)
        reduced, _ = reduce_view(seen, lung_mask, view, size)
        return tf.cast(tf.round(reduced * FIXED_POINT), tf.uint16)

    kept = np.empty((len(films), size, size), np.uint16)
    for index, labels in enumerate(label_maps):
        kept[index] = reduce(_whole_film(films, index), labels)
    return HeldFilms(kept)


def _squared(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Enlarge what a label map has in the square around the lungs to the size of the map."""
    square = lung_square(lungs(tf.constant(labels)))
    cut: npt.NDArray[np.uint8] = resize_labels(cut_square(labels, square), len(labels)).numpy()
    return cut
