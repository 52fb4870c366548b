"""Pictures of a decision: the film with the mask's outline, and the saliency of the class."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from cxr_tf.runtime.provenance import NOTICE
from cxr_tf.runtime.whole_files import whole
from pipelines.labels import HEART, LEFT_LUNG, RIGHT_LUNG

#: Colours of the outlines, as RGB.
HEART_RGB = (255, 64, 64)
LUNGS_RGB = (72, 160, 255)
_TEXT = (235, 235, 235)
_WARNING = (255, 190, 60)
_PANEL = 640
_LINE = 24
_MARGIN = 10
_OPACITY = 0.65
#: In the order in which they are drawn.
_PARTS = ((LEFT_LUNG, LUNGS_RGB), (RIGHT_LUNG, LUNGS_RGB), (HEART, HEART_RGB))

_Picture = npt.NDArray[np.uint8]


def overlay_names(paths: Sequence[str]) -> tuple[str, ...]:
    """Name the overlays of a run, each differently even where two films share a stem.

    Args:
        paths: the inputs, in order.

    Returns:
        One file name an input: its stem, with part of the path's hash where the stem alone (upper
        and lower case alike) belongs to several.
    """
    stems = [
        re.sub(r"[^\w.-]+", "_", Path(path).stem, flags=re.ASCII)[:100] or "film" for path in paths
    ]
    shared = Counter(stem.casefold() for stem in stems)
    taken = {stem.casefold() for stem in stems if shared[stem.casefold()] == 1}
    names = []
    for path, stem in zip(paths, stems, strict=True):
        name = stem
        if shared[stem.casefold()] > 1:
            digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
            name, repeat = f"{stem}_{digest}", 1
            while name.casefold() in taken:
                repeat += 1
                name = f"{stem}_{digest}_{repeat}"
            taken.add(name.casefold())
        names.append(f"{name}.png")
    return tuple(names)


def votes_text(won: int, patches: int) -> str:
    """Say in a caption how many patches voted for the class that is shown.

    Args:
        won: votes of the class.
        patches: patches that voted.

    Returns:
        The words with the space behind them; '' for a single vote, which says nothing.
    """
    return f"{won} of {patches} votes   " if patches != 1 else ""


def display_grey(
    pixels: npt.NDArray[np.uint16], padding: int = -1, side: int = _PANEL
) -> npt.NDArray[np.uint8]:
    """Make a film fit for the screen: reduced by area, and its grey levels spread.

    The middle 99 % of the levels fill the range, and a gamma brings the median to the middle: raw
    detector values, which would look washed out, stay legible. Only the picture is changed so.

    Args:
        pixels: uint16 [H, W].
        padding: the grey level to leave out, -1 for none; it is shown black.
        side: the longer side of the answer, in pixels.

    Returns:
        uint8 [h, w] of the film's proportions.
    """
    height, width = pixels.shape
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    levels = cv2.resize(pixels, size, interpolation=shrink)
    if padding >= 0:
        outside = (pixels == padding).astype(np.uint8)
        kept = cv2.resize(outside, size, interpolation=cv2.INTER_NEAREST) == 0
    counts = np.bincount(levels.ravel() if padding < 0 else levels[kept], minlength=1 << 16)
    up_to = np.cumsum(counts)
    if not up_to[-1]:
        return np.zeros(levels.shape, np.uint8)
    low, high = (_quantile(up_to, share) for share in (0.005, 0.995))
    # Of every level there can be, not of every pixel.
    spread = (np.arange(1 << 16, dtype=np.float32) - low) / max(high - low, 1.0)
    spread = np.clip(spread, 0.0, 1.0).astype(np.float32)
    median = np.clip(np.interp(_quantile(up_to, 0.5), np.arange(1 << 16), spread), 0.01, 0.99)
    gamma = np.clip(np.log(0.5) / np.log(median), 0.4, 2.5)
    shown = np.rint(255.0 * spread**gamma).astype(np.uint8)
    grey = shown[levels]
    return grey if padding < 0 else np.where(kept, grey, np.uint8(0))


def _quantile(up_to: npt.NDArray[np.int64], share: float) -> float:
    """Find a quantile of levels, between two of them as `np.quantile` does.

    Args:
        up_to: int64 [65536], how many pixels have at most each level.
        share: 0 to 1.
    """
    place = share * (int(up_to[-1]) - 1)
    first = int(place)
    low, high = np.searchsorted(up_to, [first + 1, min(first + 2, int(up_to[-1]))])
    return float(low + (high - low) * (place - first))


def colour_saliency(saliency: npt.NDArray[np.float32]) -> tuple[_Picture, npt.NDArray[np.float32]]:
    """Colour a saliency map on the fixed scale 0..1, so that films can be compared (Fig. 8).

    Args:
        saliency: float32 [h, w] in 0..1 (eq. 5); never rescaled to its own range.

    Returns:
        RGB uint8 [h, w, 3], and the opacity float32 [h, w] in 0..0.65: none at 0, full from 0.5.
    """
    fixed = np.clip(saliency, 0.0, 1.0)
    coloured = cv2.applyColorMap(np.rint(fixed * 255).astype(np.uint8), cv2.COLORMAP_TURBO)
    opacity = _OPACITY * np.clip(fixed * 2.0, 0.0, 1.0)
    return np.ascontiguousarray(coloured[..., ::-1]), opacity.astype(np.float32)


def cover_with_saliency(film: _Picture, saliency: npt.NDArray[np.float32]) -> _Picture:
    """Lay a saliency map over a film, on the fixed scale of `colour_saliency`.

    Args:
        film: RGB uint8 [h, w, 3].
        saliency: float32 map of the whole frame in 0..1, any size.

    Returns:
        RGB uint8 [h, w, 3].
    """
    height, width = film.shape[:2]
    coloured, opacity = colour_saliency(
        cv2.resize(saliency, (width, height), interpolation=cv2.INTER_LINEAR)
    )
    mixed = film * (1 - opacity[..., None]) + coloured * opacity[..., None]
    return np.rint(mixed).astype(np.uint8)


def draw_outlines(picture: _Picture, mask: npt.NDArray[np.uint8]) -> None:
    """Draw the outlines of heart (red) and lungs (blue) into a picture.

    Args:
        picture: RGB uint8 [h, w, 3], changed in place.
        mask: uint8 label map of the whole frame: 0 background, 1 heart, 2 left lung, 3 right lung.
    """
    height, width = picture.shape[:2]
    labels = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
    for label, colour in _PARTS:
        part = (labels == label).astype(np.uint8)
        outlines, _ = cv2.findContours(part, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, outlines, -1, colour, 2)


def _write(canvas: _Picture, text: str, row: int, colour: tuple[int, int, int]) -> None:
    """Write one line of text, shortened in its middle to the canvas' width."""
    text = text.encode("ascii", "replace").decode("ascii")
    room = canvas.shape[1] - 2 * _MARGIN
    style = (cv2.FONT_HERSHEY_SIMPLEX, 0.5)
    shown = text
    while cv2.getTextSize(shown, *style, 1)[0][0] > room and len(text) > 8:
        middle = len(text) // 2
        text = text[: middle - 1] + text[middle + 1 :]
        shown = f"{text[: len(text) // 2]}...{text[len(text) // 2 :]}"
    cv2.putText(canvas, shown, (_MARGIN, row), *style, colour, 1, cv2.LINE_AA)


def _scale_bar(height: int) -> _Picture:
    """Draw the colour scale of the saliency, 1 above and 0 below, as RGB uint8 [height, 64, 3]."""
    bar = np.zeros((height, 64, 3), np.uint8)
    top, bottom = min(20, height // 4), height - min(20, height // 4)
    ramp = np.linspace(1.0, 0.0, max(bottom - top, 1), dtype=np.float32)
    coloured, opacity = colour_saliency(np.repeat(ramp[:, None], 18, axis=1))
    shown = coloured * (opacity / _OPACITY)[..., None]
    bar[top : top + len(ramp), 10:28] = np.rint(shown)
    for value in (0.0, 0.5, 1.0):
        row = round(bottom - value * (bottom - top)) + 4
        place = (32, row)
        cv2.putText(
            bar, f"{value:.1f}", place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, _TEXT, 1, cv2.LINE_AA
        )
    return bar


def render_overlay(
    pixels: npt.NDArray[np.uint16],
    mask: npt.NDArray[np.uint8],
    saliency: npt.NDArray[np.float32] | None,
    *,
    padding: int = -1,
    title: str,
    caption: str,
    warning: str = "",
) -> npt.NDArray[np.uint8]:
    """Draw a film with its mask, and beside it the same with the saliency over it.

    Args:
        pixels: uint16 [H, W].
        mask: uint8 [256, 256] label map of the whole frame (see `draw_outlines`).
        saliency: float32 [256, 256] in 0..1 of the decided class, None where there is no decision.
        padding: grey level of the film to leave out, -1 for none.
        title: the line under the notice: which film.
        caption: the line under the title: what was decided.
        warning: shown beside the notice, such as that the model learnt from phantoms.

    Returns:
        RGB uint8 [h, w, 3], headed by the notice that this is research software.
    """
    grey = display_grey(pixels, padding)
    height = grey.shape[0]
    film = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    panels = [film.copy()]
    if saliency is not None:
        panels.append(cover_with_saliency(film, saliency))
    for panel in panels:
        draw_outlines(panel, mask)
    if saliency is not None:
        panels.append(_scale_bar(height))
    body = np.concatenate(panels, axis=1)
    lines = [(NOTICE, _TEXT), *([(warning, _WARNING)] if warning else [])]
    lines += [(title, _TEXT), (caption, _TEXT)]
    head = _LINE * len(lines) + _MARGIN
    canvas = np.zeros((head + height, max(body.shape[1], _PANEL), 3), np.uint8)
    canvas[head:, : body.shape[1]] = body
    for number, (text, colour) in enumerate(lines, start=1):
        _write(canvas, text, number * _LINE - 4, colour)
    return canvas


def encode_png(picture: npt.NDArray[np.uint8]) -> bytes:
    """Encode a picture.

    Args:
        picture: RGB uint8 [h, w, 3], or grey [h, w].

    Returns:
        The content of the PNG file.
    """
    blue_first = picture if picture.ndim == 2 else picture[..., ::-1]
    return cv2.imencode(".png", blue_first)[1].tobytes()


def write_png(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    """Write a picture as PNG, whole or not at all.

    Args:
        path: the file to write.
        picture: RGB uint8 [h, w, 3], or grey [h, w].

    Raises:
        OSError: the file cannot be written.
    """
    with whole(path) as fresh:
        fresh.write_bytes(encode_png(picture))
