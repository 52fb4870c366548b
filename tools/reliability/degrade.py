"""Films made worse in memory, with their masks moved alike: masks of every quality to learn from.

A network finds nearly perfect masks on the films that it was trained on. What tells a good mask
from a bad one is learnt where it fails.
"""

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]
Masks = Mapping[str, Mask]
Degraded = tuple[Pixels, dict[str, Mask]]
Degrade = Callable[[Pixels, Masks, np.random.Generator], Degraded]


def _warp(pixels: Pixels, masks: Masks, matrix: npt.NDArray[np.float64]) -> Degraded:
    def moved(plane: npt.NDArray[Any], flags: int) -> npt.NDArray[Any]:
        height, width = plane.shape
        # The matrix is in units of the frame; cv2 takes pixels.
        scale = np.array([width, height], np.float64)
        full = np.column_stack([matrix[:, :2] * scale[:, None] / scale[None], matrix[:, 2] * scale])
        return cv2.warpAffine(plane, full, (width, height), flags=flags)

    return moved(pixels, cv2.INTER_LINEAR), {
        name: moved(mask.astype(np.uint8), cv2.INTER_NEAREST) > 0 for name, mask in masks.items()
    }


def _move(pixels: Pixels, masks: Masks, rng: np.random.Generator) -> Degraded:
    """Turn by up to 60 degrees, scale and shift."""
    angle = np.deg2rad(rng.uniform(-60, 60))
    scale = rng.uniform(0.5, 1.3)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = np.array([0.5, 0.5]) - turn @ [0.5, 0.5] + rng.uniform(-0.15, 0.15, 2)
    return _warp(pixels, masks, np.column_stack([turn, shift]))


def _blur(pixels: Pixels, masks: Masks, rng: np.random.Generator) -> Degraded:
    return cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.005, 0.05) * len(pixels)), dict(masks)


def _grain(pixels: Pixels, masks: Masks, rng: np.random.Generator) -> Degraded:
    noise = rng.standard_normal(pixels.shape) * rng.uniform(0.1, 0.8) * 65535
    return np.clip(pixels + noise, 0, 65535).astype(np.uint16), dict(masks)


def _cover(pixels: Pixels, masks: Masks, rng: np.random.Generator) -> Degraded:
    """Whiten a part of the film, as an effusion or a plate does."""
    height, width = pixels.shape
    x, y = rng.uniform(0.1, 0.9, 2)
    axes = rng.uniform(0.08, 0.3, 2)
    shade = np.zeros(pixels.shape, np.float32)
    middle = (round(x * width), round(y * height))
    sides = (round(axes[0] * width), round(axes[1] * height))
    cv2.ellipse(shade, middle, sides, rng.uniform(0, 180), 0, 360, 1.0, -1)
    shade = cv2.GaussianBlur(shade, (0, 0), 0.02 * width)
    return np.maximum(pixels, shade * rng.uniform(0.6, 1.0) * 65535).astype(np.uint16), dict(masks)


def _clip(pixels: Pixels, masks: Masks, rng: np.random.Generator) -> Degraded:
    """Expose far too little or too much."""
    low, high = np.quantile(pixels, sorted(rng.uniform(0.0, 1.0, 2)))
    clipped = np.clip(pixels, low, max(high, low + 1)).astype(np.float64) - low
    return np.round(clipped / max(high - low, 1) * 65535).astype(np.uint16), dict(masks)


DEGRADE: dict[str, Degrade] = {
    "moved": _move,
    "blurred": _blur,
    "grainy": _grain,
    "covered": _cover,
    "clipped": _clip,
}
