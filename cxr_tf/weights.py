"""Weights on disk: safetensors under the Keras paths of the variables. Nothing is unpickled."""

from pathlib import Path

import keras
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from cxr_tf.errors import UsageError


def weight_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    """Weights of a model by path, without the states of random generators.

    Args:
        model: any Keras model.

    Returns:
        Arrays by path, such as `layer1_0_conv1/kernel`.
    """
    return {weight.path: np.asarray(weight) for weight in model.weights}


def save_weights(model: keras.Model, path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write the weights of a model; the file appears whole or not at all.

    Args:
        model: any Keras model.
        path: the safetensors file.
        metadata: notes kept in the file's header.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    arrays = {name: np.ascontiguousarray(value) for name, value in weight_arrays(model).items()}
    save_file(arrays, partial, metadata=metadata)
    partial.replace(path)


def load_weights(model: keras.Model, path: Path) -> None:
    """Read weights written by `save_weights`.

    Args:
        model: a model with the same variables; changed in place.
        path: the safetensors file.

    Raises:
        FileNotFoundError: there is no such file.
        UsageError: the file is damaged, or a variable is missing, left over, or of another shape;
            all are named.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no weights here; was the training run finished?")
    try:
        arrays = load_file(path)
    except SafetensorError as error:
        raise UsageError(f"{path}: damaged, or no safetensors file ({error})") from error
    faults, fitting = [], []
    for weight in model.weights:
        value = arrays.pop(weight.path, None)
        if value is None:
            faults.append(f"{weight.path} is missing")
        elif tuple(value.shape) != tuple(weight.shape):
            faults.append(f"{weight.path} has shape {value.shape}, not {tuple(weight.shape)}")
        else:
            fitting.append((weight, value))
    faults += [f"{name} is not part of {model.name}" for name in arrays]
    if faults:
        raise UsageError(f"{path} does not fit {model.name}: " + "; ".join(faults))
    for weight, value in fitting:
        weight.assign(value)
