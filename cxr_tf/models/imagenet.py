"""ImageNet weights for ResNet-18 from files: safetensors, or npz with folded batch norm.

Files name their arrays as torchvision and timm do (`layer1.0.conv1.weight`). Where batch norm was
folded into kernels and biases, its statistics are estimated from training patches in a way that
keeps the function exactly. Nothing is unpickled.
"""

import dataclasses
import logging
import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from safetensors import SafetensorError
from safetensors.numpy import load_file

from cxr_tf.models.layers import BATCH_NORM_EPSILON
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.fetched import fetch

log = logging.getLogger(__name__)

_BATCH_NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


#: torchvision's ImageNet weights as published by timm, at one revision.
PUBLIC_URL = (
    "https://huggingface.co/timm/resnet18.tv_in1k/resolve/"
    "bbd144b3e5565108aad885f145491d11bc6ce807/model.safetensors"
)
PUBLIC_SHA256 = "694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81"


class WeightsError(UsageError):
    """A weight file cannot be used; the message names file, cause and remedy."""


def read_arrays(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Read and join the arrays of weight files; the first file that has a name gives it.

    Args:
        paths: safetensors or npz files.

    Returns:
        Arrays by their name in the file.

    Raises:
        WeightsError: a file is missing, damaged, of another kind, or holds Python objects.
    """
    arrays: dict[str, np.ndarray] = {}
    for path in paths:
        if not path.is_file():
            raise WeightsError(f"{path}: no such weight file")
        if path.suffix not in (".safetensors", ".npz"):
            raise WeightsError(f"{path}: give a .safetensors or .npz file; others are not opened")
        try:
            found = load_file(path) if path.suffix == ".safetensors" else _read_npz(path)
        except (ValueError, EOFError, SafetensorError, zipfile.BadZipFile) as error:
            kind = path.suffix[1:]
            raise WeightsError(
                f"{path}: damaged, or not a plain {kind} file ({error}); fetch it again"
            ) from error
        arrays = found | arrays
    return arrays


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    # Opened here: NumPy leaves the file open where it finds no archive in it.
    with path.open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("it holds one array without a name")
        return {name: archive[name] for name in archive.files}


def torchvision_name(layer: str) -> str:
    """Name that torchvision gives a layer of ours: `layer1_0_conv1` -> `layer1.0.conv1`.

    Args:
        layer: name of the Keras layer.
    """
    return re.sub(r"_(?=\d|conv|bn|downsample)|(?<=downsample)_", ".", layer)


@dataclasses.dataclass(frozen=True)
class _Pair:
    """A convolution and the batch norm behind it."""

    convolution: keras.layers.Layer
    batch_norm: keras.layers.Layer


def _pairs(model: keras.Model) -> list[_Pair]:
    """Convolutions in the order of the data, each with its batch norm."""
    pairs = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            name = layer.name
            norm = name.replace("conv", "bn") if "conv" in name else name[:-1] + "1"
            pairs.append(_Pair(layer, model.get_layer(norm)))
    return pairs


def load_imagenet(
    model: keras.Model, paths: Sequence[Path], patches: Iterable[tf.Tensor]
) -> list[str]:
    """Give a ResNet-18 the ImageNet weights of some files.

    A convolution with a bias had its batch norm folded in: with mean m and variance v of its
    output on the patches, moving mean m, variance v, gamma `sqrt(v + eps)` and beta `bias + m`
    keep its function exactly. An 8-bit kernel (`weight_int8`) takes the file's gamma and beta and
    statistics from the patches, in which its unknown scale vanishes. A convolution without a
    source keeps its random kernel, and its block starts as the identity: gamma and beta of the
    block's last batch norm are zero.

    Args:
        model: a ResNet-18; changed in place. The dense layer keeps its weights.
        paths: safetensors or npz files.
        patches: batches of network input, float32 [B, S, S, 3]; used several times.

    Returns:
        Names, in torchvision's form, of the convolutions without a source.

    Raises:
        WeightsError: a file cannot be used, or an array has the wrong shape.
    """
    arrays = read_arrays(paths)
    patches = list(patches)
    estimated: list[tuple[_Pair, str]] = []
    missing: list[str] = []
    for pair in _pairs(model):
        name = torchvision_name(pair.convolution.name)
        norm = torchvision_name(pair.batch_norm.name)
        if f"{name}.weight" in arrays:
            _assign_kernel(pair.convolution, arrays[f"{name}.weight"], name)
            if f"{name}.bias" in arrays:
                _assign_folded(pair.batch_norm, arrays[f"{name}.bias"])
                estimated.append((pair, "folded"))
            else:
                _assign_batch_norm(pair.batch_norm, arrays, norm)
        elif f"{name}.weight_int8" in arrays:
            _assign_kernel(pair.convolution, arrays[f"{name}.weight_int8"], name)
            _assign_batch_norm(pair.batch_norm, arrays, norm)
            estimated.append((pair, "rounded"))
        else:
            missing.append(name)
            estimated.append((pair, "missing"))
    blocks = sorted({name.rsplit(".", 1)[0] for name in missing})
    for block in blocks:
        last = model.get_layer(block.replace(".", "_") + "_bn2")
        last.gamma.assign(tf.zeros_like(last.gamma))
        last.beta.assign(tf.zeros_like(last.beta))
    if missing:
        log.warning(
            "no ImageNet weights for %s: drawn at random; %s starts as the identity",
            ", ".join(missing), ", ".join(blocks),
        )  # fmt: skip
    _estimate(model, estimated, patches)
    return missing


def _assign_kernel(layer: keras.layers.Layer, kernel: np.ndarray, name: str) -> None:
    turned = kernel.astype(np.float32).transpose(2, 3, 1, 0)
    if turned.shape != tuple(layer.kernel.shape):
        raise WeightsError(
            f"{name}.weight has shape {kernel.shape} (OIHW), which does not fit "
            f"{tuple(layer.kernel.shape)} (HWIO); is this a ResNet-18?"
        )
    layer.kernel.assign(turned)


def _assign_batch_norm(layer: keras.layers.Layer, arrays: dict[str, np.ndarray], name: str) -> None:
    for theirs, ours in _BATCH_NORM.items():
        if f"{name}.{theirs}" not in arrays:
            raise WeightsError(f"{name}.{theirs} is missing from the weight files")
        getattr(layer, ours).assign(arrays[f"{name}.{theirs}"])


def _assign_folded(layer: keras.layers.Layer, bias: np.ndarray) -> None:
    """Set the identity plus the bias; `_estimate` puts statistics of the same function there."""
    layer.moving_mean.assign(np.zeros_like(bias))
    layer.moving_variance.assign(np.ones_like(bias))
    layer.gamma.assign(np.full_like(bias, np.sqrt(1.0 + BATCH_NORM_EPSILON)))
    layer.beta.assign(bias)


def _estimate(
    model: keras.Model, pairs: Sequence[tuple[_Pair, str]], patches: Sequence[tf.Tensor]
) -> None:
    """Set statistics in the order of the data.

    Those of folded layers change no function, so they share a pass; each of the others has one of
    its own.
    """
    folded = [pair for pair, kind in pairs if kind == "folded"]
    passes = [folded] if folded else []
    passes += [[pair] for pair, kind in pairs if kind != "folded"]
    # In the order of the data, so that each sees the final function of what lies before it; folded
    # layers behind an 8-bit one need a second look once that is settled.
    if folded and len(passes) > 1:
        passes.append(folded)
    for group in passes:
        outputs = [pair.convolution.output for pair in group]
        moments = _moments(keras.Model(model.input, outputs), len(group), patches)
        for pair, (mean, variance) in zip(group, moments, strict=True):
            norm = pair.batch_norm
            if pair in folded:
                sd = np.sqrt(np.asarray(norm.moving_variance) + BATCH_NORM_EPSILON)
                scale = np.asarray(norm.gamma) / sd
                bias = np.asarray(norm.beta) - scale * np.asarray(norm.moving_mean)
                norm.gamma.assign(np.sqrt(variance + BATCH_NORM_EPSILON))
                norm.beta.assign(bias + mean)
            norm.moving_mean.assign(mean)
            norm.moving_variance.assign(variance)


def _moments(
    probe: keras.Model, count: int, patches: Sequence[tf.Tensor]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mean and variance over all positions of each output of a model."""
    if not patches:
        raise WeightsError("folded weights need training patches to estimate statistics from")

    def moments(batch: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
        outputs = probe(batch, training=False)
        outputs = [outputs] if count == 1 and not isinstance(outputs, list) else outputs
        return [tf.nn.moments(tf.cast(x, tf.float32), [0, 1, 2]) for x in outputs]

    measure = tf.function(moments, autograph=False).get_concrete_function(
        tf.TensorSpec([None, *patches[0].shape[1:]], tf.float32)
    )
    found = [measure(batch) for batch in patches]
    result = []
    for index in range(count):
        means = np.stack([batch[index][0].numpy() for batch in found]).astype(np.float64)
        variances = np.stack([batch[index][1].numpy() for batch in found])
        mean = means.mean(0)
        variance = (variances + means**2).mean(0) - mean**2
        result.append((mean.astype(np.float32), np.maximum(variance, 0.0).astype(np.float32)))
    return result


def download(folder: Path, url: str = PUBLIC_URL, sha256: str = PUBLIC_SHA256) -> Path:
    """Fetch a weight file once, and keep it only if its hash is the expected one.

    Args:
        folder: where to keep it.
        url: where it lies.
        sha256: hexadecimal digits.

    Returns:
        The file.

    Raises:
        WeightsError: it cannot be fetched, or is not the file expected.
    """
    path = folder / f"resnet18-{sha256[:8]}.safetensors"
    try:
        return fetch(path, url, sha256)
    except UsageError as error:
        raise WeightsError(f"{error}; give --imagenet a file instead") from error
