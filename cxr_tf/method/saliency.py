"""Probabilistic Grad-CAM (section II-C, Eq. 3 to 5), and Grad-CAM of a whole film.

Every step is linear in the small maps of the last convolution, so that the sum of Eq. 5 over all
patches is one product of matrices a class: rows of a patch's bilinear enlargement, placed where
the patch lies, times its map, times the columns.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tensorflow as tf


def gradient_weights(
    head: Callable[[tf.Tensor], tf.Tensor], features: tf.Tensor, classes: int
) -> tf.Tensor:
    """Weight of each channel for each class: the mean gradient of the class score (Eq. 4).

    Args:
        head: from the last feature map, float32 [n, u, v, k], to scores before the softmax,
            float32 [n, classes].
        features: float32 [n, u, v, k].
        classes: number of classes.

    Returns:
        float32 [n, classes, k].
    """
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(features)
        scores = head(features)
        columns = [scores[:, index] for index in range(classes)]
    gradients = [tape.gradient(column, features) for column in columns]
    return tf.stack([tf.reduce_mean(gradient, [1, 2]) for gradient in gradients], 1)


def grad_cam(features: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Compute the maps of the last convolution before they are enlarged (Eq. 3).

    Args:
        features: float32 [n, u, v, k].
        weights: alpha, float32 [n, classes, k].

    Returns:
        float32 [n, classes, u, v], not negative.
    """
    return tf.nn.relu(tf.einsum("nuvk,nck->ncuv", features, weights))


def enlargement(small: int, large: int) -> tf.Tensor:
    """Make the matrix of bilinear enlargement along one axis (UP of Eq. 3).

    Args:
        small: length before.
        large: length after.

    Returns:
        float32 [large, small].
    """
    identity = tf.eye(small)[:, :, None]
    return tf.image.resize(identity, [large, small], method="bilinear")[:, :, 0]


def corners(small: int, large: int) -> npt.NDArray[np.intp]:
    """Find the first and last samples of an enlargement between two pixels of the small map.

    Between four pixels a bilinear map is highest at a corner, so its maximum is among these.

    Args:
        small: length before.
        large: length after.

    Returns:
        Indices into the large axis, in order.
    """
    cells = np.floor((np.arange(large) + 0.5) * small / large - 0.5)
    changes = np.flatnonzero(np.diff(cells))
    return np.unique([0, *changes, *(changes + 1), large - 1])


def normalised(maps: tf.Tensor, size: int) -> tf.Tensor:
    """Divide maps by the maximum that they reach once enlarged; a map of zeros stays (0/0 = 0).

    Args:
        maps: float32 [n, classes, u, v], not negative.
        size: side of a patch in pixels.

    Returns:
        float32 [n, classes, u, v], still small; enlarged, each lies in [0, 1].
    """
    rows, columns = (
        tf.gather(enlargement(small, size), corners(small, size)) for small in maps.shape[2:]
    )
    enlarged = tf.einsum("yu,ncuv,xv->ncyx", rows, maps, columns)
    highest = tf.reduce_max(enlarged, [2, 3], keepdims=True)
    return tf.math.divide_no_nan(maps, highest)


def _placed(matrix: tf.Tensor, starts: tf.Tensor, length: int) -> tf.Tensor:
    """Shift an enlargement to each patch's place: float32 [n, length, small]."""
    size = matrix.shape[0]
    padded = tf.pad(matrix, [[1, 1], [0, 0]])
    offsets = tf.range(length)[None, :] - starts[:, None]
    return tf.gather(padded, tf.clip_by_value(offsets, -1, size) + 1)


def probabilistic_grad_cam(
    maps: tf.Tensor,
    probabilities: tf.Tensor,
    centres: tf.Tensor,
    used: tf.Tensor,
    patch_size: int,
    film_size: int,
) -> tf.Tensor:
    """Average probability times map over the patches that cover a pixel (Eq. 5).

    Args:
        maps: normalised maps, float32 [K, classes, u, v].
        probabilities: softmax of each patch, float32 [K, classes]; ones leave the weight out.
        centres: int32 [K, 2]: row, column.
        used: bool [K], which patches count.
        patch_size: side of a patch in pixels.
        film_size: side of the film in pixels.

    Returns:
        float32 [classes, film_size, film_size] in [0, 1]; zero where no patch lies.
    """
    _, classes, height, width = maps.shape
    starts = centres - patch_size // 2
    rows = _placed(enlargement(height, patch_size), starts[:, 0], film_size)
    columns = _placed(enlargement(width, patch_size), starts[:, 1], film_size)
    weight = tf.where(used[:, None], probabilities, 0.0)
    weighted = maps * weight[:, :, None, None]
    left = tf.reshape(tf.transpose(rows, [1, 0, 2]), [film_size, -1])
    sums = []
    for index in range(classes):
        right = tf.einsum("kuv,kxv->kux", weighted[:, index], columns)
        sums.append(tf.matmul(left, tf.reshape(right, [-1, film_size])))
    cover = _cover(starts, used, patch_size, film_size)
    return tf.clip_by_value(tf.math.divide_no_nan(tf.stack(sums), cover), 0.0, 1.0)


def _cover(starts: tf.Tensor, used: tf.Tensor, patch_size: int, film_size: int) -> tf.Tensor:
    """Count the patches over each pixel: float32 [film_size, film_size]."""
    offsets = tf.range(film_size)[None, None, :] - starts[:, :, None]
    within = tf.cast((offsets >= 0) & (offsets < patch_size), tf.float32)
    return tf.matmul(
        within[:, 0] * tf.cast(used, tf.float32)[:, None], within[:, 1], transpose_a=True
    )


def reduce_by_area(saliency: tf.Tensor, size: int) -> tf.Tensor:
    """Reduce maps by the mean over blocks.

    Args:
        saliency: float32 [classes, S, S], S a multiple of `size`.
        size: side of the result.

    Returns:
        float32 [classes, size, size].
    """
    block = saliency.shape[1] // size
    pooled = tf.nn.avg_pool2d(saliency[..., None], block, block, "VALID")
    return pooled[..., 0]


def placed_enlargement(small: int, large: int, start: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """Make the matrix of bilinear enlargement along one axis to a part of it, zero beside that.

    Args:
        small: length before.
        large: length of the axis.
        start: float32 scalar, where the part begins on the axis.
        length: float32 scalar, of the part.

    Returns:
        float32 [large, small]; that of `enlargement` where the part is the whole axis.
    """
    share = (tf.range(large, dtype=tf.float32) + 0.5 - start) / length
    place = tf.clip_by_value(share * small - 0.5, 0.0, small - 1.0)
    weights = tf.nn.relu(1.0 - tf.abs(place[:, None] - tf.range(small, dtype=tf.float32)))
    return tf.where(((share >= 0.0) & (share <= 1.0))[:, None], weights, 0.0)


def global_grad_cam(maps: tf.Tensor, size: int, square: tf.Tensor | None = None) -> tf.Tensor:
    """Compute Grad-CAM of a whole film, the baseline of Fig. 7.

    Args:
        maps: normalised maps, float32 [1, classes, u, v].
        size: side of the result.
        square: float32 [3], first row, first column and side, in pixels of the result, of the part
            of the film that the maps are of; None for all of it.

    Returns:
        float32 [classes, size, size] in [0, 1].
    """
    _, _, height, width = maps.shape
    if square is None:
        rows, columns = enlargement(height, size), enlargement(width, size)
    else:
        top, left, side = tf.unstack(square)
        rows = placed_enlargement(height, size, top, side)
        columns = placed_enlargement(width, size, left, side)
    enlarged = tf.einsum("yu,cuv,xv->cyx", rows, maps[0], columns)
    return tf.clip_by_value(enlarged, 0.0, 1.0)
