"""Numbers added to the logits of each class, so that the vote finds every class equally often."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cxr_tf.measures.metrics import classification_metrics, confusion_matrix

#: Weight of the mean squared offset against the macro recall: an offset of 1 in every class must
#: gain a hundredth of it.
PENALTY = 0.01
#: Offsets tried for a class, the others held.
STEPS = np.linspace(-2.0, 2.0, 41)
#: Most rounds over all classes.
ROUNDS = 10
#: Least probability of a class; what was stored in half precision may be 0.
_LEAST = 1e-7

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.int64]


def with_offsets(probabilities: Floats, offsets: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Give what patches would answer after an offset to the logits.

    Args:
        probabilities: softmax of each patch, [..., C].
        offsets: [C].

    Returns:
        float64 [..., C].
    """
    shifted = np.maximum(probabilities.astype(np.float64), _LEAST) * np.exp(np.asarray(offsets))
    return np.asarray(shifted / shifted.sum(-1, keepdims=True))


def vote_with(probabilities: Floats, offsets: npt.ArrayLike) -> Ints:
    """Decide films by the vote of their patches after an offset to the logits.

    A tie goes to the tied class with the larger mean softmax, then to the lower index.

    Args:
        probabilities: softmax of each patch, [n, K, C].
        offsets: [C].

    Returns:
        int64 [n], the class of each film.
    """
    shifted = with_offsets(probabilities, offsets)
    votes = (shifted.argmax(-1)[..., None] == np.arange(shifted.shape[-1])).sum(1)
    # A mean is below 1: half of it orders those with equal votes, and no others.
    return np.asarray((votes + 0.5 * shifted.mean(1)).argmax(-1), np.int64)


def macro_recall(truth: Ints, decided: Ints, count: int) -> float:
    """Give the mean recall over the classes that have films.

    Args:
        truth: int64 [n].
        decided: int64 [n].
        count: the number of classes C.
    """
    matrix = confusion_matrix(truth, decided, count)
    return float(classification_metrics(matrix, matrix.sum(1) > 0).recall)


def fit_offsets(
    probabilities: Floats,
    truth: Ints,
    penalty: float = PENALTY,
    others: Sequence[tuple[Floats, Ints]] = (),
) -> npt.NDArray[np.float64]:
    """Find the offsets with the best macro recall of the vote, less a penalty on their size.

    One class after the other takes the best of `STEPS`, until none gains. A constant added to all
    offsets changes nothing: their mean is 0.

    Args:
        probabilities: softmax of each patch, [n, K, C].
        truth: int64 [n], the true class of each film.
        penalty: weight of the mean squared offset.
        others: further sets of films, softmax and true classes; the mean of the macro recall of
            all sets counts, so that a small set weighs as much as a large one.

    Returns:
        float64 [C].
    """
    sets = [(probabilities, truth), *others]
    count = probabilities.shape[-1]

    def worth(offsets: npt.NDArray[np.float64]) -> float:
        centred = offsets - offsets.mean()
        recalls = [macro_recall(true, vote_with(each, centred), count) for each, true in sets]
        return float(np.mean(recalls)) - penalty * float((centred**2).mean())

    best = np.zeros(count)
    reached = worth(best)
    for _ in range(ROUNDS):
        before = reached
        for index in range(count):
            tried = np.repeat(best[None], len(STEPS), axis=0)
            tried[:, index] = STEPS
            values = [worth(each) for each in tried]
            if max(values) > reached + 1e-9:
                reached, best = max(values), tried[int(np.argmax(values))]
        if reached == before:
            break
    return np.asarray(best - best.mean())
