"""The method as a user of PyTorch would write it: batched, channels-last, without a needless pass.

Decoding and normalising are OpenCV's and NumPy's. Its answers are compared with ours before
anything is timed.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

MEAN = torch.tensor([0.485, 0.456, 0.406])[None, :, None, None]
SD = torch.tensor([0.229, 0.224, 0.225])[None, :, None, None]
SIZE, MASK, PATCH, SUB_BATCH = 1024, 256, 224, 20


@dataclass(frozen=True)
class TorchAnswer:
    """What is found of a film.

    Attributes:
        mask: uint8 [256, 256].
        probabilities: of each patch, float32 [K, C].
        saliency: float32 [C, 1024, 1024], where it was asked for.
    """

    mask: np.ndarray
    probabilities: np.ndarray
    saliency: np.ndarray | None


def equalised(pixels: np.ndarray) -> np.ndarray:
    """Equalise and correct gamma as `pipelines.normalise` defines them.

    Args:
        pixels: uint8 or uint16 [H, W].

    Returns:
        float32 [H, W] in 0..255.
    """
    levels = 1 << (8 * pixels.itemsize)
    inside = _content(pixels, 2 * (levels - 1) // 255)
    cumulative = np.cumsum(np.bincount(inside.reshape(-1), minlength=levels))
    lowest = cumulative[cumulative > 0][0]
    share = np.clip((cumulative - lowest) / (cumulative[-1] - lowest), 0.0, 1.0)
    return (255.0 * np.sqrt(share)).astype(np.float32)[pixels]


def _content(pixels: np.ndarray, spread: int) -> np.ndarray:
    """Give the film without its blank border."""
    while pixels.size:
        before = pixels.shape
        for axis in (1, 0):
            lines = pixels.max(axis).astype(int) - pixels.min(axis) > spread
            found = np.flatnonzero(lines)
            first, last = (found[0], found[-1] + 1) if found.size else (0, 0)
            pixels = pixels[first:last] if axis else pixels[:, first:last]
        if pixels.shape == before:
            break
    return pixels


def resized(film: np.ndarray, size: int) -> torch.Tensor:
    """Resize a film to a square, bilinear with anti-aliasing.

    Args:
        film: float32 [H, W].
        size: side in pixels.

    Returns:
        float32 [1, 1, size, size].
    """
    return functional.interpolate(
        torch.from_numpy(film)[None, None], (size, size), mode="bilinear", antialias=True
    )


def clean(labels: np.ndarray) -> np.ndarray:
    """Leave the largest region of each part and fill its holes.

    Args:
        labels: uint8 [256, 256].
    """
    result = np.zeros_like(labels)
    for part in (1, 2, 3):
        _, names, facts, _ = cv2.connectedComponentsWithStats((labels == part).astype(np.uint8), 4)
        if len(facts) > 1:
            result[names == 1 + np.argmax(facts[1:, cv2.CC_STAT_AREA])] = part
    for part in (1, 2, 3):
        _, names, facts, _ = cv2.connectedComponentsWithStats((result != part).astype(np.uint8), 4)
        for index, (left, top, width, height, _) in enumerate(facts[1:], 1):
            within = left > 0 and top > 0 and left + width < MASK and top + height < MASK
            region = names == index
            if within and not result[region].any():
                result[region] = part
    return result


def read_grey(path: Path) -> np.ndarray:
    """Decode a film with OpenCV.

    Args:
        path: a grey PNG or JPEG file.

    Returns:
        Its pixels as stored.

    Raises:
        ValueError: OpenCV cannot read the file.
    """
    pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    if pixels is None:
        raise ValueError(f"{path} cannot be read: name a grey PNG or JPEG file")
    return pixels


class TorchTriage:
    """Segmentation, vote and probabilistic Grad-CAM in PyTorch."""

    def __init__(
        self,
        segmentation: nn.Module,
        classification: nn.Module,
        *,
        size: int,
        resolution_limit: int,
        clean_masks: bool,
    ) -> None:
        """Take the networks and the options of the exported model."""
        self.segmentation, self.classification = segmentation, classification
        self.size, self.limit, self.clean_masks = size, resolution_limit, clean_masks

    def prepare(self, path: Path) -> tuple[np.ndarray, torch.Tensor, np.ndarray]:
        """Decode, normalise and segment.

        Args:
            path: a grey PNG or JPEG file.

        Returns:
            The label map, the masked film float32 [1024, 1024], and where the lungs are.
        """
        film = equalised(read_grey(path))
        longer = max(film.shape)
        if self.limit and longer > self.limit:
            height, width = (round(side * self.limit / longer) for side in film.shape)
            film = cv2.resize(film, (width, height), interpolation=cv2.INTER_AREA)
        small = resized(film, self.size).to(memory_format=torch.channels_last)
        probabilities = self.segmentation(small / 255.0).softmax(1)
        if self.size != MASK:
            probabilities = functional.interpolate(probabilities, (MASK, MASK), mode="bilinear")
        labels = probabilities[0].argmax(0).to(torch.uint8).numpy()
        if self.clean_masks:
            labels = clean(labels)
        lungs = np.isin(labels, (2, 3)).repeat(SIZE // MASK, 0).repeat(SIZE // MASK, 1)
        masked = torch.where(torch.from_numpy(lungs), resized(film, SIZE)[0, 0], 0.0)
        return labels, masked, lungs

    @torch.inference_mode()
    def decide(
        self, path: Path, centres: np.ndarray | None = None, explain: bool = False
    ) -> TorchAnswer:
        """Decide on one film.

        Args:
            path: a grey PNG or JPEG file.
            centres: int [K, 2]; None draws 100.
            explain: give the maps of all classes too.
        """
        labels, masked, lungs = self.prepare(path)
        if centres is None:
            places = np.argwhere(lungs)
            centres = places[np.random.default_rng(0).integers(0, len(places), 100)]
        padded = functional.pad(masked, [PATCH // 2] * 4)
        found, maps = [], []
        for start in range(0, len(centres), SUB_BATCH):
            cut = [
                padded[y : y + PATCH, x : x + PATCH] for y, x in centres[start : start + SUB_BATCH]
            ]
            grey = torch.stack(cut)[:, None]
            patches = ((grey / 255.0 - MEAN) / SD).to(memory_format=torch.channels_last)
            logits, features = self.classification(patches)
            found.append(logits.softmax(1))
            if explain:
                maps.append(self._maps(features))
        probabilities = torch.cat(found)
        saliency = None
        if explain:
            saliency = _average(torch.cat(maps), probabilities, centres)
        return TorchAnswer(labels, probabilities.numpy(), saliency)

    def _maps(self, features: torch.Tensor) -> torch.Tensor:
        """Grad-CAM of all classes, the gradient of the dense layer in closed form."""
        weights = self.classification.fc.weight / features[0, 0].numel()
        maps = torch.einsum("nkuv,ck->ncuv", features, weights).relu()
        large = functional.interpolate(maps, (PATCH, PATCH), mode="bilinear")
        highest = large.amax((2, 3), keepdim=True)
        return torch.where(highest > 0, large / highest, 0.0)


def _average(maps: torch.Tensor, probabilities: torch.Tensor, centres: np.ndarray) -> np.ndarray:
    """Eq. 5: [C, 1024, 1024]."""
    total = torch.zeros(maps.shape[1], SIZE + PATCH, SIZE + PATCH)
    cover = torch.zeros(SIZE + PATCH, SIZE + PATCH)
    weighted = maps * probabilities[:, :, None, None]
    for each, (y, x) in zip(weighted, centres, strict=True):
        total[:, y : y + PATCH, x : x + PATCH] += each
        cover[y : y + PATCH, x : x + PATCH] += 1
    half = PATCH // 2
    inner = slice(half, half + SIZE)
    return (total / cover.clamp(min=1))[:, inner, inner].numpy()
