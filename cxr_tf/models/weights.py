"""Weights on disk: safetensors under the Keras paths of the variables. Nothing is unpickled."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.whole_files import whole

#: Binary digits of float32 behind the leading one.
MANTISSA_BITS = 23


def weight_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    """Give the weights of a model by path, without the states of random generators.

    Args:
        model: any Keras model.

    Returns:
        Arrays by path, such as `layer1_0_conv1/kernel`.
    """
    return {weight.path: np.asarray(weight) for weight in model.weights}


def is_kernel(path: str) -> bool:
    """Tell kernels from biases and batch-norm parameters.

    Args:
        path: path of a Keras variable.
    """
    return path.rsplit("/", 1)[-1] == "kernel"


def rounded(values: np.ndarray, mantissa_bits: int) -> np.ndarray:
    """Round numbers to fewer binary digits; they stay float32, and compress better.

    Args:
        values: float32, finite.
        mantissa_bits: digits kept behind the leading one, 1 to 23; 10 are float16's, 7 bfloat16's.

    Returns:
        float32 of the same shape: the nearest numbers, of two equally near the even one.

    Raises:
        ValueError: `mantissa_bits` is out of range.
    """
    if not 1 <= mantissa_bits <= MANTISSA_BITS:
        raise ValueError(f"{mantissa_bits} mantissa bits: give 1 to {MANTISSA_BITS}")
    unit = 2.0 ** (mantissa_bits + 1)
    mantissa, exponent = np.frexp(values.astype(np.float64))
    return np.ldexp(np.rint(mantissa * unit) / unit, exponent).astype(np.float32)


def round_kernels(model: keras.Model, mantissa_bits: int) -> None:
    """Round the kernels of a model in place; biases and batch norm keep all digits.

    Args:
        model: any Keras model.
        mantissa_bits: see `rounded`.
    """
    for weight in model.trainable_weights:
        if is_kernel(weight.path):
            weight.assign(rounded(np.asarray(weight), mantissa_bits))


def weight_hashes(model: keras.Model) -> dict[str, str]:
    """Hash the weights of a model, so that they can be told apart where names are lost.

    Args:
        model: any Keras model.

    Returns:
        `array_hash` of each variable by path.
    """
    return {path: array_hash(value) for path, value in weight_arrays(model).items()}


def array_hash(values: np.ndarray) -> str:
    """Hash type, shape and little-endian content of an array: SHA-256 in hexadecimal.

    Args:
        values: any array of numbers.
    """
    plain = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    header = f"{values.dtype.name} {list(values.shape)}\n".encode()
    return hashlib.sha256(header + plain.tobytes()).hexdigest()


def save_weights(model: keras.Model, path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write the weights of a model; the file appears whole or not at all.

    Args:
        model: any Keras model.
        path: the safetensors file.
        metadata: notes kept in the file's header.

    Raises:
        OSError: the file cannot be written.
    """
    save_arrays(weight_arrays(model), path, metadata)


def save_arrays(
    arrays: Mapping[str, np.ndarray],
    path: Path,
    metadata: dict[str, str] | None = None,
    announce: Callable[[Path], None] | None = None,
) -> None:
    """Write arrays by name; the file appears whole or not at all.

    Args:
        arrays: by path of their variable.
        path: the safetensors file.
        metadata: notes kept in the file's header.
        announce: told where the file lies, whole, before it takes its name.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    contents = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    with whole(path) as fresh:
        try:
            save_file(contents, fresh, metadata=metadata)
        except SafetensorError as error:
            raise OSError(f"{path} cannot be written: {error}") from error
        if announce is not None:
            announce(fresh)


def load_weights(model: keras.Model, path: Path, may_differ: str = "") -> list[str]:
    """Read weights written by `save_weights`.

    Args:
        model: a model with the same variables; changed in place.
        path: the safetensors file.
        may_differ: a layer whose variables stay as they are where their shapes differ, such as
            the head for other classes; '' for none.

    Returns:
        Paths of the variables that stayed as they were.

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
    faults, fitting, left = [], [], []
    for weight in model.weights:
        value = arrays.pop(weight.path, None)
        if value is None:
            faults.append(f"{weight.path} is missing")
        elif tuple(value.shape) != tuple(weight.shape):
            if weight.path.split("/")[0] == may_differ:
                left.append(weight.path)
                continue
            faults.append(f"{weight.path} has shape {value.shape}, not {tuple(weight.shape)}")
        else:
            fitting.append((weight, value))
    faults += [f"{name} is not part of {model.name}" for name in arrays]
    if faults:
        raise UsageError(f"{path} does not fit {model.name}: " + "; ".join(faults))
    for weight, value in fitting:
        weight.assign(value)
    return left
