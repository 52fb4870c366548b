"""Golden answers of both networks in PyTorch, which ours are held against without PyTorch.

The arrays in tests/golden are made once, in an environment of their own:

    python3 -m venv torch
    torch/bin/pip install "torch>=2.13,<2.14" numpy
    torch/bin/python -m tools.golden.networks tests/golden

The networks are those of `tools.bench.torch_networks`. Neither weights nor inputs are stored:
`drawn` makes them from their names, here and in the tests.
"""

import argparse
import hashlib
import math
import pathlib
import sys
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

#: Inputs by network: films in 0..1, patches.
INPUTS = {"fc_densenet103": (1, 64, 64, 1), "resnet18": (2, 64, 64, 3)}
#: Of the logits of a film, every third row and column is stored.
STEP = 3
#: Range of each kind of weight but kernels, and of inputs.
_RANGES = {
    "bias": (-0.1, 0.1),
    "gamma": (0.6, 1.4),
    "beta": (-0.3, 0.3),
    "moving_mean": (-0.3, 0.3),
    "moving_variance": (0.6, 1.6),
    "input": (0.0, 1.0),
}


def drawn(path: str, shape: tuple[int, ...]) -> Array:
    """Draw an array that depends on its name alone, the same on every machine.

    Args:
        path: Keras path of a weight, such as `down0_0_bn/gamma`, or a network and `/input`.
        shape: of the array; of a kernel [h, w, in, out] or [in, out], of a transposed one
            [h, w, out, in].

    Returns:
        Kernels uniform with the variance of He, everything else within its range.
    """
    kind = path.rpartition("/")[2]
    if kind == "kernel":
        bound = math.sqrt(6.0 / math.prod(shape[:-1]))
        low, high = -bound, bound
    else:
        low, high = _RANGES[kind]
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(path.encode())))
    values = generator.random(
        shape, np.float32
    )  # 24 bits of the stream, no transcendental function
    return values * np.float32(high - low) + np.float32(low)


def checksum(arrays: Mapping[str, Array]) -> str:
    """Return the SHA-256 of arrays in the order of their names, as hexadecimal digits.

    Args:
        arrays: by name.
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def _answers(name: str) -> dict[str, Any]:
    """Give what a network of PyTorch answers, in our order of axes."""
    import torch

    from tools.bench.torch_networks import FCDenseNet103, ResNet18, keras_shapes, load_arrays

    network = {"fc_densenet103": FCDenseNet103, "resnet18": ResNet18}[name]()
    arrays = {path: drawn(path, shape) for path, shape in keras_shapes(network).items()}
    inputs = drawn(f"{name}/input", INPUTS[name])
    load_arrays(network, arrays)
    with torch.inference_mode():
        found = network(torch.from_numpy(inputs.transpose(0, 3, 1, 2).copy()))
    made: dict[str, Any] = {"weights_sha256": np.array(checksum(arrays))}
    if name == "resnet18":
        made["logits"] = found[0].numpy()
        made["features"] = found[1].numpy().transpose(0, 2, 3, 1)
    else:
        made["logits"] = found.numpy().transpose(0, 2, 3, 1)[:, ::STEP, ::STEP]
    return made | {"torch": np.array(torch.__version__)}


def main() -> int:
    """Write torch_fc_densenet103.npz and torch_resnet18.npz into the folder given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="where the arrays go: tests/golden")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in INPUTS:
        path = folder / f"torch_{name}.npz"
        try:
            made = _answers(name)
        except ImportError as error:
            print(f"error: {error}. Make an environment of PyTorch and NumPy.", file=sys.stderr)
            return 2
        np.savez_compressed(path, **made)
        values = made["logits"]
        print(f"{path}: {path.stat().st_size} bytes, logits {values.min():.3f}..{values.max():.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
