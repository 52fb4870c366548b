"""One labelled chest phantom: a drawn radiograph with heart and lung masks.

Thorax, lungs, heart, ribs, clavicles, spine, airways and vessels are drawn as attenuation and
exposed like a film; lesions of the class fill lung with soft tissue. Geometry and exposure vary
from patient to patient. A phantom resembles a radiograph closely enough to exercise software;
it says nothing about people, and figures measured on phantoms say nothing about radiographs.
"""

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from tools.phantoms.lesions import LESIONS, Lung, fractal, noise

Points = npt.NDArray[np.float64]
Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

LABELS = tuple(LESIONS)
"""Manifest classes a phantom can show."""

_AIR = 0.62  # attenuation that a full depth of lung takes away from the trunk
_DEPTH = 0.10  # distance from the lung's edge, as a share of the width, at full depth

# Outlines in units of the frame (x to the right, y down); the patient's right is on the left.
_RIGHT_LUNG = [
    (0.365, 0.135), (0.425, 0.20), (0.435, 0.30), (0.425, 0.42), (0.43, 0.55), (0.44, 0.69),
    (0.37, 0.705), (0.28, 0.70), (0.18, 0.755), (0.12, 0.82), (0.11, 0.70), (0.12, 0.55),
    (0.15, 0.40), (0.20, 0.26), (0.28, 0.165),
]  # fmt: skip
_LEFT_LUNG = [
    (0.635, 0.135), (0.575, 0.20), (0.57, 0.30), (0.575, 0.42), (0.57, 0.55), (0.57, 0.735),
    (0.64, 0.735), (0.72, 0.73), (0.82, 0.78), (0.88, 0.84), (0.89, 0.71), (0.88, 0.56),
    (0.85, 0.40), (0.80, 0.26), (0.72, 0.165),
]  # fmt: skip
# The heart bulges to the patient's left: to the right of the frame. Third value: how far a
# point follows the bulge.
_HEART = [
    (0.50, 0.425, 0.0), (0.445, 0.48, 0.0), (0.415, 0.56, -0.2), (0.405, 0.64, -0.3),
    (0.43, 0.725, -0.2), (0.50, 0.765, 0.0), (0.60, 0.775, 0.6), (0.675, 0.745, 1.0),
    (0.685, 0.67, 1.0), (0.645, 0.57, 0.7), (0.60, 0.48, 0.2), (0.56, 0.43, 0.0),
]  # fmt: skip
_TRUNK = [
    (0.41, -0.1), (0.40, 0.05), (0.30, 0.085), (0.12, 0.10), (-0.05, 0.20), (-0.1, 0.45),
    (0.035, 0.50), (0.055, 0.70), (0.04, 0.90), (0.03, 1.1), (0.97, 1.1), (0.96, 0.90),
    (0.945, 0.70), (0.965, 0.50), (1.1, 0.45), (1.05, 0.20), (0.88, 0.10), (0.70, 0.085),
    (0.60, 0.05), (0.59, -0.1),
]  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Phantom:
    """A film and its masks, all [H, W]; bright is dense, left and right are the patient's.

    `lesions` is how far lung is filled, -0.5 (a cavity) to 1; 0 is healthy lung.
    """

    pixels: npt.NDArray[np.uint16]
    heart: Mask
    left_lung: Mask
    right_lung: Mask
    lesions: Plane


def phantom(
    label: str,
    rng: np.random.Generator,
    size: int = 512,
    exposure: np.random.Generator | None = None,
) -> Phantom:
    """Draw one phantom.

    Args:
        label: One of `LABELS`.
        rng: Draws the patient: geometry and lesions.
        size: Height and width in pixels, at least 64.
        exposure: Draws contrast, noise, border and markers; None: `rng` does. The same patient
            seed with another exposure gives a second film of one patient.

    Returns:
        The film over the full depth of 16 bits, and disjoint masks (the part of a lung behind
        the heart belongs to the heart).

    Raises:
        ValueError: Unknown label or a size too small.
    """
    if label not in LESIONS:
        raise ValueError(f"label {label!r}: phantoms show {', '.join(LABELS)}")
    if size < 64:
        raise ValueError(f"size {size}: a phantom needs at least 64 pixels a side")
    place = _placement(rng)
    jitter = 0.008
    bulge = rng.uniform(-0.03, 0.055)
    heart_points = [(x + follow * bulge, y) for x, y, follow in _HEART]
    full_right, full_left, heart, trunk = (
        _fill(_outline(place(_shake(points, rng, jitter))), size)
        for points in (_RIGHT_LUNG, _LEFT_LUNG, heart_points, _TRUNK)
    )
    lungs = (_lung(full_right, size), _lung(full_left, size))
    depth = np.maximum(lungs[0].depth, lungs[1].depth)

    attenuation = _trunk(trunk, size) - _AIR * depth
    attenuation += _skeleton(place, rng, size) * trunk - _airways(place, rng, size)
    muscle = _heart(heart)
    lesions = np.clip(LESIONS[label](lungs, rng, size), -0.5, 1.0)
    filled = 1 - (1 - 0.78 * muscle) * (1 - lesions)
    attenuation += _AIR * depth * filled + 0.10 * muscle
    attenuation += _vessels(place, rng, size) * depth * (1 - np.clip(lesions, 0, 0.85))
    attenuation += 0.02 * fractal(rng, size, 6)  # muscle and fat

    pixels = _expose(attenuation.astype(np.float32), exposure or rng, size)
    return Phantom(pixels, heart, full_left & ~heart, full_right & ~heart, lesions)


class _Placement:
    """Puts unit coordinates where a patient's body lies."""

    def __init__(self, matrix: Points, shift: Points) -> None:
        self.matrix, self.shift = matrix, shift

    def __call__(self, points: Sequence[tuple[float, float]] | Points) -> Points:
        moved: Points = (np.asarray(points, np.float64) - 0.5) @ self.matrix.T + 0.5 + self.shift
        return moved


def _placement(rng: np.random.Generator) -> _Placement:
    angle = np.deg2rad(rng.normal(0, 1.5))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    scale = np.diag([rng.uniform(0.90, 1.06), rng.uniform(0.90, 1.08)])
    return _Placement(turn @ scale, rng.uniform(-0.02, 0.02, 2))


def _shake(
    points: Sequence[tuple[float, float]], rng: np.random.Generator, amount: float
) -> Points:
    return np.asarray(points) + rng.normal(0, amount, (len(points), 2))


def _outline(points: Points) -> Points:
    """Draw a closed Catmull-Rom curve through points, 12 steps a segment."""
    p0, p1, p2, p3 = (np.roll(points, shift, 0)[:, None] for shift in (1, 0, -1, -2))
    t = np.linspace(0, 1, 12, endpoint=False)[None, :, None]
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return curve.reshape(-1, 2)


def _pixels(points: Points, size: int) -> npt.NDArray[np.int32]:
    """Give unit coordinates in sixteenths of a pixel, as cv2's `shift=4` takes them."""
    return np.round(points * size * 16).astype(np.int32)


def _fill(outline: Points, size: int) -> Mask:
    canvas = np.zeros((size, size), np.uint8)
    cv2.fillPoly(canvas, [_pixels(outline, size)], 1, shift=4)
    return canvas.astype(bool)


def _stroke(canvas: Plane, points: Points, width: float, value: float = 1.0) -> None:
    size = len(canvas)
    thickness = max(1, round(width * size))
    cv2.polylines(
        canvas, [_pixels(points, size)], False, value, thickness, lineType=cv2.LINE_8, shift=4
    )


def _blur(plane: Plane, width: float) -> Plane:
    sigma = max(width * len(plane), 0.3)
    blurred: Plane = cv2.GaussianBlur(plane, (0, 0), sigma)
    return blurred


def _rounded(mask: Mask, width: float) -> Plane:
    """Height of a body with this outline: 0 at the edge, 1 from `width` inwards."""
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    inwards = np.minimum(distance / (width * len(mask)), 1)
    height: Plane = np.sqrt(1 - (1 - inwards) ** 2, dtype=np.float32)
    return height


def _lung(mask: Mask, size: int) -> Lung:
    rows, columns = np.nonzero(mask)
    box = (rows[0], rows[-1] + 1, columns.min(), columns.max() + 1)
    top, bottom, left, right = (float(edge) / size for edge in box)
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3) / size
    depth = _blur(_rounded(mask, _DEPTH), 0.002)
    return Lung(mask, rows, columns, (top, bottom, left, right), distance, depth)


def _trunk(trunk: Mask, size: int) -> Plane:
    """Soft tissue: a rounded trunk, denser below the diaphragm."""
    down = np.linspace(0, 1, size, dtype=np.float32)[:, None]
    tissue = 0.35 + 0.55 * _blur(_rounded(trunk, 0.16), 0.01)
    abdomen = 0.16 / (1 + np.exp(-(down - 0.80) / 0.04))
    plane: Plane = (tissue + abdomen) * _blur(trunk.astype(np.float32), 0.004)
    return plane


def _heart(heart: Mask) -> Plane:
    """Share of the lung's air that the heart takes up: most of it right from its border."""
    plane: Plane = _blur(0.6 * heart.astype(np.float32) + 0.4 * _rounded(heart, 0.10), 0.003)
    return plane


def _skeleton(place: _Placement, rng: np.random.Generator, size: int) -> Plane:
    bones = np.zeros((size, size), np.float32)
    slope = rng.uniform(0.8, 1.2)
    t = np.linspace(0, 1, 24)[:, None]
    for kind, weight, width in (("back", 0.11, 0.026), ("front", 0.05, 0.024)):
        outer, inner = np.zeros_like(bones), np.zeros_like(bones)
        for index in range(10):
            y = 0.13 + 0.072 * index + rng.normal(0, 0.003)
            reach = 0.20 + 0.21 * min(1.0, (index + 1) / 5) ** 0.7
            for side in (-1, 1):
                if kind == "back":
                    a, b, c = (0.035, y), (0.6 * reach, y - 0.055), (reach, y + 0.12 * slope)
                elif index < 7:
                    a, b, c = (reach, y + 0.09), (0.8 * reach, y + 0.19), (0.13, y + 0.20 * slope)
                else:
                    continue
                corners = np.array([a, b, c]) * (side, 1) + (0.5, 0)
                curve = (1 - t) ** 2 * corners[0] + 2 * t * (1 - t) * corners[1] + t**2 * corners[2]
                _stroke(outer, place(curve), width)
                _stroke(inner, place(curve), width * 0.55)
        bones += weight * _blur(outer - 0.45 * inner, 0.002)
    spine = np.zeros_like(bones)
    _stroke(spine, place([(0.5, -0.1), (0.5, 1.1)]), 0.075)
    discs = np.zeros_like(bones)
    for y in np.arange(0.04, 1.0, 0.052):
        _stroke(discs, place([(0.465, y), (0.535, y)]), 0.008)
    bones += 0.10 * _blur(spine, 0.006) - 0.04 * _blur(discs, 0.003)
    clavicles = np.zeros_like(bones)
    lift = rng.uniform(-0.02, 0.03)
    for side in (-1, 1):
        curve = np.array([(0.04, 0.215), (0.12, 0.20), (0.24, 0.165 - lift), (0.40, 0.12 - lift)])
        _stroke(clavicles, place(curve * (side, 1) + (0.5, 0)), 0.030)
        blade = np.array([(0.36, 0.17), (0.335, 0.30), (0.37, 0.43), (0.45, 0.22)])
        bones += 0.035 * _blur(_fill(place(blade * (side, 1) + (0.5, 0)), size) * 1.0, 0.004)
    bones += 0.10 * _blur(clavicles, 0.003)
    return bones.astype(np.float32)


def _airways(place: _Placement, rng: np.random.Generator, size: int) -> Plane:
    air = np.zeros((size, size), np.float32)
    carina = rng.uniform(0.33, 0.37)
    _stroke(air, place([(0.5, -0.05), (0.505, carina)]), 0.030)
    _stroke(air, place([(0.503, carina - 0.01), (0.44, carina + 0.06)]), 0.022)
    _stroke(air, place([(0.503, carina - 0.01), (0.57, carina + 0.07)]), 0.020)
    air *= np.float32(0.15)
    if rng.random() < 0.6:  # the stomach's bubble below the left diaphragm
        bubble = np.zeros_like(air)
        x, y = place([(0.70, 0.83)])[0] * size
        axes = (round(rng.uniform(0.04, 0.07) * size), round(0.028 * size))
        cv2.ellipse(bubble, (round(x), round(y)), axes, 0, 0, 360, 0.18, -1)
        air += bubble
    return _blur(air, 0.005)


def _vessels(place: _Placement, rng: np.random.Generator, size: int) -> Plane:
    """Branches from each hilum, thinner and fainter outwards."""
    plane = np.zeros((size, size), np.float32)
    for side in (-1, 1):
        hilum = np.array([0.5 + side * 0.095, 0.45])
        for angle in np.linspace(-1.45, 1.35, 11) + rng.normal(0, 0.08, 11):
            heading, at, width = angle, hilum.copy(), 0.011
            for _ in range(7):
                to = at + 0.042 * np.array([side * np.cos(heading), np.sin(heading)])
                _stroke(plane, place(np.array([at, to])), width, 0.10 + 9 * width)
                twig = heading + rng.choice((-0.7, 0.7))
                end = to + 0.05 * np.array([side * np.cos(twig), np.sin(twig)])
                _stroke(plane, place(np.array([to, end])), 0.5 * width, 0.07 + 6 * width)
                at, width = to, width * 0.80
                heading += rng.normal(0, 0.15)
        blob = np.zeros_like(plane)
        x, y = place(hilum[None])[0] * size
        cv2.ellipse(
            blob, (round(x), round(y)), (round(0.03 * size), round(0.065 * size)),
            -side * 12, 0, 360, 0.30, -1,
        )  # fmt: skip
        plane = np.maximum(plane, _blur(blob, 0.015))
    return _blur(plane, 0.0018)


def _expose(attenuation: Plane, rng: np.random.Generator, size: int) -> npt.NDArray[np.uint16]:
    """Scatter, contrast, noise, markers and collimation."""
    small = cv2.resize(attenuation, (size // 8, size // 8), interpolation=cv2.INTER_AREA)
    scatter = cv2.resize(cv2.GaussianBlur(small, (0, 0), size / 160), (size, size))
    film = 0.85 * attenuation + 0.15 * scatter + rng.uniform(0.01, 0.03) * noise(rng, size, 3)
    low, high = rng.uniform(0.0, 0.10), rng.uniform(1.05, 1.25)
    film = np.clip((film - low) / (high - low), 0, 1) ** rng.uniform(0.75, 1.30)
    grain = rng.standard_normal((size, size), dtype=np.float32)
    grain = 0.5 * grain + 0.9 * _blur(grain, 0.0012)
    film += rng.uniform(0.008, 0.022) * grain * (1.1 - 0.6 * film)
    pixels: npt.NDArray[np.uint16] = np.round(np.clip(film, 0, 1) * 65_000).astype(np.uint16)
    edge = round(0.05 * size)
    font, scale, width = cv2.FONT_HERSHEY_SIMPLEX, size / 900, max(1, size // 400)
    marks = np.zeros((size, size), np.uint8)
    cv2.putText(marks, "L", (size - 2 * edge, 2 * edge), font, 2 * scale, 255, width)
    cv2.putText(marks, "PHANTOM", (edge, size - edge), font, scale, 255, width)
    pixels = np.maximum(pixels, marks.astype(np.uint16) * 254)
    if rng.random() < 0.3:  # collimation: a blank border on some sides
        top, bottom, left, right = (round(rng.uniform(0, 0.04) * size) for _ in range(4))
        blank = np.zeros_like(pixels)
        inside = (slice(top, size - bottom), slice(left, size - right))
        blank[inside] = pixels[inside]
        pixels = blank
    return pixels
