"""The pictures of a film in the report: grey film, preview, saliency of every class, outlines."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from cxr_tf.drawing.overlays import colour_saliency
from pipelines.labels import HEART, LEFT_LUNG, RIGHT_LUNG
from pipelines.whole_files import whole

#: Longer side of the film, and side of its preview, in pixels.
FILM, PREVIEW = 1024, 96
#: Parts of a label map by their names in the page.
PARTS = {"heart": HEART, "left_lung": LEFT_LUNG, "right_lung": RIGHT_LUNG}

_Grey = npt.NDArray[np.uint8]


def save_png(path: Path, picture: Image.Image) -> None:
    """Write a picture, whole or not at all.

    Args:
        path: the file to write.
        picture: what to write.

    Raises:
        OSError: the file cannot be written.
    """
    with whole(path) as fresh:
        picture.save(fresh, "PNG")


def preview(film: _Grey) -> _Grey:
    """Make the small picture of a film for the worklist.

    Args:
        film: uint8 [h, w].

    Returns:
        uint8 [96, 96], the film in its proportions on black.
    """
    height, width = film.shape
    scale = PREVIEW / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(film, size, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((PREVIEW, PREVIEW), np.uint8)
    top, left = (PREVIEW - size[1]) // 2, (PREVIEW - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = small
    return canvas


def saliency_strip(saliency: npt.NDArray[np.float32]) -> Image.Image:
    """Colour the saliency of every class on the fixed scale 0..1, one below the other.

    Args:
        saliency: float32 [C, h, w] in 0..1.

    Returns:
        A picture with a palette, [C * h, w]: the colours of `colour_saliency`, transparent at 0
        and opaque from 0.5 on.
    """
    values = np.rint(np.clip(saliency, 0.0, 1.0) * 255).astype(np.uint8)
    picture = Image.fromarray(values.reshape(-1, values.shape[-1]))
    colours, opacity = colour_saliency(np.linspace(0.0, 1.0, 256, dtype=np.float32)[None])
    picture.putpalette(colours[0].tobytes())  # turns a grey picture into one with a palette
    alpha = np.rint(255 * opacity[0] / opacity.max()).astype(np.uint8)
    picture.info["transparency"] = alpha.tobytes()
    return picture


def outlines(mask: _Grey) -> dict[str, list[list[float]]]:
    """Trace the outlines of heart and lungs.

    Args:
        mask: uint8 [h, w] label map of the whole frame.

    Returns:
        By part, closed curves as x, y, x, y, … in shares of the frame, with four decimals; they
        leave the outline by no more than one pixel of the map.
    """
    height, width = mask.shape
    found = {}
    for name, label in PARTS.items():
        # Traced on a map twice as large, the curve runs along the border of the pixels.
        part = cv2.resize(
            (mask == label).astype(np.uint8), (2 * width, 2 * height),
            interpolation=cv2.INTER_NEAREST,
        )  # fmt: skip
        curves, _ = cv2.findContours(part, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        scale = np.array([2 * width, 2 * height], np.float64)
        found[name] = [
            np.round((cv2.approxPolyDP(curve, 2.0, True)[:, 0] + 0.5) / scale, 4).ravel().tolist()
            for curve in curves
        ]
    return found
