"""The order of training examples: a pure function of seed and epoch."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def plain_order(count: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Shuffle `count` examples.

    Args:
        count: number of examples.
        seed: seed of the run.
        epoch: number of the epoch.

    Returns:
        int64 [count], a permutation.
    """
    return np.random.default_rng([seed, epoch]).permutation(count)


def balanced_order(
    labels: Sequence[int], seed: int, epoch: int, balance: float = 1.0
) -> npt.NDArray[np.int64]:
    """Shuffle examples with the smaller classes over-sampled towards the size of the largest.

    Each class gives every example equally often, to within one; which of them come once more is
    drawn anew in each epoch.

    Args:
        labels: class of each example.
        seed: seed of the run.
        epoch: number of the epoch.
        balance: 1 brings every class to the size of the largest, 0 takes every example once; a
            class of n examples, the largest having m, comes to n (m / n)^balance.

    Returns:
        int64 [places]; with a balance of 1, [classes present x size of the largest class].
    """
    generator = np.random.default_rng([seed, epoch])
    classes = np.asarray(labels)
    present, counts = np.unique(classes, return_counts=True)
    most = int(counts.max())
    drawn = []
    for label, count in zip(present, counts, strict=True):
        members = np.flatnonzero(classes == label)
        repeats, rest = divmod(round(int(count) * (most / int(count)) ** balance), int(count))
        drawn += [members] * repeats + [generator.permutation(members)[:rest]]
    return generator.permutation(np.concatenate(drawn)).astype(np.int64)
