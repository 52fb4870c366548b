"""Golden arrays of tensorflow-addons 0.23.0, the reference for what replaced it here.

The arrays in tests/golden are made once, in an environment of their own, since tensorflow-addons
does not import with the TensorFlow of this project:

    python3.11 -m venv addons
    addons/bin/pip install -r requirements-addons.txt
    addons/bin/python -m tools.golden.addons tests/golden

Large inputs are not stored: `equalise_films` makes them from formulas, here and in the tests.
"""

import argparse
import hashlib
import pathlib
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

SIDE = 512


def equalise_films() -> dict[str, npt.NDArray[np.uint8]]:
    """Make the films whose equalisation tables are compared, in integer arithmetic.

    Returns:
        Name -> grey levels, uint8 [512, 512]; the same on every machine and NumPy version.
    """
    row, column = np.indices((SIDE, SIDE), dtype=np.int64)
    mixed = (row * SIDE + column) * 2654435761 % 2**32
    mixed = (mixed ^ (mixed >> 15)) * 2246822519 % 2**32
    noise = (mixed ^ (mixed >> 13)) % 64  # 0..63, without a pattern the eye sees
    ramp = (row + column) * 256 // (2 * SIDE)  # 0..255
    lung = sum(
        np.clip(128 - ((row - 260) ** 2 // 300 + (column - middle) ** 2 // 60), 0, None)
        for middle in (150, 360)
    )
    thorax = 200 - lung + (noise - 32) - np.abs(column - 256) // 4
    films = {
        "thorax": np.clip(thorax, 0, 255),
        "ramp": np.clip(ramp + noise // 4, 0, 255),
        "dark": np.clip(ramp * (ramp + 192) // 560 + noise // 2, 0, 255),
        "bright": 255 - np.clip(ramp * (ramp + 256) // 700 + noise, 0, 255),
        "levels": np.minimum((row // 8 * 3 + column // 8 * 5 + noise // 32) % 11, 6) * 40 + 5,
    }
    return {name: film.astype(np.uint8) for name, film in films.items()}


def checksum(film: npt.NDArray[np.uint8]) -> str:
    """Return the SHA-256 of a film's grey levels, uint8 [H, W], as hexadecimal digits."""
    return hashlib.sha256(np.ascontiguousarray(film).tobytes()).hexdigest()


def _equalise(tfa: Any) -> dict[str, npt.NDArray[Any]]:
    """Tables of `tfa.image.equalize`: int16 [256], -1 for a grey level the film does not have."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, film in equalise_films().items():
        table = np.full(256, -1, np.int16)
        table[film] = tfa.image.equalize(film[..., None]).numpy()[..., 0]
        arrays[f"{name}_table"] = table
        arrays[f"{name}_sha256"] = np.array(checksum(film))
    return arrays


def _f1(tfa: Any) -> dict[str, npt.NDArray[Any]]:
    """Cases of `tfa.metrics.F1Score`: truth, probabilities, macro F1 and F1 per class."""
    cases = {
        # name: classes, films, class that is never predicted, class that no film has
        "four": (4, 116, None, None),
        "three": (3, 40, None, None),
        "never_predicted": (4, 60, 2, None),
        "never_true": (4, 60, None, 3),
        "absent": (4, 60, 1, 1),
    }
    generator = np.random.Generator(np.random.PCG64(0))
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, (classes, films, unpredicted, untrue) in cases.items():
        allowed = [index for index in range(classes) if index != untrue]
        truth = generator.choice(allowed, films).astype(np.int32)
        scores = generator.random((films, classes)) + 0.5 * np.eye(classes)[truth]
        if unpredicted is not None:
            scores[:, unpredicted] = 0.01
        probabilities = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
        for average in ("macro", None):
            metric = tfa.metrics.F1Score(num_classes=classes, average=average)
            for part in np.array_split(np.arange(films), 3):  # three batches
                metric.update_state(np.eye(classes, dtype="f")[truth[part]], probabilities[part])
            arrays[f"{name}_{average or 'per_class'}"] = metric.result().numpy()
        arrays[f"{name}_truth"] = truth
        arrays[f"{name}_probabilities"] = probabilities
    return arrays


def _adamw(tf: Any, tfa: Any, steps: int = 10) -> dict[str, npt.NDArray[Any]]:
    """Cases of `tfa.optimizers.AdamW`: start, gradients and the weights after each step."""
    cases = {
        # name: rate, decay (subtracted as decay * weight, whatever the rate), bias decayed too
        "usual": (1e-3, 1e-4, True),
        "strong": (1e-2, 5e-2, True),
        "kernels_only": (1e-3, 1e-3, False),
    }
    generator = np.random.Generator(np.random.PCG64(1))
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, (rate, decay, decay_bias) in cases.items():
        start = {
            "kernel": generator.normal(size=(4, 3)).astype(np.float32),
            "bias": generator.normal(size=3).astype(np.float32),
        }
        gradients = {
            key: generator.normal(size=(steps, *value.shape)).astype(np.float32)
            for key, value in start.items()
        }
        variables = {key: tf.Variable(value, name=key) for key, value in start.items()}
        optimizer = tfa.optimizers.AdamW(weight_decay=decay, learning_rate=rate)
        weights: dict[str, list[npt.NDArray[Any]]] = {key: [] for key in start}
        for step in range(steps):
            optimizer.apply_gradients(
                [(gradients[key][step], variables[key]) for key in start],
                decay_var_list=None if decay_bias else [variables["kernel"]],
            )
            for key in start:
                weights[key].append(variables[key].numpy())
        arrays[f"{name}_settings"] = np.array([rate, decay, decay_bias], np.float64)
        for key in start:
            arrays[f"{name}_{key}_start"] = start[key]
            arrays[f"{name}_{key}_gradients"] = gradients[key]
            arrays[f"{name}_{key}_weights"] = np.stack(weights[key])
    return arrays


def main() -> int:
    """Write addons_equalize.npz, addons_f1.npz and addons_adamw.npz into the folder given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="where the arrays go: tests/golden")
    folder = parser.parse_args().folder
    try:
        import tensorflow as tf
        import tensorflow_addons as tfa
    except ImportError as error:
        print(
            f"error: {error}. Make an environment of Python 3.11 and requirements-addons.txt.",
            file=sys.stderr,
        )
        return 2
    versions: dict[str, Any] = {
        "tensorflow": np.array(tf.__version__),
        "tensorflow_addons": np.array(tfa.__version__),
    }
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, dict[str, Any]] = {
        "equalize": _equalise(tfa),
        "f1": _f1(tfa),
        "adamw": _adamw(tf, tfa),
    }
    for name, arrays in made.items():
        path = folder / f"addons_{name}.npz"
        np.savez_compressed(path, **arrays, **versions)
        print(f"{path}: {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
