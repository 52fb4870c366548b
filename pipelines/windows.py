"""The patches of the dense vote: windows of one feature map, and the part of a film that it needs.

ResNet-18 with torchvision's padding has a cell of its last feature map for every s = 32 pixels (16
behind its third stage), and the cell (u, v) of a picture looks at it around pixel (s u, s v). So
what the network makes of a patch that begins at a multiple of s of the picture is a window of what
it makes of the picture, but for the border: it has zeros around a patch, and the neighbourhood
around a window.
"""

from typing import NamedTuple

import tensorflow as tf

from pipelines.masks import middle_pixel


class WindowedFilm(NamedTuple):
    """What the network must see of a film, and where its windows are.

    Attributes:
        box: float32 [H, W], the smallest rectangle that holds every patch, less the rings left out;
            sides are multiples of the stride.
        centres: int32 [n, 2], row and column of each patch on the film.
        cells: int32 [n, 2], row and column of each window's first cell on the feature map of the
            whole rectangle.
    """

    box: tf.Tensor
    centres: tf.Tensor
    cells: tf.Tensor


def window_centres(lung_mask: tf.Tensor, stride: int) -> tf.Tensor:
    """Find the places of the grid of the network's stride that lie on a lung.

    Where none does, the place that is nearest to the lung pixel in the middle stands in for them.

    Args:
        lung_mask: bool [H, W] with at least one true pixel; sides are multiples of the stride.
        stride: pixels for a cell of the network's last feature map.

    Returns:
        int32 [n, 2]: row, column, multiples of the stride in row-major order.
    """
    places = tf.where(lung_mask[::stride, ::stride])

    def nearest() -> tf.Tensor:
        last = tf.shape(lung_mask, tf.int64) // stride - 1
        place = (middle_pixel(lung_mask) + stride // 2) // stride
        return tf.minimum(place, last)[None]

    found = tf.cond(tf.shape(places)[0] > 0, lambda: places, nearest)
    return tf.ensure_shape(tf.cast(found, tf.int32) * stride, [None, 2])


def windowed_film(
    film: tf.Tensor, centres: tf.Tensor, size: int, stride: int, left_out: int = 0
) -> WindowedFilm:
    """Cut what the windows of a film need, zero outside the film.

    Args:
        film: float32 [H, W], what the network may see.
        centres: int32 [n, 2] of `window_centres`, n >= 1.
        size: side of a patch in pixels, a multiple of the stride: a patch is
            `[c - size/2, c + size/2)`.
        stride: of `window_centres`.
        left_out: rings of cells that are left out around the rectangle, fewer than half of a
            patch has.
    """
    first, last = tf.reduce_min(centres, 0), tf.reduce_max(centres, 0)
    margin = size // 2 - left_out * stride
    padded = tf.pad(film, [[margin, margin], [margin, margin]])
    box = tf.slice(padded, first, last - first + 2 * margin)
    return WindowedFilm(box, centres, (centres - first) // stride)


def window_means(values: tf.Tensor, cells: tf.Tensor, side: int) -> tf.Tensor:
    """Average a map over windows.

    Args:
        values: float32 [U, V, k].
        cells: int32 [n, 2], row and column of each window's first cell.
        side: cells of a window along each axis.

    Returns:
        float32 [n, k].
    """
    means = tf.nn.avg_pool2d(values[None], side, 1, "VALID")[0]
    return tf.gather_nd(means, cells)


def windows_of(values: tf.Tensor, cells: tf.Tensor, side: int) -> tf.Tensor:
    """Cut windows out of a map.

    Args:
        values: float32 [U, V, k].
        cells: int32 [n, 2], row and column of each window's first cell.
        side: cells of a window along each axis.

    Returns:
        float32 [n, side, side, k].
    """
    steps = tf.stack(tf.meshgrid(tf.range(side), tf.range(side), indexing="ij"), -1)
    return tf.gather_nd(values, cells[:, None, None] + steps)
