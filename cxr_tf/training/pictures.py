"""Pictures of a training for TensorBoard."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from cxr_tf.drawing.confusion import draw_confusion
from cxr_tf.drawing.overlays import colour_saliency, draw_outlines
from cxr_tf.drawing.precision_recall import draw_precision_recall
from cxr_tf.drawing.roc import draw_roc
from cxr_tf.drawing.style import figure_pixels
from cxr_tf.runtime.provenance import NOTICE

Picture = npt.NDArray[np.uint8]


def in_colours(film: npt.NDArray[np.float32]) -> Picture:
    """Give a film three equal channels.

    Args:
        film: float32 [h, w] in 0..255.

    Returns:
        RGB uint8 [h, w, 3].
    """
    return np.repeat(film.astype(np.uint8)[..., None], 3, -1)


def outlined(film: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> Picture:
    """Draw the outlines of heart and lungs.

    Args:
        film: float32 [h, w] in 0..255.
        labels: label map of the whole frame, any size.

    Returns:
        RGB uint8 [h, w, 3].
    """
    picture = in_colours(film)
    draw_outlines(picture, labels)
    return picture


def covered(patch: npt.NDArray[np.float32], heat: npt.NDArray[np.float32]) -> Picture:
    """Lay a saliency map over a patch, on the fixed scale of `colour_saliency`.

    Args:
        patch: float32 [P, P] in 0..255.
        heat: float32 [P, P] in 0..1.

    Returns:
        RGB uint8 [P, P, 3].
    """
    colour, opacity = colour_saliency(heat)
    grey = np.repeat(patch[..., None], 3, -1)
    return (grey * (1 - opacity[..., None]) + colour * opacity[..., None]).astype(np.uint8)


def with_frames(
    film: npt.NDArray[np.float32],
    labels: npt.NDArray[np.uint8],
    centres: npt.NDArray[np.integer],
    patch_size: int,
) -> Picture:
    """Draw a film with the outlines of its masks and the frames of some patches, reduced to 512.

    Args:
        film: float32 [S, S] in 0..255.
        labels: label map of the whole frame, any size.
        centres: [n, 2]: row, column.
        patch_size: side of a patch, in pixels of the film.

    Returns:
        RGB uint8 [512, 512, 3].
    """
    side = 512
    small = cv2.resize(film, (side, side), interpolation=cv2.INTER_AREA)
    picture = outlined(small, labels)
    half, scale = patch_size // 2, side / len(film)
    for row, column in np.asarray(centres):
        first = (round((column - half) * scale), round((row - half) * scale))
        last = (round((column + half) * scale), round((row + half) * scale))
        cv2.rectangle(picture, first, last, (255, 210, 0), 1)
    return picture


def confusion_picture(confusion: npt.ArrayLike, classes: Sequence[str], what: str) -> Picture:
    """Draw a confusion matrix.

    Args:
        confusion: counts [C, C + 1], the last column without a decision.
        classes: C names.
        what: is counted, such as `validation films`.

    Returns:
        RGB uint8 [h, w, 3].
    """
    return figure_pixels(draw_confusion(confusion, classes, what, NOTICE))


def roc_picture(
    truth: npt.ArrayLike, probabilities: npt.ArrayLike, classes: Sequence[str], what: str
) -> Picture:
    """Draw the ROC curve of each class against the rest.

    Args:
        truth: integer [n], true classes.
        probabilities: float [n, C].
        classes: C names.
        what: is decided, such as `validation films`.

    Returns:
        RGB uint8 [h, w, 3].
    """
    return figure_pixels(draw_roc(truth, probabilities, classes, what, NOTICE))


def precision_recall_picture(
    truth: npt.ArrayLike, probabilities: npt.ArrayLike, classes: Sequence[str], what: str
) -> Picture:
    """Draw precision against recall of each class.

    Args:
        truth: integer [n], true classes.
        probabilities: float [n, C].
        classes: C names.
        what: is decided, such as `validation films`.

    Returns:
        RGB uint8 [h, w, 3].
    """
    return figure_pixels(draw_precision_recall(truth, probabilities, classes, what, NOTICE))
