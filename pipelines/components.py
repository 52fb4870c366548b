"""Connected components of label maps, in the graph, and label maps without scraps and holes."""

import tensorflow as tf

from pipelines.labels import BACKGROUND, LABELS


def components(labels: tf.Tensor) -> tf.Tensor:
    """Name the regions of equal label whose pixels meet at their sides.

    Runs of equal labels along the rows are numbered in reading order; a name is a run's number. In
    each round two runs that meet pass the higher of their names to each other and to the runs that
    bear their names, and every run then takes the name that its namesake has. Ten rounds are enough
    for a lung, as ways are halved in each.

    Args:
        labels: integers [H, W], not empty.

    Returns:
        int32 [H, W]: the same number throughout a region, another one in every other; below
        H * W, not consecutive. A region that ends later in reading order has a higher one.
    """
    starts = tf.pad(labels[:, 1:] != labels[:, :-1], [[0, 0], [1, 0]], constant_values=True)
    runs = tf.cumsum(tf.reshape(tf.cast(starts, tf.int32), [-1])) - 1
    # Two runs meet wherever their labels do. Where one of them begins is enough for each pair.
    meet = (labels[1:] == labels[:-1]) & (starts[1:] | starts[:-1])
    upper = tf.cast(tf.where(tf.reshape(meet, [-1]))[:, 0], tf.int32)
    pairs = tf.stack([tf.gather(runs, upper), tf.gather(runs, upper + tf.shape(labels)[1])])
    count = runs[-1] + 1

    def step(names: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        own = tf.gather(names, pairs)
        named = tf.concat([pairs, own], 0)
        higher = tf.broadcast_to(tf.reduce_max(own, 0), tf.shape(named))
        found = tf.maximum(names, tf.math.unsorted_segment_max(higher, named, count))
        found = tf.gather(found, found)
        return found, tf.reduce_any(found != names)

    names, _ = tf.while_loop(lambda _, changed: changed, step, (tf.range(count), tf.constant(True)))
    return tf.ensure_shape(tf.reshape(tf.gather(names, runs), tf.shape(labels)), labels.shape)


def largest_components(labels: tf.Tensor) -> tf.Tensor:
    """Leave of every part but the background the largest region; the rest becomes background.

    Args:
        labels: uint8 [H, W], a label map.

    Returns:
        uint8 [H, W]. Of regions of one size the one that ends last in reading order stays.
    """
    names = components(labels)
    count = tf.size(names)
    sizes = tf.math.bincount(tf.reshape(names, [-1]), minlength=count, maxlength=count)
    size = tf.gather(sizes, names)
    clean = tf.zeros_like(labels)
    for part in range(BACKGROUND + 1, len(LABELS)):
        of_part = labels == part
        largest = of_part & (size == tf.reduce_max(tf.where(of_part, size, 0)))
        kept = largest & (names == tf.reduce_max(tf.where(largest, names, -1)))
        clean = tf.where(kept, labels, clean)
    return clean


def fill_holes(labels: tf.Tensor) -> tf.Tensor:
    """Give a background region that one part alone encloses to that part.

    Background between two parts, such as heart and lung, is no hole.

    Args:
        labels: uint8 [H, W], a label map.

    Returns:
        uint8 [H, W].
    """
    outside = len(LABELS)  # a frame that counts as one more part: what touches it stays
    framed = tf.pad(tf.cast(labels, tf.int32), [[1, 1], [1, 1]], constant_values=outside)
    names = components(framed)
    nearest = tf.cast(tf.where(framed == BACKGROUND, outside + 1, framed), tf.float32)
    highest = tf.cast(tf.where(framed == BACKGROUND, -1, framed), tf.float32)
    count = tf.size(names)
    flat = tf.reshape(names, [-1])
    low = tf.math.unsorted_segment_min(tf.reshape(-_around(-nearest), [-1]), flat, count)
    high = tf.math.unsorted_segment_max(tf.reshape(_around(highest), [-1]), flat, count)
    low, high = tf.gather(low, names), tf.gather(high, names)
    hole = (framed == BACKGROUND) & (low == high) & (high < outside)
    found = tf.where(hole, tf.cast(high, tf.int32), framed)[1:-1, 1:-1]
    return tf.ensure_shape(tf.cast(found, tf.uint8), labels.shape)


def _around(values: tf.Tensor) -> tf.Tensor:
    """Highest value among each pixel and the four at its sides, float32 [H, W]."""
    image = values[None, :, :, None]
    along = tf.nn.max_pool2d(image, [1, 3], 1, "SAME")
    return tf.maximum(along, tf.nn.max_pool2d(image, [3, 1], 1, "SAME"))[0, :, :, 0]


def clean_labels(labels: tf.Tensor) -> tf.Tensor:
    """Leave of heart and of each lung the largest region, and fill its holes.

    Args:
        labels: uint8 [H, W], a label map.

    Returns:
        uint8 [H, W].
    """
    return fill_holes(largest_components(labels))
