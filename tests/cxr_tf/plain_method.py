"""The whole method once more, with unfrozen Keras networks and NumPy: an oracle for the graph."""

import dataclasses

import cv2
import keras
import numpy as np
import scipy.ndimage
import tensorflow as tf

from pipelines.normalise import normalise

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
SD = np.array([0.229, 0.224, 0.225], np.float32)


@dataclasses.dataclass
class Answer:
    """What the oracle found; the names are those of the signatures."""

    mask: np.ndarray
    lung_fraction: float
    centres: np.ndarray
    patch_probabilities: np.ndarray
    votes: np.ndarray
    probabilities: np.ndarray
    class_index: int
    saliency: np.ndarray
    saliency_unweighted: np.ndarray


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis."""
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def predicted_mask(segmentation: keras.Model, pixels: np.ndarray, padding: int = -1) -> np.ndarray:
    """Label map, uint8 [256, 256]."""
    (small,), _ = normalise(tf.constant(pixels), padding, (256,))
    logits = segmentation(small[None, :, :, None] / 255.0, training=False)[0]
    return np.argmax(logits, -1).astype(np.uint8)


def decide(votes: np.ndarray, probabilities: np.ndarray) -> int:
    """Most votes, then the larger mean probability, then the lower index."""
    return min(range(len(votes)), key=lambda c: (-votes[c], -probabilities[c], c))


def answer(
    classification: keras.Model,
    pixels: np.ndarray,
    mask: np.ndarray,
    *,
    padding: int = -1,
    seed: int = 0,
    patches: int = 100,
    whole: bool = False,
    around_lungs: bool = False,
) -> Answer:
    """Classify a film by a mask; a pixel of the mask more or less would move every centre."""
    (large,), _ = normalise(tf.constant(pixels), padding, (1024,))
    lung = np.isin(mask, (2, 3))
    lung_large = lung.repeat(4, 0).repeat(4, 1)
    seen = np.where(lung_large, large.numpy(), 0.0).astype(np.float32)
    size = classification.input_shape[1]
    top, left, side = 0, 0, 1024
    if around_lungs:
        places = np.argwhere(lung_large)
        first, last = places.min(0), places.max(0) + 1
        side = int(np.ceil((last - first).max() * 1.06))
        top, left = (first + last - side) // 2
        margin = np.pad(seen, 1024)
        seen = margin[top + 1024 : top + side + 1024, left + 1024 : left + side + 1024]
    if whole:
        centres = np.array([[top + side // 2, left + side // 2]])
        square = tf.image.resize(seen[..., None], [size, size], antialias=True)[..., 0]
        cut = np.clip(square.numpy(), 0.0, 255.0)[None]
    else:
        drawn = tf.random.stateless_uniform(
            [65536], tf.constant([seed, 0], tf.int64), None, None, tf.uint32, alg="philox"
        )
        points = drawn.numpy().astype(np.int64) // 2**12
        hits = points[lung_large.reshape(-1)[points]][:patches]
        centres = np.stack([hits // 1024, hits % 1024], 1)
        padded = np.pad(seen, size // 2)
        cut = np.stack([padded[y : y + size, x : x + size] for y, x in centres])
    inputs = (cut[..., None].repeat(3, -1) / 255.0 - MEAN) / SD
    found = classification(inputs.astype(np.float32), training=False)
    by_patch = softmax(found["logits"].numpy().astype(np.float64))
    votes = np.bincount(by_patch.argmax(-1), minlength=by_patch.shape[1])
    mean = by_patch.mean(0)
    drawn_at = 256 if whole else size
    maps = class_maps(classification, found["features"].numpy(), size, drawn_at)
    saliency = maps[0] if whole else average_maps(maps, by_patch, centres)
    even = maps[0] if whole else average_maps(maps, np.ones_like(by_patch), centres)
    if around_lungs:
        small = class_maps(classification, found["features"].numpy(), size, None)[0]
        saliency = even = placed_maps(small, top, left, side)
    chosen = decide(votes, mean)
    return Answer(mask, lung.mean(), centres, by_patch, votes, mean, chosen, saliency, even)


def class_maps(
    classification: keras.Model, features: np.ndarray, size: int, drawn_at: int | None
) -> np.ndarray:
    """Grad-CAM in closed form, [n, classes, drawn_at, drawn_at], in 0..1; None does not enlarge it.

    Behind global average pooling and a dense layer the gradient of a score is the layer's kernel
    divided by the number of positions. A map is divided by its maximum at the input's size.
    """
    kernel = classification.get_layer("fc").kernel.numpy()
    raw = np.einsum("nuvk,kc->ncuv", features, kernel / np.prod(features.shape[1:3]))
    raw = np.maximum(raw, 0.0)
    flat = raw.reshape(-1, *raw.shape[2:])
    highest = np.array([cv2.resize(each, (size, size)).max() for each in flat])
    large = flat
    if drawn_at is not None:
        large = np.stack([cv2.resize(each, (drawn_at, drawn_at)) for each in flat])
    highest = highest[:, None, None]
    scaled = np.divide(large, highest, out=np.zeros_like(large), where=highest > 0)
    return np.clip(scaled, 0.0, 1.0).reshape(*raw.shape[:2], *large.shape[1:])


def placed_maps(small: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """Maps of a square of a film of 1024 x 1024, on all of it: [classes, 256, 256]."""
    middles = np.arange(256) * 4 + 2.0
    rows, columns = (
        (middles - start) / side * count - 0.5
        for start, count in zip((top, left), small.shape[1:], strict=True)
    )
    places = np.meshgrid(rows, columns, indexing="ij")
    large = [scipy.ndimage.map_coordinates(each, places, order=1, mode="nearest") for each in small]
    inside = [(middles >= start) & (middles <= start + side) for start in (top, left)]
    return np.clip(np.stack(large), 0.0, 1.0) * np.outer(*inside)


def average_maps(maps: np.ndarray, by_patch: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Eq. 5 at 1024 x 1024, then the mean over blocks of 4 x 4: [classes, 256, 256]."""
    size = maps.shape[-1]
    margin = size // 2
    total = np.zeros((maps.shape[1], 1024 + size, 1024 + size))
    cover = np.zeros((1024 + size, 1024 + size))
    for each, shares, (y, x) in zip(maps, by_patch, centres, strict=True):
        total[:, y : y + size, x : x + size] += shares[:, None, None] * each
        cover[y : y + size, x : x + size] += 1
    mean = np.divide(total, cover, out=np.zeros_like(total), where=cover > 0)
    mean = mean[:, margin : margin + 1024, margin : margin + 1024]
    return mean.reshape(-1, 256, 4, 256, 4).mean((2, 4))


def patches_needed(winners, classes):
    """Fewest patches after which the vote cannot change: leader - runner-up > patches left."""
    votes = np.zeros(classes, np.int64)
    order = np.asarray(winners)
    for index, winner in enumerate(order):
        votes[winner] += 1
        runner_up, leader = np.sort(votes)[-2:]
        if leader - runner_up > len(order) - index - 1:
            return index + 1
    return len(order)
