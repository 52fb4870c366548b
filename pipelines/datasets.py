"""From manifest rows to batches.

Films are decoded and normalised once, in parallel and in order, and kept in memory; what an epoch
draws from them is a pure function of seed, epoch and place in the epoch, so a training that goes
on needs no iterator state.
"""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipelines.augment import (
    compress_film,
    example_seed,
    frame_film,
    rotate_and_flip,
    vary_film,
    vary_patch,
)
from pipelines.decode import decode_mask
from pipelines.faults import each_row, mask_fault
from pipelines.films import load_pixels
from pipelines.manifest.table import ManifestRow
from pipelines.masks import label_map, lungs_at_full_size, resize_labels, select_content
from pipelines.normalise import NO_PADDING, normalise, resize
from pipelines.patches import cut_patches, draw_centres
from pipelines.sizes import CLASSIFICATION_SIZE

#: Films at 1024 x 1024 are kept as uint16 in steps of 1/257 grey level: half the memory.
FIXED_POINT = 257.0
#: Batches made while the network works on the one before them.
BATCHES_AHEAD = 2


def film_dataset(
    rows: Sequence[ManifestRow],
    sizes: tuple[int, ...],
    resolution_limit: int | None = None,
    enhance: bool = True,
    jpeg_seed: int | None = None,
) -> tf.data.Dataset:
    """Decode and normalise films in the order of the rows.

    Args:
        rows: rows of a manifest.
        sizes: sides of the squares wanted.
        resolution_limit: longest side kept before the resize, or None.
        enhance: False skips equalisation and gamma.
        jpeg_seed: each film is stored as a JPEG first, of a quality drawn with this seed; None for
            films as they are.

    Returns:
        A data set of tuples, one float32 [size, size] in 0..255 for each size. Reading an
        unusable film raises InvalidArgumentError with its path.
    """

    def read(path: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, ...]:
        pixels, padding = load_pixels(path)
        if jpeg_seed is not None:
            pixels = compress_film(pixels, example_seed(jpeg_seed, 0, index))
            padding = tf.fill(tf.shape(padding), NO_PADDING)
        films, constant = normalise(pixels, padding, sizes, resolution_limit, enhance)
        message = tf.strings.join([path, ": the film is constant; take it out of the manifest"])
        with tf.control_dependencies([tf.debugging.Assert(~constant, [message])]):
            return tuple(tf.identity(film) for film in films)

    paths = [str(row.path) for row in rows]
    return _parallel(tf.data.Dataset.from_tensor_slices((paths, np.arange(len(rows)))), read)


def _parallel(dataset: tf.data.Dataset, function: object) -> tf.data.Dataset:
    mapped = dataset.map(function, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return mapped.prefetch(tf.data.AUTOTUNE)


def label_dataset(rows: Sequence[ManifestRow], size: int) -> tf.data.Dataset:
    """Read the masks of films as label maps, in the order of the rows.

    Args:
        rows: rows with masks of both lungs; where the heart's is missing it counts as background.
        size: side of the label maps.

    Returns:
        A data set of uint8 [size, size].
    """
    files = [
        [str(x) if x else "" for x in (row.mask_heart, row.mask_left_lung, row.mask_right_lung)]
        for row in rows
    ]

    return _parallel(
        tf.data.Dataset.from_tensor_slices(files), lambda names: read_labels(names, size)
    )


def read_labels(names: tf.Tensor, size: int) -> tf.Tensor:
    """Read the masks of one film as a label map.

    Args:
        names: string [3], the masks of heart, left lung and right lung; '' for a heart without.
        size: side of the label map.

    Returns:
        uint8 [size, size].
    """
    left = decode_mask(tf.io.read_file(names[1]))
    right = decode_mask(tf.io.read_file(names[2]))
    heart = tf.cond(
        names[0] == "",
        lambda: tf.zeros_like(left),
        lambda: decode_mask(tf.io.read_file(names[0])),
    )
    return resize_labels(label_map(heart, left, right), size)


@dataclasses.dataclass(frozen=True)
class SegmentationExamples:
    """Films and label maps in memory.

    Attributes:
        films: float32 [n, S, S] in 0..255.
        labels: uint8 [n, S, S].
    """

    films: tf.Tensor
    labels: tf.Tensor

    def __len__(self) -> int:
        return int(self.films.shape[0])

    def batches(
        self,
        order: npt.NDArray[np.int64],
        places: npt.NDArray[np.int64],
        batch_size: int,
        seed: int,
        epoch: int,
        strength: float,
        frames: float = 0.0,
    ) -> tf.data.Dataset:
        """Batches of one epoch or of a part of it.

        Args:
            order: int64 [m], which film comes at each place.
            places: int64 [m], each example's place in the epoch.
            batch_size: examples a batch; a remainder is dropped.
            seed: seed of the run.
            epoch: number of the epoch.
            strength: size of the random changes, 0 for none.
            frames: share of films that get a blank frame.

        Returns:
            A data set of films float32 [B, S, S] in 0..255 and labels uint8 [B, S, S].
        """

        def example(film: tf.Tensor, place: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            image, labels = self.films[film], self.labels[film]
            key = example_seed(seed, epoch, place)
            if strength:
                image, labels = vary_film(image, labels, key, strength)
            if frames:
                image, labels = frame_film(image, labels, tf.random.fold_in(key, 2), frames)
            return image, labels

        return _batched(order, places, example, batch_size)


def _batched(
    order: npt.NDArray[np.int64],
    places: npt.NDArray[np.int64],
    example: object,
    batch_size: int,
) -> tf.data.Dataset:
    dataset = tf.data.Dataset.from_tensor_slices((order, places))
    mapped = dataset.map(example, num_parallel_calls=os.cpu_count() or 1, deterministic=True)
    batches = mapped.batch(batch_size, drop_remainder=True).prefetch(BATCHES_AHEAD)
    # The end of an iterator waits for the thread that tunes it: 5 to 10 s an epoch on two cores.
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def read_segmentation(
    rows: Sequence[ManifestRow],
    size: int,
    resolution_limit: int | None = None,
    enhance: bool = True,
) -> SegmentationExamples:
    """Read films with their label maps into memory.

    Args:
        rows: rows with masks.
        size: side of films and label maps.
        resolution_limit: longest side kept before the resize, or None.
        enhance: False skips equalisation and gamma.

    Returns:
        The examples in the order of the rows.

    Raises:
        FileFault: a film or a mask cannot be used.
    """
    dataset = film_dataset(rows, (size,), resolution_limit, enhance)
    films = [film for (film,) in each_row(dataset, rows)]
    labels = list(each_row(label_dataset(rows, size), rows, mask_fault))
    with tf.device("CPU"):
        return SegmentationExamples(tf.stack(films), tf.stack(labels))


@dataclasses.dataclass(frozen=True)
class ClassificationExamples:
    """What the classifier may see of each film, in memory.

    Attributes:
        films: uint16 [n, S, S], grey level times 257; S is 1024, or 224 for the global approach.
        lungs: uint8 [n, 256, 256], label maps that the centres are drawn from.
        labels: int32 [n], decision classes.
        patch_size: side of a patch; S itself for the global approach.
        compressed: the films once more, each from a JPEG; None where they were not made.
    """

    films: tf.Tensor
    lungs: tf.Tensor
    labels: tf.Tensor
    patch_size: int
    compressed: tf.Tensor | None = None

    def __len__(self) -> int:
        return int(self.films.shape[0])

    @property
    def whole(self) -> bool:
        """True where an example is a film, not a patch."""
        return bool(self.films.shape[1] != CLASSIFICATION_SIZE)

    def patches(
        self, film: tf.Tensor, seed: tf.Tensor, count: int, compressed: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Patches of one film at random centres in its lungs, or the film itself.

        Args:
            film: int64 scalar, which film.
            seed: int64 scalar.
            count: number of patches; 1 for the global approach.
            compressed: bool scalar, whether they are those of the compressed film; None for no.

        Returns:
            float32 [count, patch_size, patch_size] in 0..255.
        """
        if compressed is None or self.compressed is None:
            kept = self.films[film]
        else:
            others = self.compressed
            kept = tf.cond(compressed, lambda: others[film], lambda: self.films[film])
        image = tf.cast(kept, tf.float32) / FIXED_POINT
        if self.whole:
            return tf.repeat(image[None], count, axis=0)
        centres = draw_centres(lungs_at_full_size(self.lungs[film]), seed, count)
        return cut_patches(image, centres, self.patch_size)

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
        """Batches of one epoch or of a part of it, one patch for each place.

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
            compressed = None
            if jpeg:
                compressed = tf.random.stateless_uniform([], tf.random.fold_in(key, 3)) < jpeg
            patch = self.patches(film, key[0], 1, compressed)[0]
            if augment:
                patch = rotate_and_flip(patch, tf.random.fold_in(key, 1))
            if augment and strength:
                patch = vary_patch(patch, tf.random.fold_in(key, 2), strength)
            return patch, self.labels[film]

        return _batched(order, places, example, batch_size)

    def fixed_patches(self, count: int, seed: int) -> tf.data.Dataset:
        """The same patches of every film each time, film by film.

        Args:
            count: patches a film.
            seed: seed of the centres.

        Returns:
            A data set of float32 [count, P, P] in 0..255.
        """
        dataset = tf.data.Dataset.range(len(self))
        count = 1 if self.whole else count
        return _parallel(
            dataset, lambda film: self.patches(film, tf.constant(seed, tf.int64), count)
        )


def read_classification(
    rows: Sequence[ManifestRow],
    label_maps: npt.NDArray[np.uint8],
    labels: Sequence[int],
    patch_size: int,
    whole: bool = False,
    content: str = "lungs",
    resolution_limit: int | None = None,
    jpeg_seed: int | None = None,
) -> ClassificationExamples:
    """Read films, keep of each what the classifier may see, and hold them in memory.

    Args:
        rows: rows of a manifest.
        label_maps: uint8 [n, 256, 256], predicted or true.
        labels: decision class of each film.
        patch_size: side of a patch.
        whole: reduce the film to `patch_size` instead of cutting patches (the global approach).
        content: see `pipelines.masks.select_content`.
        resolution_limit: longest side kept before the resize, or None.
        jpeg_seed: of the compressed films, which are made too; None for none.

    Returns:
        The examples in the order of the rows.

    Raises:
        FileFault: a film cannot be used.
    """
    side = patch_size if whole else CLASSIFICATION_SIZE

    def select(film: tf.Tensor, lung_labels: tf.Tensor) -> tf.Tensor:
        seen = select_content(film, lungs_at_full_size(lung_labels), content)
        if whole:
            seen = resize(seen, side)
        return tf.cast(tf.round(seen * FIXED_POINT), tf.uint16)

    def read(seed: int | None) -> tf.Tensor:
        kept = np.empty((len(rows), side, side), np.uint16)
        films = film_dataset(rows, (CLASSIFICATION_SIZE,), resolution_limit, jpeg_seed=seed)
        pairs = tf.data.Dataset.zip(
            films.map(lambda film: film), tf.data.Dataset.from_tensor_slices(label_maps)
        )
        for index, film in enumerate(each_row(_parallel(pairs, select), rows)):
            kept[index] = film
        return tf.constant(kept)

    with tf.device("CPU"):
        return ClassificationExamples(
            read(None),
            tf.constant(label_maps),
            tf.constant(np.asarray(labels, np.int32)),
            patch_size,
            None if jpeg_seed is None else read(jpeg_seed),
        )
