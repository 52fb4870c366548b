"""Where in the lungs a saliency map lies: shares by zone (Eq. 5, Figs. 7 and 8; section V-A).

The paper says that its maps agree with what radiologists describe, such as a peripheral and lower
distribution of COVID-19. These shares say how much of a map lies where.
"""

import numpy as np
import numpy.typing as npt

from pipelines.labels import LEFT_LUNG, RIGHT_LUNG

HEIGHTS = ("upper", "middle", "lower")
DEPTHS = ("central", "peripheral")
SIDES = ("left", "right")
ZONES = (*HEIGHTS, *DEPTHS, *SIDES)

Bools = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.uint8]
Map = npt.NDArray[np.float32]


def zone_masks(labels: Labels) -> dict[str, Bools]:
    """Divide the lungs into zones, three times over.

    Args:
        labels: uint8 [H, W], 2 left lung, 3 right lung (the patient's), anything else no lung.

    Returns:
        bool [H, W] by name of `ZONES`; upper, middle and lower together are the lungs, so are
        central and peripheral, and left and right. The heights are thirds of each lung's own
        rows. In each row of a lung the half of its pixels that lies farther from the middle
        between both lungs (of the frame, where there is one lung only) is peripheral; the pixel
        in the middle of an odd number is central.
    """
    found = {name: np.zeros(labels.shape, bool) for name in ZONES}
    lungs = {"left": labels == LEFT_LUNG, "right": labels == RIGHT_LUNG}
    present = {side: lung for side, lung in lungs.items() if lung.any()}
    centres = [np.flatnonzero(lung.any(axis=0))[[0, -1]].mean() for lung in present.values()]
    middle = float(np.mean(centres)) if len(centres) == 2 else (labels.shape[1] - 1) / 2
    for side, lung in present.items():
        found[side] = lung
        rows = np.flatnonzero(lung.any(axis=1))
        height = np.arange(labels.shape[0]) - rows[0]
        third = np.clip(3 * height // (rows[-1] - rows[0] + 1), 0, 2)
        for index, name in enumerate(HEIGHTS):
            found[name] |= lung & (third == index)[:, None]
        place = np.flatnonzero(lung.any(axis=0))[[0, -1]].mean()
        ordered = lung if place >= middle else lung[:, ::-1]  # from the middle outwards
        count = ordered.sum(axis=1, keepdims=True)
        outer = ordered & (np.cumsum(ordered, axis=1) > (count + 1) // 2)
        outer = outer if place >= middle else outer[:, ::-1]
        found["peripheral"] |= outer
        found["central"] |= lung & ~outer
    return found


def area_shares(labels: Labels) -> dict[str, float]:
    """Return each zone's share of the lungs: what an even map would give.

    Args:
        labels: uint8 [H, W], see `zone_masks`.

    Returns:
        Shares by name of `ZONES`, nan without lungs; and `lungs`, the lungs' share of the frame.
    """
    return map_shares(np.ones(labels.shape, np.float32), labels)


def map_shares(saliency: Map, labels: Labels) -> dict[str, float]:
    """Return how much of a map lies in the lungs, and how much of that in each zone.

    Args:
        saliency: float32 [H, W], not negative, such as Eq. 5 of one class.
        labels: uint8 [H, W], see `zone_masks`.

    Returns:
        `lungs`: the share of the map's sum inside the lungs, nan for a map of zeros. By name of
        `ZONES`: the share of the sum inside the lungs that lies in the zone, nan where the map is
        zero in the lungs.

    Raises:
        ValueError: if the shapes differ.
    """
    if saliency.shape != labels.shape:
        raise ValueError(f"a map {saliency.shape} and labels {labels.shape} of different shape")
    zones = zone_masks(labels)
    total = float(saliency.sum(dtype=np.float64))
    inside = float(saliency[zones["left"] | zones["right"]].sum(dtype=np.float64))
    shares = {"lungs": inside / total if total > 0 else float("nan")}
    for name, zone in zones.items():
        part = float(saliency[zone].sum(dtype=np.float64))
        shares[name] = part / inside if inside > 0 else float("nan")
    return shares
