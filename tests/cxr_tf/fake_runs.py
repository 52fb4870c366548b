"""Runs that were never trained: random networks that find lungs and disagree about patches."""

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from cxr_tf.models.registry import build
from cxr_tf.models.weights import weight_arrays
from cxr_tf.saved.run_options import (
    ClassificationTrainingOptions,
    SegmentationTrainingOptions,
    TrainingOptions,
)
from cxr_tf.saved.weights_record import save_best
from pipelines.classes import parse_classes
from pipelines.normalise import normalise
from pipelines.patches import network_input
from tools.phantoms.chest import phantom

#: Share of pixels for heart, left and right lung on the film that the biases are set with.
SHARES = (0.1, 0.2, 0.2)


def film(seed: int = 0, size: int = 320, label: str = "bacterial") -> np.ndarray:
    """A phantom's pixels, uint16 [size, size]."""
    return phantom(label, np.random.default_rng(seed), size).pixels


def png(pixels: np.ndarray) -> bytes:
    """The film as a 16-bit PNG."""
    return tf.io.encode_png(pixels[..., None]).numpy()


def jpeg(pixels: np.ndarray) -> bytes:
    """The film as an 8-bit JPEG."""
    return tf.io.encode_jpeg((pixels[..., None] // 257).astype(np.uint8)).numpy()


def save_run(run: Path, config: TrainingOptions, model: keras.Model) -> Path:
    """Write what inference reads of a run."""
    run.mkdir(parents=True)
    config.save(run / "config.json")
    facts = {"fingerprint": "0" * 64, "films": 12, "phantom": True}
    (run / "data.json").write_text(json.dumps(facts))
    save_best(weight_arrays(model), run)
    return run


def segmentation_run(run: Path, finds_lungs: bool = True, **options: object) -> Path:
    """A random small U-Net whose biases make it find lungs in part of a film, or nowhere."""
    keras.utils.set_random_seed(1)
    config = SegmentationTrainingOptions(network="u_net_small", **options)
    model = build(config.network, size=config.size)
    (small,), _ = normalise(tf.constant(film()), sizes=(config.size,), enhance=config.normalise)
    logits = model(small[None, :, :, None] / 255.0, training=False).numpy().reshape(-1, 4)
    # Channels alike in mean and spread, then each raised above the background on its share.
    layer = model.get_layer("logits")
    layer.kernel.assign(layer.kernel.numpy() / logits.std(0))
    logits = (logits - logits.mean(0)) / logits.std(0)
    raised = [np.quantile(logits[:, 0] - logits[:, c], s) for c, s in enumerate(SHARES, 1)]
    found = model(small[None, :, :, None] / 255.0, training=False).numpy().reshape(-1, 4)
    background = 0.0 if finds_lungs else 100.0
    layer.bias.assign(np.array([background, *raised]) - found.mean(0))
    return save_run(run, config, model)


def classification_run(run: Path, segmentation: Path, **options: object) -> Path:
    """A random ResNet, a small one if nothing else is asked for, whose patches differ."""
    keras.utils.set_random_seed(2)
    given = {"network": "resnet18_small", "segmentation": str(segmentation), **options}
    config = ClassificationTrainingOptions(**given)
    classes = parse_classes(config.classes).names
    model = build(config.network, size=config.patch_size, classes=len(classes))
    size = config.patch_size
    (large,), _ = normalise(tf.constant(film()), sizes=(1024,))
    corners = np.random.default_rng(5).integers(0, 1024 - size, (16, 2))
    patches = tf.stack([large[y : y + size, x : x + size] for y, x in corners])
    logits = model(network_input(patches, config.scaling), training=False)["logits"].numpy()
    head = model.get_layer("fc")
    spread = logits.std(0)
    head.kernel.assign(head.kernel.numpy() / spread)
    head.bias.assign(-(logits / spread).mean(0))
    return save_run(run, config, model)
