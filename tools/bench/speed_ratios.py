"""Time the networks beside a large matrix product: `python -m tools.bench.speed_ratios`.

Writes tests/golden/speed_ratios.json, which `tests/test_speed.py` holds later runs against on
processors with the same instructions. The comparison with PyTorch and others is `tools.bench`.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
import tyro

from cxr_tf.method.frozen import frozen
from cxr_tf.models.grey_patches import grey_network
from cxr_tf.models.registry import build
from tools.bench.floor import MATRIX
from tools.bench.offsets import with_offsets
from tools.bench.processor import features
from tools.bench.timing import alternate

STORED = Path(__file__).parents[2] / "tests" / "golden" / "speed_ratios.json"
ROUNDS = 9


def segmentation(size: int = 128) -> Callable[[], object]:
    """Make the forward pass of the frozen FC-DenseNet103.

    Args:
        size: side of the film.
    """
    network = build("fc_densenet103", size=size)
    film = tf.random.stateless_uniform([1, size, size, 1], [0, 0])
    run = frozen(lambda x: network(x, training=False), tf.TensorSpec(film.shape))
    return lambda: run(film)[0].numpy()


def patches(count: int = 10) -> Callable[[], object]:
    """Make the forward pass of the frozen ResNet-18 on grey patches.

    Args:
        count: patches.
    """
    network = grey_network(with_offsets(build("resnet18")), "imagenet")
    cut = tf.random.stateless_uniform([count, 224, 224], [0, 0], 0.0, 255.0)
    run = frozen(lambda x: network(x)["logits"], tf.TensorSpec(cut.shape))
    return lambda: run(cut)[0].numpy()


def gradients(size: int = 128) -> Callable[[], object]:
    """Make the gradients of FC-DenseNet56 over two films.

    Args:
        size: side of the films.
    """
    network = build("fc_densenet56", size=size, dropout=0.0)
    films = tf.random.stateless_uniform([2, size, size, 1], [0, 0])

    @tf.function(autograph=False)
    def call() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(network(films, training=True) ** 2)
        return tape.gradient(loss, network.trainable_variables)

    return lambda: call()[0].numpy()


WORK = {"segmentation": segmentation, "patches": patches, "gradients": gradients}


def measure(name: str) -> float:
    """Time one piece of work, in turns with the matrix product.

    Args:
        name: a key of `WORK`.

    Returns:
        How many times as long the product takes, the median over rounds.
    """
    matrix = tf.random.stateless_normal([MATRIX, MATRIX], [0, 0])
    contenders = {"work": WORK[name](), "product": lambda: (matrix @ matrix).numpy()}
    timings = alternate(contenders, ROUNDS)
    return timings["work"].ratio(timings["product"])


def main() -> int:
    """Measure everything and store it; return the exit status."""
    ratios = {name: round(measure(name), 3) for name in WORK}
    text = json.dumps({"features": features(), "ratios": ratios}, indent=1)
    STORED.write_text(text + "\n")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main, prog="python -m tools.bench.speed_ratios", description=__doc__))
