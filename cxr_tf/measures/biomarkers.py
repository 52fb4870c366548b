"""Imaging biomarkers of one film from its label map (section III-B)."""

from dataclasses import dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt

from cxr_tf.measures.metrics import Bools, Floats
from cxr_tf.measures.under_segmentation import under_segmentation
from pipelines.labels import HEART, LEFT_LUNG, RIGHT_LUNG

#: Why a figure is missing.
NO_HEART = "no heart"
NO_LEFT_LUNG, NO_RIGHT_LUNG = "no left lung", "no right lung"

Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Line:
    """A horizontal line measured on a label map, both ends included.

    Attributes:
        row: where it is drawn: the mean row of the outermost pixels.
        first: its leftmost column.
        last: its rightmost column.
    """

    row: int
    first: int
    last: int

    @property
    def length(self) -> int:
        """Pixels from end to end: last - first + 1."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Biomarkers:
    """The biomarkers of one film; NaN where a part is missing, and `reason` says which.

    Attributes:
        lung_mean: mean of g / 255 over the lungs' pixels, 0..1 (Table VI).
        lung_sd: their standard deviation (Tables VII and VIII).
        heart_mean: mean of g / 255 over the heart's pixels, 0..1 (Fig. 11).
        cardiothoracic_ratio: the heart's width over the thorax's (Table IX).
        heart_width: pixels of the frame's 256.
        thorax_width: pixels of the frame's 256.
        heart_area: share of the frame.
        left_lung_area: share of the frame; the patient's left.
        right_lung_area: share of the frame.
        asymmetry: (right - left) / (right + left) of the lungs' areas, -1..1.
        under_segmentation: share of the lungs that the map probably misses, 0..1.
        reason: the parts that are missing, '' where none is.
    """

    lung_mean: float
    lung_sd: float
    heart_mean: float
    cardiothoracic_ratio: float
    heart_width: float
    thorax_width: float
    heart_area: float
    left_lung_area: float
    right_lung_area: float
    asymmetry: float
    under_segmentation: float
    reason: str


#: The figures of `Biomarkers`, in order.
FIGURES = tuple(field.name for field in fields(Biomarkers) if field.name != "reason")


def largest_component(mask: Bools) -> Bools:
    """Keep the largest region of a mask whose pixels meet at their sides.

    Args:
        mask: bool [H, W].

    Returns:
        bool [H, W], empty where the mask is.
    """
    count, names, table, _ = cv2.connectedComponentsWithStats(
        np.asarray(mask, np.uint8), connectivity=4
    )
    if count < 2:
        return np.zeros(mask.shape, bool)
    return np.asarray(names == 1 + int(np.argmax(table[1:, cv2.CC_STAT_AREA])))


def widest(mask: Bools) -> Line | None:
    """Measure a mask from its leftmost to its rightmost pixel.

    Args:
        mask: bool [H, W].

    Returns:
        The line, None where the mask is empty.
    """
    columns = np.flatnonzero(mask.any(axis=0))
    if not columns.size:
        return None
    ends = [float(np.flatnonzero(mask[:, column]).mean()) for column in columns[[0, -1]]]
    return Line(round(sum(ends) / 2), int(columns[0]), int(columns[-1]))


def cardiothoracic_lines(labels: Labels) -> tuple[Line | None, Line | None]:
    """Find the two lines whose quotient is the cardiothoracic ratio (Fig. 2a).

    Args:
        labels: uint8 [H, W]: 0 background, 1 heart, 2 left lung, 3 right lung.

    Returns:
        The heart's, over its largest component, and the thorax's, over the largest component of
        each lung together; None where the heart, or either lung, is missing.
    """
    left, right = (largest_component(labels == part) for part in (LEFT_LUNG, RIGHT_LUNG))
    thorax = widest(left | right) if left.any() and right.any() else None
    return widest(largest_component(labels == HEART)), thorax


def biomarkers(film: npt.NDArray[np.floating], labels: Labels) -> Biomarkers:
    """Compute the biomarkers of one film.

    Args:
        film: float [H, W], the normalised film, 0..255.
        labels: uint8 [H, W], its label map.

    Returns:
        The biomarkers.

    Raises:
        ValueError: film and label map differ in shape.
    """
    if film.shape != labels.shape:
        raise ValueError(f"film {film.shape} and label map {labels.shape} differ in shape")
    nan = float("nan")
    heart, left, right = (labels == part for part in (HEART, LEFT_LUNG, RIGHT_LUNG))
    parts = ((heart, NO_HEART), (left, NO_LEFT_LUNG), (right, NO_RIGHT_LUNG))
    values: Floats = np.asarray(film, np.float64)[left | right] / 255.0
    of_heart: Floats = np.asarray(film, np.float64)[heart] / 255.0
    heart_area, left_area, right_area = (float(mask.mean()) for mask, _ in parts)
    both = left_area + right_area
    heart_line, thorax_line = cardiothoracic_lines(labels)
    heart_width = float(heart_line.length) if heart_line else nan
    thorax_width = float(thorax_line.length) if thorax_line else nan
    return Biomarkers(
        lung_mean=float(values.mean()) if values.size else nan,
        lung_sd=float(values.std()) if values.size else nan,
        heart_mean=float(of_heart.mean()) if of_heart.size else nan,
        cardiothoracic_ratio=heart_width / thorax_width,
        heart_width=heart_width,
        thorax_width=thorax_width,
        heart_area=heart_area,
        left_lung_area=left_area,
        right_lung_area=right_area,
        asymmetry=(right_area - left_area) / both if both else nan,
        under_segmentation=under_segmentation(labels),
        reason=", ".join(reason for mask, reason in parts if not mask.any()),
    )
