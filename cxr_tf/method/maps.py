"""The maps of a film's patches: Grad-CAM of each patch, and one saliency map of the film."""

from collections.abc import Callable

import tensorflow as tf

from cxr_tf.method.saliency import (
    global_grad_cam,
    grad_cam,
    gradient_weights,
    normalised,
    probabilistic_grad_cam,
    reduce_by_area,
)
from cxr_tf.method.triage_options import TriageOptions
from pipelines.sizes import SEGMENTATION_SIZE
from pipelines.windows import windows_of


class Maps:
    """Makes the maps of one model's patches."""

    def __init__(self, options: TriageOptions, head: Callable[[tf.Tensor], tf.Tensor], side: int):
        """Take what the maps depend on.

        Args:
            options: how the films are prepared.
            head: from the last feature map to the scores before the softmax.
            side: of the feature map of a patch.
        """
        self._head = head
        self._whole = options.approach == "global"
        self._size, self._film_size = options.patch_size, options.film_size
        self._classes = len(options.classes)
        #: Shape of the maps of one patch.
        self.shape = [self._classes, side, side]

    def of_patches(self, features: tf.Tensor) -> tf.Tensor:
        """Make the maps of some patches (Eq. 3 and 4), each divided by its maximum.

        Args:
            features: float32 [n, u, v, k], the last feature map.

        Returns:
            float32 [n, C, u, v] in 0..1.
        """
        weights = gradient_weights(self._head, features, self._classes)
        return normalised(grad_cam(features, weights), self._size)

    def of_film(
        self,
        maps: tf.Tensor,
        probabilities: tf.Tensor,
        centres: tf.Tensor,
        used: tf.Tensor,
        square: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Join the maps of a film's patches to one a class (Eq. 5).

        Args:
            maps: float32 [K, C, u, v], of `of_patches`.
            probabilities: float32 [K, C], the weight of each map.
            centres: int32 [K, 2], row and column in pixels of the film.
            used: bool [K], the patches that count.
            square: int32 [3], the part of the film that was looked at as a whole, see
                `lung_square`; None for patches, or all of it.

        Returns:
            float32 [C, 256, 256] in 0..1.
        """
        if self._whole:
            if square is not None:
                square = tf.cast(square, tf.float32) * (SEGMENTATION_SIZE / self._film_size)
            return global_grad_cam(maps, SEGMENTATION_SIZE, square)
        large = probabilistic_grad_cam(
            maps, probabilities, centres, used, self._size, self._film_size
        )
        return reduce_by_area(large, SEGMENTATION_SIZE)

    def of_windows(self, features: tf.Tensor, cells: tf.Tensor) -> tf.Tensor:
        """Make the maps of some windows of one feature map (Eq. 3 and 4), as `of_patches`.

        The head is linear, so the weights of Eq. 4 are the same for every window: they are made for
        one window, and the map of Eq. 3 is made once for all of them.

        Args:
            features: float32 [U, V, k].
            cells: int32 [n, 2], row and column of each window's first cell.

        Returns:
            float32 [n, C, u, v] in 0..1.
        """
        _, side, _ = self.shape
        weights = gradient_weights(self._head, features[None, :side, :side], self._classes)
        large = tf.transpose(grad_cam(features[None], weights)[0], [1, 2, 0])
        maps = tf.transpose(windows_of(large, cells, side), [0, 3, 1, 2])
        return normalised(maps, self._size)

    def of_windowed_film(
        self, maps: tf.Tensor, probabilities: tf.Tensor, centres: tf.Tensor
    ) -> tf.Tensor:
        """Join the maps of a film's windows to one a class (Eq. 5), as `of_film`.

        Edges of patches and bends of their maps lie at multiples of half the stride, so that the
        mean over blocks is the map that is made at the smaller size: of a film of 1024 x 1024, a
        sixteenth of the work.

        Args:
            maps: float32 [n, C, u, v], of `of_windows`.
            probabilities: float32 [n, C], the weight of each map.
            centres: int32 [n, 2], row and column on the film, multiples of the stride.

        Returns:
            float32 [C, 256, 256] in 0..1.
        """
        block = self._film_size // SEGMENTATION_SIZE
        used = tf.ones(tf.shape(centres)[:1], tf.bool)
        return probabilistic_grad_cam(
            maps, probabilities, centres // block, used, self._size // block, SEGMENTATION_SIZE
        )
