"""Drawn radiographs of what is no frontal chest: other parts of the body, a chest from the side.

They try a gate that should refuse them. Bright is dense, as in `tools.phantoms.chest`; none
resembles a part of the body more closely than outlines, bones and gas of about the right size and
place.
"""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from tools.phantoms.lesions import fractal

Plane = npt.NDArray[np.float32]
Draw = Callable[[np.random.Generator, int], Plane]


class _Sheet:
    """Attenuation that is drawn on in units of the frame, shaken a little."""

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.rng, self.size = rng, size
        self.plane: Plane = np.zeros((size, size), np.float32)
        self.shift = rng.uniform(-0.03, 0.03, 2)
        self.scale = rng.uniform(0.9, 1.1)

    def _at(self, x: float, y: float) -> tuple[int, int]:
        x, y = ((np.array([x, y]) - 0.5) * self.scale + 0.5 + self.shift) * self.size
        return round(x), round(y)

    def _add(self, drawn: Plane, value: float, soft: float) -> None:
        self.plane += value * cv2.GaussianBlur(drawn, (0, 0), max(soft * self.size, 0.3))

    def oval(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        value: float,
        angle: float = 0,
        soft: float = 0.01,
    ) -> None:
        """Add an ellipse of half axes `width` and `height`, turned by degrees."""
        drawn = np.zeros_like(self.plane)
        axes = tuple(max(1, round(v * self.scale * self.size)) for v in (width, height))
        cv2.ellipse(drawn, self._at(x, y), axes, angle, 0, 360, 1.0, -1)
        self._add(drawn, value, soft)

    def line(
        self, points: list[tuple[float, float]], width: float, value: float, soft: float = 0.004
    ) -> None:
        """Add a line through points."""
        drawn = np.zeros_like(self.plane)
        corners = np.array([self._at(x, y) for x, y in points], np.int32)
        thickness = max(1, round(width * self.scale * self.size))
        cv2.polylines(drawn, [corners], False, 1.0, thickness, cv2.LINE_AA)
        self._add(drawn, value, soft)


def _hand(rng: np.random.Generator, size: int) -> Plane:
    sheet = _Sheet(rng, size)
    sheet.oval(0.5, 0.66, 0.17, 0.16, 0.35)
    sheet.line([(0.5, 0.8), (0.5, 1.1)], 0.17, 0.35, 0.01)
    fingers = [(-0.5, 0.26), (-0.17, 0.36), (0.06, 0.39), (0.28, 0.35), (0.75, 0.22)]
    for lean, length in fingers:
        root = np.array([0.5 + 0.24 * lean, 0.62])
        way = np.array([np.sin(0.9 * lean), -np.cos(0.9 * lean)]) * length
        tip = root + 1.35 * way
        sheet.line([tuple(root), tuple(tip)], 0.065, 0.3, 0.008)
        for start, end in ((-0.35, 0.35), (0.42, 0.85), (0.9, 1.1), (1.14, 1.3)):
            sheet.line([tuple(root + start * way), tuple(root + end * way)], 0.028, 0.5)
    for _ in range(8):
        sheet.oval(rng.uniform(0.42, 0.58), rng.uniform(0.76, 0.84), 0.025, 0.022, 0.35, soft=0.004)
    for x in (0.46, 0.54):
        sheet.line([(x, 0.86), (x, 1.1)], 0.05, 0.45)
    return sheet.plane


def _spine(sheet: _Sheet, top: float, bottom: float, x: float = 0.5) -> None:
    sheet.line([(x, top), (x, bottom)], 0.09, 0.25, 0.006)
    for y in np.arange(top, bottom, 0.075):
        sheet.line([(x - 0.05, y), (x + 0.05, y)], 0.012, -0.12)


def _pelvis_bones(sheet: _Sheet, y: float) -> None:
    for side in (-1, 1):
        sheet.oval(0.5 + side * 0.2, y, 0.15, 0.12, 0.3, angle=side * 40)
        sheet.oval(0.5 + side * 0.13, y + 0.22, 0.06, 0.08, 0.25, angle=side * 20)
        sheet.oval(0.5 + side * 0.13, y + 0.23, 0.03, 0.045, -0.25, angle=side * 20)
        sheet.oval(0.5 + side * 0.27, y + 0.15, 0.055, 0.055, 0.35)
        sheet.line([(0.5 + side * 0.3, y + 0.2), (0.5 + side * 0.33, y + 0.6)], 0.09, 0.35, 0.006)


def _abdomen(rng: np.random.Generator, size: int) -> Plane:
    sheet = _Sheet(rng, size)
    sheet.oval(0.5, 0.5, 0.44, 0.75, 0.6, soft=0.02)
    _spine(sheet, -0.1, 0.75)
    for side in (-1, 1):
        for index in range(3):
            y = 0.02 + 0.06 * index
            sheet.line([(0.5 + side * 0.05, y), (0.5 + side * 0.38, y + 0.13)], 0.022, 0.12)
    _pelvis_bones(sheet, 0.85)
    for _ in range(rng.integers(8, 18)):  # gas in the gut
        x, y = rng.uniform(0.15, 0.85), rng.uniform(0.2, 0.8)
        width, height = rng.uniform(0.02, 0.09), rng.uniform(0.015, 0.04)
        sheet.oval(x, y, width, height, -rng.uniform(0.1, 0.35), rng.uniform(0, 180), 0.008)
    return sheet.plane


def _pelvis(rng: np.random.Generator, size: int) -> Plane:
    sheet = _Sheet(rng, size)
    sheet.oval(0.5, 0.4, 0.47, 0.45, 0.5, soft=0.02)
    for side in (-1, 1):
        sheet.line([(0.5 + side * 0.24, 0.6), (0.5 + side * 0.26, 1.2)], 0.38, 0.4, 0.02)
    _spine(sheet, -0.1, 0.3)
    _pelvis_bones(sheet, 0.38)
    for _ in range(6):
        sheet.oval(rng.uniform(0.35, 0.65), rng.uniform(0.2, 0.6), 0.04, 0.03, -0.15)
    return sheet.plane


def _lateral_chest(rng: np.random.Generator, size: int) -> Plane:
    sheet = _Sheet(rng, size)
    sheet.oval(0.5, 0.6, 0.36, 0.62, 0.75, soft=0.02)
    sheet.line([(0.5, -0.1), (0.5, 0.15)], 0.25, 0.5, 0.02)
    sheet.oval(0.54, 0.42, 0.25, 0.33, -0.45, angle=-8, soft=0.015)
    sheet.oval(0.42, 0.56, 0.13, 0.15, 0.3, angle=25)
    for index in range(9):
        y = 0.12 + 0.07 * index
        sheet.line([(0.76, y), (0.5, y + 0.06), (0.25, y + 0.14)], 0.02, 0.1)
    for index in range(12):  # vertebrae behind
        sheet.oval(0.77 + 0.02 * np.sin(index / 3), 0.06 + 0.08 * index, 0.04, 0.032, 0.25)
    sheet.line([(0.22, 0.2), (0.19, 0.55)], 0.03, 0.2)
    sheet.line([(0.5, 0.0), (0.53, 0.33)], 0.03, -0.12)
    return sheet.plane


def _skull(rng: np.random.Generator, size: int) -> Plane:
    sheet = _Sheet(rng, size)
    sheet.oval(0.5, 0.42, 0.34, 0.38, 0.75, soft=0.006)
    sheet.oval(0.5, 0.42, 0.31, 0.35, -0.25, soft=0.01)
    for side in (-1, 1):
        sheet.oval(0.5 + side * 0.13, 0.5, 0.08, 0.07, -0.2)
        sheet.oval(0.5 + side * 0.12, 0.62, 0.05, 0.06, -0.2)
    sheet.oval(0.5, 0.62, 0.035, 0.08, -0.25)
    sheet.oval(0.5, 0.8, 0.2, 0.12, 0.45)
    for x in np.linspace(0.4, 0.6, 9):
        sheet.line([(x, 0.74), (x, 0.82)], 0.014, 0.3)
    sheet.line([(0.5, 0.85), (0.5, 1.1)], 0.3, 0.3, 0.02)
    _spine(sheet, 0.85, 1.1)
    return sheet.plane


def _knee(rng: np.random.Generator, size: int) -> Plane:
    sheet = _Sheet(rng, size)
    sheet.line([(0.5, -0.1), (0.5, 1.1)], 0.42, 0.4, 0.02)
    sheet.line([(0.5, -0.1), (0.5, 0.4)], 0.13, 0.35, 0.006)
    sheet.line([(0.5, 0.6), (0.5, 1.1)], 0.12, 0.35, 0.006)
    for side in (-1, 1):
        sheet.oval(0.5 + side * 0.07, 0.42, 0.085, 0.08, 0.3)
        sheet.oval(0.5 + side * 0.07, 0.565, 0.085, 0.045, 0.3)
    sheet.line([(0.62, 0.6), (0.62, 1.1)], 0.04, 0.25)
    sheet.oval(0.5, 0.36, 0.06, 0.065, 0.15)
    return sheet.plane


PARTS: dict[str, Draw] = {
    "hand": _hand,
    "abdomen": _abdomen,
    "pelvis": _pelvis,
    "lateral_chest": _lateral_chest,
    "skull": _skull,
    "knee": _knee,
}


def other_part(name: str, rng: np.random.Generator, size: int = 512) -> npt.NDArray[np.uint16]:
    """Draw a part of the body that is no frontal chest.

    Args:
        name: one of `PARTS`.
        rng: draws place, size, bones, gas and noise.
        size: height and width in pixels, at least 64.

    Returns:
        uint16 [size, size] over the full range, bright where dense.
    """
    plane = PARTS[name](rng, size) + 0.02 * fractal(rng, size, 6)
    plane += rng.uniform(0.005, 0.02) * rng.standard_normal(plane.shape, dtype=np.float32)
    low, high = np.quantile(plane, (0.002, 0.998))
    shown = np.clip((plane - low) / (high - low), 0, 1) ** rng.uniform(0.8, 1.2)
    pixels: npt.NDArray[np.uint16] = np.round(shown * 65_000).astype(np.uint16)
    return pixels
