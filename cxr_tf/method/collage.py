"""Two or more films in one picture, found on its seams by the segmentation and the gate."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from pipelines.labels import LEFT_LUNG, RIGHT_LUNG
from pipelines.normalise import NO_PADDING, normalise
from pipelines.seams import AROUND, MIDDLE, SHARP, SIZE
from pipelines.sizes import CLASSIFICATION_SIZE

#: Why a picture is refused; the gap says how its films lie.
REASON = (
    "two or more films in one picture, {}: give each in a file of its own, or ask without the gate "
    "(--no-gate, gate=False) where it is one film"
)
#: How the films may lie, the likeliest first.
WAYS = ("in rows and columns", "side by side", "one above the other")
#: Share of a part that each lung fills, at least: blank strips have a high score but no lungs.
LEAST_LUNG = 0.02


class Seam(NamedTuple):
    """A line across the whole picture.

    Attributes:
        place: int32 scalar, the column at 1024 x 1024 where the second part begins.
        sharp: bool scalar, whether it stands out enough.
    """

    place: tf.Tensor
    sharp: tf.Tensor


def find_seam(ranks: tf.Tensor) -> Seam:
    """Find the column that stands out most as a step over the full height.

    Args:
        ranks: float32 [256, 256] in 0..255, equalised.
    """
    steps = tf.reduce_mean(tf.abs(ranks[:, 1:] - ranks[:, :-1]), 0)
    ends = [tf.repeat(steps[:1], AROUND), steps, tf.repeat(steps[-1:], AROUND)]
    around = tf.signal.frame(tf.concat(ends, 0), 2 * AROUND + 1, 1)
    sharpness = steps / (tf.sort(around, axis=1)[:, AROUND] + 0.5)
    first, last = (int(share * (SIZE - 1)) for share in MIDDLE)
    place = first + tf.argmax(sharpness[first:last], output_type=tf.int32)
    scale = CLASSIFICATION_SIZE // SIZE
    return Seam((place + 1) * scale, sharpness[place] >= SHARP)


def collage_way(large: tf.Tensor, equalised: bool, is_chest: Callable[[tf.Tensor], tf.Tensor],
                size: int) -> tf.Tensor:  # fmt: skip
    """Tell how the films of a picture lie, where two parts of it pass as chest films.

    Only a picture with a straight line from edge to edge is looked at closer.

    Args:
        large: float32 [S, S] in 0..255, the normalised film; S is a multiple of 256.
        equalised: whether its levels are ranks under gamma, as `normalise` makes them.
        is_chest: from a part, float32 [size, size] in 0..255 and normalised by itself, to whether
            it is a chest film, bool scalar.
        size: side of the film that the segmentation sees.

    Returns:
        int32 scalar, index into `WAYS`; -1 for a single film.
    """
    ranks = large * large / 255.0 if equalised else large
    side = large.shape[0]
    scale = side // SIZE
    small = tf.nn.avg_pool2d(ranks[None, :, :, None], scale, scale, "VALID")[0, :, :, 0]
    row, column = find_seam(tf.transpose(small)), find_seam(small)

    def chests(top: tf.Tensor, bottom: tf.Tensor, left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
        part = tf.cast(tf.round(ranks[top:bottom, left:right] * 257.0), tf.uint16)
        (film,), constant = normalise(part, NO_PADDING, (size,), None, equalised)
        return tf.cond(constant, lambda: tf.constant(False), lambda: is_chest(film))

    def either_side(seam: Seam) -> list[tuple[tf.Tensor, tf.Tensor]]:
        place = seam.place * side // CLASSIFICATION_SIZE
        return [(tf.constant(0), place), (place, tf.constant(side))]

    all_of_it = [(tf.constant(0), tf.constant(side))]
    ways = [
        (row.sharp & column.sharp, either_side(row), either_side(column)),
        (column.sharp, all_of_it, either_side(column)),
        (row.sharp, either_side(row), all_of_it),
    ]
    parts = [(way, [*x, *y]) for way, (_, rows, columns) in enumerate(ways) for x in rows
             for y in columns]  # fmt: skip
    sharp = tf.stack([each for each, _, _ in ways])

    def counted(counts: tf.Tensor, part: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        way, box = part
        told = tf.reduce_any(counts[: way + 1] >= 2)  # no further part can change the answer
        found = tf.cond(
            sharp[way] & ~told, lambda: chests(*tf.unstack(box)), lambda: tf.constant(False)
        )
        return counts + tf.one_hot(way, len(ways), tf.cast(found, tf.int32), dtype=tf.int32)

    # A loop, so that the graph holds the segmentation once for all of the parts.
    boxes = tf.constant([way for way, _ in parts]), tf.stack([tf.stack(box) for _, box in parts])
    some = tf.foldl(counted, boxes, tf.zeros(len(ways), tf.int32), parallel_iterations=1) >= 2
    return tf.where(tf.reduce_any(some), tf.argmax(some, output_type=tf.int32), -1)


def has_lungs(labels: tf.Tensor) -> tf.Tensor:
    """Tell whether both lungs fill enough of a label map.

    Args:
        labels: uint8 [256, 256].

    Returns:
        bool scalar.
    """
    shares = [
        tf.reduce_mean(tf.cast(labels == label, tf.float32)) for label in (LEFT_LUNG, RIGHT_LUNG)
    ]
    return tf.reduce_min(tf.stack(shares)) >= LEAST_LUNG
