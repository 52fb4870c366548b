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

#: Pixels of a patch for one of the classifier's last feature map.
_STRIDE = 32


class Maps:
    """Makes the maps of one model's patches."""

    def __init__(self, options: TriageOptions, head: Callable[[tf.Tensor], tf.Tensor]):
        """Take what the maps depend on.

        Args:
            options: how the films are prepared.
            head: from the last feature map to the scores before the softmax.
        """
        self._head = head
        self._local = options.approach == "local"
        self._size, self._film_size = options.patch_size, options.film_size
        self._classes = len(options.classes)
        side = -(-self._size // _STRIDE)
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
        self, maps: tf.Tensor, probabilities: tf.Tensor, centres: tf.Tensor, used: tf.Tensor
    ) -> tf.Tensor:
        """Join the maps of a film's patches to one a class (Eq. 5).

        Args:
            maps: float32 [K, C, u, v], of `of_patches`.
            probabilities: float32 [K, C], the weight of each map.
            centres: int32 [K, 2], row and column in pixels of the film.
            used: bool [K], the patches that count.

        Returns:
            float32 [C, 256, 256] in 0..1.
        """
        if not self._local:
            return global_grad_cam(maps, SEGMENTATION_SIZE)
        large = probabilistic_grad_cam(
            maps, probabilities, centres, used, self._size, self._film_size
        )
        return reduce_by_area(large, SEGMENTATION_SIZE)
