"""The order of training examples: a pure function of seed and epoch."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: Without it a source of one class would teach nothing where sources are discounted.
UNKNOWN_SHARE = 0.05


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


def pair_weights(pairs: Sequence[tuple[int, str]]) -> dict[tuple[int, str], float]:
    """Weigh pairs of class and source, so that a film's source says little about its class.

    All classes of a source weigh the same. A source weighs one over the number of sources that
    share its rarest class. So a class with many sources does not drown a class with few.

    Args:
        pairs: class and source of each example.

    Returns:
        The weight of each pair, above 0 and at most 1.
    """
    present = set(pairs)
    sources_of = Counter(label for label, _ in present)
    of_source: dict[str, float] = {}
    for label, source in present:
        of_source[source] = max(of_source.get(source, 0.0), 1.0 / sources_of[label])
    return {pair: of_source[pair[1]] for pair in sorted(present)}


def source_shares(
    pairs: Sequence[tuple[int, str]], order: npt.NDArray[np.int64], classes: int
) -> npt.NDArray[np.float32]:
    """Tell how likely each class is for who knows nothing of a film but its source.

    Args:
        pairs: class and source of each example.
        order: int64 [places], the examples as they are drawn.
        classes: number of classes, C.

    Returns:
        float32 [n, C], a row for each example: the shares of the classes among what is drawn of its
        source, of which `UNKNOWN_SHARE` is spread evenly over all classes.
    """
    drawn: dict[str, npt.NDArray[np.float64]] = {source: np.zeros(classes) for _, source in pairs}
    for example in order:
        label, source = pairs[example]
        drawn[source][label] += 1.0
    rows = np.stack([drawn[source] for _, source in pairs])
    shares = rows / np.maximum(rows.sum(1, keepdims=True), 1.0)
    mixed = (1.0 - UNKNOWN_SHARE) * shares + UNKNOWN_SHARE / classes
    return mixed.astype(np.float32)


@dataclass(frozen=True)
class Balanced:
    """Examples in the groups that are balanced.

    Attributes:
        groups: of each example.
        weights: of each group, see `balanced_order`; None for all alike.
    """

    groups: Sequence[int]
    weights: Mapping[int, float] | None = None

    @classmethod
    def by_source(cls, pairs: Sequence[tuple[int, str]]) -> "Balanced":
        """Group by pairs of class and source, weighted by `pair_weights`.

        Args:
            pairs: class and source of each example.
        """
        weights = pair_weights(pairs)
        numbers = {pair: number for number, pair in enumerate(weights)}
        return cls([numbers[pair] for pair in pairs], dict(enumerate(weights.values())))

    def order(self, seed: int, epoch: int, balance: float = 1.0) -> npt.NDArray[np.int64]:
        """Shuffle the examples; see `balanced_order`.

        Args:
            seed: seed of the run.
            epoch: number of the epoch.
            balance: from 0, every example once, to 1.
        """
        return balanced_order(self.groups, seed, epoch, balance, self.weights)


def balanced_order(
    labels: Sequence[int],
    seed: int,
    epoch: int,
    balance: float = 1.0,
    weights: Mapping[int, float] | None = None,
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
        weights: of each class, above 0 and at most 1, by which that number is multiplied; None for
            all alike.

    Returns:
        int64 [places]; with a balance of 1 and no weights, [classes present x size of the largest
        class].
    """
    generator = np.random.default_rng([seed, epoch])
    classes = np.asarray(labels)
    present, counts = np.unique(classes, return_counts=True)
    most = int(counts.max())
    drawn = []
    for label, count in zip(present, counts, strict=True):
        members = np.flatnonzero(classes == label)
        wanted = int(count) * (most / int(count)) ** balance
        wanted *= 1.0 if weights is None else weights[int(label)]
        repeats, rest = divmod(max(1, round(wanted)), int(count))
        drawn += [members] * repeats + [generator.permutation(members)[:rest]]
    return generator.permutation(np.concatenate(drawn)).astype(np.int64)
