"""Pictures that are no upright frontal chest film, to fit and to try the gate with.

Sample images of scikit-image, scikit-learn, matplotlib and pydicom as far as they come with the
packages, drawn radiographs of other parts (`tools.phantoms.other_parts`), pages of text, noise and
patterns. Each kind belongs to one half: `fit` chooses the gate, `report` measures it. Films of
people, turned or inverted in memory, are made of films that are given; nothing is written.
"""

import dataclasses
import importlib.resources
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from tools.phantoms.other_parts import PARTS, other_part

Pixels = npt.NDArray[np.uint16]
Half = Literal["fit", "report"]

#: Drawn pictures of each kind and half.
EACH = 12
_SIZE = 512
_DRAWN: dict[str, Half] = {
    "hand": "fit",
    "pelvis": "fit",
    "knee": "fit",
    "abdomen": "report",
    "lateral_chest": "report",
    "skull": "report",
}
_SCIKIT_IMAGE = {
    "texture": "brick cell grass gravel ihc moon hubble_deep_field microaneurysms retina coins",
    "photo": "astronaut camera chelsea coffee rocket motorcycle_left clock_motion horse",
    "page": "page text logo color",
    "head_phantom": "phantom",
}
_PYDICOM = {
    "tomography": "693_J2KI CT_small J2K_pixelrep_mismatch liver_1frame rtdose",
    "magnetic_resonance": "MR_small examples_overlay",
    "ultrasound": "ExplVR_BigEnd examples_palette examples_rgb_color examples_jpeg2k",
    "scintigraphy": "JPEG2000 JPGExtended",
    "screen": "SC_rgb_gdcm_KY SC_rgb_jpeg_dcmtk SC_jpeg_no_color_transform image_dfl",
}
_HALVES: dict[str, Half] = {
    "texture": "fit",
    "photo": "report",
    "page": "report",
    "head_phantom": "report",
    "tomography": "fit",
    "magnetic_resonance": "report",
    "ultrasound": "report",
    "scintigraphy": "fit",
    "screen": "report",
}
_WORDS = "the film was taken upright at two metres and shows no change since the last one".split()


@dataclasses.dataclass(frozen=True)
class NonFilm:
    """One picture; `kind` is what it shows, `half` what it is for."""

    name: str
    kind: str
    half: Half
    pixels: Pixels


def _stretched(values: npt.NDArray[np.generic]) -> Pixels:
    plain = values.astype(np.float64)
    plain = (plain - plain.min()) / max(float(np.ptp(plain)), 1e-9)
    return np.round(plain * 65535).astype(np.uint16)


def _noise(rng: np.random.Generator) -> Pixels:
    return _stretched(rng.standard_normal((_SIZE, _SIZE)))


def _clouds(rng: np.random.Generator) -> Pixels:
    small = rng.standard_normal((_SIZE, _SIZE)).astype(np.float32)
    return _stretched(cv2.GaussianBlur(small, (0, 0), rng.uniform(4, 40)))


def _stripes(rng: np.random.Generator) -> Pixels:
    y, x = np.mgrid[:_SIZE, :_SIZE] / _SIZE
    angle, count = rng.uniform(0, np.pi), rng.uniform(2, 30)
    wave = np.sin(2 * np.pi * count * (np.cos(angle) * x + np.sin(angle) * y))
    return _stretched(wave + 0.1 * rng.standard_normal(wave.shape))


def _ramp(rng: np.random.Generator) -> Pixels:
    y, x = np.mgrid[:_SIZE, :_SIZE] / _SIZE
    way = rng.standard_normal(3)
    return _stretched(way[0] * x + way[1] * y + way[2] * x * y)


def _ovals(rng: np.random.Generator) -> Pixels:
    """Ellipses anywhere, some of them dark as lungs are."""
    plane = np.full((_SIZE, _SIZE), 0.5, np.float32)
    for _ in range(rng.integers(2, 9)):
        middle = tuple(int(v) for v in rng.integers(0, _SIZE, 2))
        axes = tuple(int(v) for v in rng.integers(15, 160, 2))
        cv2.ellipse(plane, middle, axes, int(rng.integers(180)), 0, 360, float(rng.random()), -1)
    plane = cv2.GaussianBlur(plane, (0, 0), rng.uniform(1, 8))
    return _stretched(plane + 0.02 * rng.standard_normal(plane.shape))


def _page(rng: np.random.Generator) -> Pixels:
    plane = np.full((_SIZE, _SIZE), 255, np.uint8)
    scale = float(rng.uniform(0.35, 0.9))
    for y in range(int(40 * scale) + 10, _SIZE, int(42 * scale)):
        text = " ".join(rng.choice(_WORDS, 10))
        if rng.random() < 0.9:
            cv2.putText(plane, text, (20, y), cv2.FONT_HERSHEY_SIMPLEX, scale, 0, 1, cv2.LINE_AA)
    return _stretched(plane if rng.random() < 0.5 else 255 - plane)


_MADE: dict[str, tuple[Callable[[np.random.Generator], Pixels], Half]] = {
    "noise": (_noise, "fit"),
    "clouds": (_clouds, "report"),
    "stripes": (_stripes, "fit"),
    "ramp": (_ramp, "report"),
    "ovals": (_ovals, "fit"),
    "drawn_page": (_page, "report"),
}


def _files(package: str, folder: str) -> Path:
    return Path(str(importlib.resources.files(package))) / folder


def _read(path: Path) -> Pixels:
    if path.suffix == ".dcm":
        import pydicom

        values = pydicom.dcmread(path, force=True).pixel_array
        colour = values.ndim > 2 and values.shape[-1] in (3, 4)
        while values.ndim > 2 + colour:
            values = values[len(values) // 2]
        return _stretched(values[..., :3].mean(-1) if colour else values)
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise FileNotFoundError(f"{path} cannot be read: install the package's sample images")
    return _stretched(grey)


def _samples() -> Iterator[tuple[str, Path]]:
    """Kind and file of every sample image."""
    folder = _files("skimage", "data")
    for kind, names in _SCIKIT_IMAGE.items():
        for name in names.split():
            yield kind, next(iter(sorted(folder.glob(f"{name}.*g"))), folder / f"{name}.png")
    for kind, names in _PYDICOM.items():
        for name in names.split():
            yield kind, _files("pydicom", "data/test_files") / f"{name}.dcm"
    for name in ("china.jpg", "flower.jpg"):
        yield "photo", _files("sklearn", "datasets/images") / name
    yield "photo", _files("matplotlib", "mpl-data/sample_data") / "grace_hopper.jpg"


def non_films(seed: int = 0) -> Iterator[NonFilm]:
    """Give every picture that needs no film of a person.

    Args:
        seed: of what is drawn.

    Yields:
        The pictures, in a fixed order.

    Raises:
        FileNotFoundError: a sample image did not come with its package.
    """
    for kind, path in _samples():
        yield NonFilm(f"{kind}/{path.name}", kind, _HALVES[kind], _read(path))
    for number, part in enumerate(PARTS):
        for index in range(EACH):
            rng = np.random.default_rng([seed, number, index])
            yield NonFilm(f"{part}/{index}", part, _DRAWN[part], other_part(part, rng, _SIZE))
    for number, (kind, (make, half)) in enumerate(_MADE.items()):
        for index in range(EACH):
            rng = np.random.default_rng([seed, 100 + number, index])
            yield NonFilm(f"{kind}/{index}", kind, half, make(rng))


#: What is done to a film of a person, in memory; the chest is no longer upright or dense-bright.
TURNED: dict[str, Callable[[Pixels], Pixels]] = {
    "turned_90": lambda pixels: np.ascontiguousarray(np.rot90(pixels)),
    "turned_180": lambda pixels: np.ascontiguousarray(np.rot90(pixels, 2)),
    "turned_270": lambda pixels: np.ascontiguousarray(np.rot90(pixels, 3)),
    "inverted": lambda pixels: np.uint16(65535) - pixels,
}
