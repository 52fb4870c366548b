"""Masks that cannot belong to their film: another shape, empty, swapped, or out of place."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]

#: Of the frame: no organ fills more, so a mask that does has its polarity turned.
_MOST = 0.8
#: Of the union mask and of both lungs together, at least this much is common to both.
_LEAST_COMMON = 0.8


def misfits(shape: tuple[int, int], masks: Mapping[str, Mask]) -> Iterator[str]:
    """Find the masks of one film that do not fit it, or each other.

    A mask may have another size than its film as long as the aspect is the same, up to one
    pixel of the smaller of the two.

    Args:
        shape: height and width of the film.
        masks: bool [h, w] by `heart`, `left_lung`, `right_lung`, `lung` (both lungs in one);
            left and right are the patient's: the left lung lies on the right of the picture.

    Yields:
        One line a fault, without the file's name.
    """
    usable = {}
    for name, mask in masks.items():
        share = float(mask.mean()) if mask.size else 0.0
        if not _same_aspect(shape, (mask.shape[0], mask.shape[1])):
            yield (
                f"{name} mask of {mask.shape[1]} x {mask.shape[0]} pixels does not fit the film "
                f"of {shape[1]} x {shape[0]}; take the film's own mask"
            )
        elif share == 0.0:
            yield f"{name} mask is empty; draw it or remove it from the manifest"
        elif share > _MOST:
            yield f"{name} mask fills {share:.0%} of the film; turn its polarity"
        else:
            usable[name] = mask
    left, right = usable.get("left_lung"), usable.get("right_lung")
    if left is None or right is None:
        return
    if _centre(left)[1] <= _centre(right)[1]:
        yield (
            "left lung lies left of the right lung in the picture; swap the masks "
            "(left is the patient's) or turn the film"
        )
    if "heart" in usable and not _within(_centre(usable["heart"]), (left, right)):
        yield "heart lies outside the box around both lungs; take the film's own mask"
    if "lung" in usable and usable["lung"].shape == left.shape == right.shape:
        both, union = left | right, usable["lung"]
        common = float((both & union).sum() / (both | union).sum())
        if common < _LEAST_COMMON:
            yield (
                f"lung mask and the masks of both lungs have only {common:.0%} in common; "
                "take those of one film"
            )


def _same_aspect(film: tuple[int, int], mask: tuple[int, int]) -> bool:
    if 0 in film or 0 in mask:
        return False
    return abs(film[0] * mask[1] - film[1] * mask[0]) <= max(*film, *mask)


def _centre(mask: Mask) -> tuple[float, float]:
    """Row and column of the centre, in 0..1 of the frame."""
    rows, columns = np.nonzero(mask)
    return float((rows.mean() + 0.5) / mask.shape[0]), float((columns.mean() + 0.5) / mask.shape[1])


def _within(point: tuple[float, float], masks: tuple[Mask, ...]) -> bool:
    """Whether a point lies in the box around some masks."""
    for axis in (0, 1):
        ends: list[float] = []
        for mask in masks:
            hit = np.flatnonzero(mask.any(axis=1 - axis))
            ends += [hit[0] / mask.shape[axis], (hit[-1] + 1) / mask.shape[axis]]
        if not min(ends) <= point[axis] <= max(ends):
            return False
    return True
