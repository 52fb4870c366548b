"""What each class shows in a phantom's lungs: how far lung is filled, as a plane.

0 is healthy lung, 1 soft tissue, below 0 air (a cavity). Every pattern leaves traces in most
parts of both lungs, so that patches drawn anywhere carry the class, while its main lesion has
the place that radiology describes: one lobe, the apices, or both lungs' lower periphery.
"""

import dataclasses
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Lung:
    """One lung, the part behind the heart included.

    Args:
        mask: [H, W].
        rows: Row of each of its pixels, in rising order.
        columns: Column of each of its pixels.
        box: Top, bottom, left, right as shares of the frame.
        distance: [H, W], distance to the lung's edge as a share of the frame.
        depth: [H, W], 0 (edge) to 1: how much lung the beam crosses.
    """

    mask: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    box: tuple[float, float, float, float]
    distance: Plane
    depth: Plane


def noise(rng: np.random.Generator, size: int, cells: int) -> Plane:
    """Draw smooth noise of mean 0 and unit size with about `cells` bumps a side."""
    grid = rng.standard_normal((cells, cells)).astype(np.float32)
    plane: Plane = cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)
    return plane


def fractal(rng: np.random.Generator, size: int, cells: int) -> Plane:
    """Draw noise over four octaves from `cells` bumps a side, coarse ones strongest."""
    plane = np.zeros((size, size), np.float32)
    for octave in range(4):
        plane += np.float32(0.6**octave) * noise(rng, size, min(cells * 2**octave, size))
    return plane


def _soft(plane: Plane, width: float) -> Plane:
    """Compute a logistic step at 0."""
    step: Plane = 1 / (1 + np.exp(np.clip(-plane / width, -30, 30)))
    return step


def _height(lung: Lung, size: int) -> Plane:
    """0 at the lung's apex to 1 at its base, [H, 1]."""
    top, bottom = lung.box[:2]
    rows = (np.arange(size, dtype=np.float32) + 0.5) / size
    return np.clip((rows - top) / (bottom - top), 0, 1).astype(np.float32)[:, None]


def _inside(lung: Lung, rng: np.random.Generator, top: float, bottom: float) -> tuple[int, int]:
    """Draw a pixel (row, column) of a lung between two heights."""
    first, last = lung.rows[0], lung.rows[-1]
    low, high = first + np.array([top, bottom]) * (last - first)
    begin = int(np.searchsorted(lung.rows, low))
    end = int(np.searchsorted(lung.rows, high, "right"))
    index = int(rng.integers(begin, max(end, begin + 1)))
    return int(lung.rows[index]), int(lung.columns[index])


def _spots(
    lung: Lung,
    rng: np.random.Generator,
    size: int,
    count: int,
    radius: tuple[float, float],
    zone: tuple[float, float],
) -> Plane:
    """Discs in a lung, more towards the top of the zone."""
    plane = np.zeros((size, size), np.float32)
    for _ in range(count):
        bottom = zone[0] + (zone[1] - zone[0]) * (1 - 0.85 * rng.random())
        row, column = _inside(lung, rng, zone[0], bottom)
        wide = max(1, round(rng.uniform(*radius) * size))
        cv2.circle(plane, (column, row), wide, rng.uniform(0.6, 1.0), -1)
    return plane


def _blurred(plane: Plane, width: float) -> Plane:
    result: Plane = cv2.GaussianBlur(plane, (0, 0), max(width * len(plane), 0.4))
    return result


def normal(lungs: tuple[Lung, Lung], rng: np.random.Generator, size: int) -> Plane:
    """Draw clear lungs."""
    return np.zeros((size, size), np.float32)


def bacterial(lungs: tuple[Lung, Lung], rng: np.random.Generator, size: int) -> Plane:
    """Draw lobar consolidation with air bronchograms on one side, and few fluffy foci."""
    side = int(rng.integers(2))
    lung, other = lungs[side], lungs[1 - side]
    height = _height(lung, size)
    columns = np.linspace(0, 1, size, dtype=np.float32)[None]
    slope = rng.uniform(-0.5, 0.5) * (columns - 0.5 * (lung.box[2] + lung.box[3]))
    fissure = rng.uniform(0.30, 0.55)
    wave = 0.10 * fractal(rng, size, 5)
    if rng.random() < 0.6:  # lower lobe: sharp towards the fissure above
        lobe = _soft((height + slope - fissure).astype(np.float32), 0.015)
    else:  # upper lobe: sharp towards the fissure below, which lies lower
        lobe = _soft((fissure + 0.22 + slope - height).astype(np.float32), 0.015)
    plane = rng.uniform(0.75, 0.98) * lobe * _soft(wave + 0.25, 0.10) * lung.mask
    bronchi = np.zeros_like(plane)
    inner = lung.box[3] if side == 0 else lung.box[2]
    start = (round((inner + (-0.02 if side == 0 else 0.02)) * size), round(0.47 * size))
    for _ in range(7):
        row, column = _inside(lung, rng, 0.1, 0.95)
        cv2.line(bronchi, start, (column, row), 1.0, max(1, size // 160))
    plane *= 1 - 0.28 * np.clip(_blurred(bronchi, 0.002), 0, 1)
    for place, count, strength in ((lung, 14, 0.75), (other, 10, 0.45)):
        foci = _blurred(_spots(place, rng, size, count, (0.018, 0.040), (0.1, 1.0)), 0.012)
        plane = np.maximum(plane, strength * foci * (1 + 0.15 * fractal(rng, size, 24)))
    return plane.astype(np.float32)


def tuberculosis(lungs: tuple[Lung, Lung], rng: np.random.Generator, size: int) -> Plane:
    """Draw apical infiltrates with cavities and streaks, and nodules that thin out downwards."""
    plane = np.zeros((size, size), np.float32)
    worse = int(rng.integers(2))
    for side, lung in enumerate(lungs):
        strong = 1.0 if side == worse else rng.uniform(0.3, 0.9)
        apical = np.clip(1 - _height(lung, size) / rng.uniform(0.40, 0.55), 0, 1)
        patchy = _soft(fractal(rng, size, 14) - 0.1, 0.25)
        plane += strong * rng.uniform(0.5, 0.8) * np.sqrt(apical) * patchy * lung.mask
        streaks = np.zeros_like(plane)
        for _ in range(10):
            row, column = _inside(lung, rng, 0.05, 0.4)
            end = (column + round(rng.normal(0, 0.03) * size), round(row + 0.14 * size))
            cv2.line(streaks, (column, row), end, 0.5, max(1, size // 250))
        nodules = _spots(lung, rng, size, int(rng.integers(130, 190)), (0.0035, 0.0075), (0.05, 1))
        plane += (_blurred(streaks, 0.0015) + 0.6 * _blurred(nodules, 0.0020)) * lung.mask
        for _ in range(int(rng.integers(1, 4)) if side == worse else int(rng.integers(0, 2))):
            row, column = _inside(lung, rng, 0.12, 0.45)
            radius = rng.uniform(0.028, 0.055)
            axes = (round(radius * size), round(radius * rng.uniform(0.8, 1.2) * size))
            room, wall = np.zeros_like(plane), np.zeros_like(plane)
            cv2.ellipse(room, (column, row), axes, 0, 0, 360, 1.0, -1)
            cv2.ellipse(wall, (column, row), axes, 0, 0, 360, 1.0, max(1, round(0.013 * size)))
            plane = plane * (1 - room) - 0.30 * _blurred(room, 0.003)
            plane += 1.0 * _blurred(wall, 0.003)
    return plane.astype(np.float32)


def viral(lungs: tuple[Lung, Lung], rng: np.random.Generator, size: int) -> Plane:
    """Draw hazy and net-like opacities in both lungs, stronger below."""
    return _diffuse(lungs, rng, size, edge=0.35, net=0.34)


def covid19(lungs: tuple[Lung, Lung], rng: np.random.Generator, size: int) -> Plane:
    """Draw ground glass in both lungs' lower periphery."""
    return _diffuse(lungs, rng, size, edge=0.85, net=0.22)


def _diffuse(
    lungs: tuple[Lung, Lung], rng: np.random.Generator, size: int, edge: float, net: float
) -> Plane:
    plane = np.zeros((size, size), np.float32)
    strength = rng.uniform(0.55, 0.85)
    for lung in lungs:
        peripheral = np.exp(-lung.distance / 0.065)
        low = _soft(_height(lung, size) - rng.uniform(0.30, 0.45), 0.12)
        haze = 0.45 + 0.55 * _soft(fractal(rng, size, 7), 0.35)
        where = ((1 - edge) + edge * peripheral * 1.7) * (0.35 + 0.65 * low)
        threads = np.exp(-((noise(rng, size, 60) + 0.5 * noise(rng, size, 90)) ** 2) / 0.05)
        plane += (strength * haze * where + net * threads * (0.45 + 0.55 * low)) * lung.mask
    return plane.astype(np.float32)


def lung_nodule(lungs: tuple[Lung, Lung], rng: np.random.Generator, size: int) -> Plane:
    """Draw one round nodule."""
    lung = lungs[int(rng.integers(2))]
    plane = np.zeros((size, size), np.float32)
    row, column = _inside(lung, rng, 0.15, 0.85)
    cv2.circle(plane, (column, row), round(rng.uniform(0.014, 0.028) * size), 0.7, -1)
    return _blurred(plane, 0.004)


LESIONS: dict[str, Callable[[tuple[Lung, Lung], np.random.Generator, int], Plane]] = {
    "normal": normal,
    "bacterial": bacterial,
    "tuberculosis": tuberculosis,
    "viral": viral,
    "covid19": covid19,
    "lung_nodule": lung_nodule,
}
"""Pattern of each manifest class."""
