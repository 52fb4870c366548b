"""The dense layer fitted ahead of training: logistic regression on the features of films.

Fine-tuning from a random dense layer distorts features that would have held elsewhere; from a
fitted one it does so less (Kumar et al. 2022). With frozen features the fitted layer is the whole
training (a linear probe).
"""

import logging

import keras
import numpy as np
import numpy.typing as npt
import scipy.optimize
import scipy.special

from cxr_tf.models.resnet import LOGITS, averaged_features
from cxr_tf.runtime.errors import UsageError
from cxr_tf.training.classification import ClassificationTask
from cxr_tf.training.tracing import Traced

log = logging.getLogger(__name__)
Floats = npt.NDArray[np.float64]
#: Patches of a film whose features are averaged.
PATCHES = 16
#: Steps of L-BFGS; the loss hardly changes long before.
MOST_STEPS = 200
#: Added to the spread of a feature, which may be 0.
LEAST_SPREAD = 1e-3
#: Singular values up to this one are rounding, in spreads of the features.
_NOTHING = 1e-6


def fit_head(model: keras.Model, task: ClassificationTask, l2: float) -> None:
    """Fit the dense layer of a network to the films of a run, weighted as they are drawn.

    Half of their patches are as in use, half are changed as training changes them. Where the dense
    vote is learnt too, its windows count as much as all patches.

    Args:
        model: its features are as they will be in use; the dense layer is changed in place.
        task: gives the films.
        l2: penalty, see `logistic_regression`.
    """
    averaged = Traced(averaged_features)
    found = []
    for varied in (False, True):
        for inputs, some, added in task.every_film(PATCHES, varied):
            by_film = np.split(averaged(model, inputs).numpy(), len(some))
            found.append((np.mean(by_film, axis=1), some, added))
    seen, labels, experts = (np.concatenate(each) for each in zip(*found, strict=True))
    weights, sources = (np.tile(np.asarray(each), 2) for each in (task.draws(), task.sources))
    windows = task.every_window(model)
    if windows:
        seen = np.concatenate([seen, np.tile(windows, (2, 1))])
        labels, experts, weights, sources = (
            np.concatenate([each, each]) for each in (labels, experts, weights, sources)
        )
    features = seen.astype(np.float64)
    count, muted = task.config.source_directions, None
    if count:
        muted = source_directions(features, labels, sources, count)
        muted *= np.sqrt(1.0 - task.config.source_share)
    weights = weights / weights.sum()
    experts = experts.astype(np.float64)
    agreement = task.config.agreement
    apart = agreement * task.windows_apart(model) if agreement else None
    kernel, bias = logistic_regression(features, labels, experts, weights, l2, muted, apart)
    head = model.get_layer(LOGITS)
    head.kernel.assign(kernel)
    head.bias.assign(bias)
    right = 100.0 * ((features @ kernel + bias).argmax(1) == labels).mean()
    log.info("dense layer fitted to %d films, %.0f %% of them right", len(task.training), right)


def _scaled(features: Floats) -> tuple[Floats, Floats, Floats]:
    """Give features less their mean and divided by their spread, with both."""
    mean, spread = features.mean(0), features.std(0) + LEAST_SPREAD
    return (features - mean) / spread, mean, spread


def source_directions(
    features: Floats,
    labels: npt.NDArray[np.int64],
    sources: npt.NDArray[np.str_],
    count: int,
) -> Floats:
    """Find the directions in which the sources of one class lie farthest apart.

    Those of nuisance attribute projection (Solomonoff et al. 2005): of every class, the means of
    its sources less their own mean; the first right singular vectors of all of them together.

    Args:
        features: float64 [n, k]; they are divided by their spread.
        labels: int64 [n], the class of each film.
        sources: str [n], where it comes from.
        count: how many directions.

    Returns:
        float64 [count, k], orthonormal.

    Raises:
        UsageError: the sources of the classes differ in fewer directions.
    """
    scaled, _, _ = _scaled(features)
    apart = []
    for label in np.unique(labels):
        own = labels == label
        means = [scaled[own & (sources == each)].mean(0) for each in np.unique(sources[own])]
        apart += [each - np.mean(means, 0) for each in means]
    _, sizes, directions = np.linalg.svd(np.stack(apart), full_matrices=False)
    most = int((sizes > _NOTHING).sum())
    if count > most:
        raise UsageError(
            f"--source-directions {count}: the sources of the classes differ in {most} directions, "
            "and there are no more to take out"
        )
    return np.asarray(directions[:count])


def _inverse_root(products: Floats) -> Floats:
    """Give the inverse square root of a symmetric matrix that the identity is added to."""
    values, vectors = np.linalg.eigh(products)
    root: Floats = vectors / np.sqrt(1.0 + np.maximum(values, 0.0)) @ vectors.T
    return root


def logistic_regression(
    features: Floats,
    labels: npt.NDArray[np.int64],
    experts: Floats,
    weights: Floats,
    l2: float,
    muted: Floats | None = None,
    apart: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Fit logits that are linear in the features, with something added to them.

    Args:
        features: float64 [n, k].
        labels: int64 [n], from 0 to C - 1.
        experts: float64 [n, C], added to the logits while fitting; see `source_shares`.
        weights: float64 [n], of the films; they sum to 1.
        l2: half of it times the squared weights of features divided by their spread is added to
            the mean cross entropy.
        muted: float64 [m, k], directions of the features divided by their spread that the fit sees
            less of, orthogonal; those of length 1 it does not see at all. None for none.
        apart: float64 [k, k], the mean product of differences of features that should not matter,
            times their weight: with features and differences divided by the features' spread, the
            penalty of a kernel w is w' (1 + apart) w instead of w' w. None for nothing.

    Returns:
        Kernel [k, C] and bias [C] for the features as they are.
    """
    scaled, mean, spread = _scaled(features)
    if muted is not None:
        scaled = scaled - scaled @ muted.T @ muted
    classes = experts.shape[1]
    truth = np.eye(classes)[labels]
    # Where features are made shorter by this factor, their plain penalty is that of the kernel.
    shorter = None if apart is None else _inverse_root(apart / spread / spread[:, None])
    if shorter is not None:
        scaled = scaled @ shorter

    def objective(flat: Floats) -> tuple[float, Floats]:
        kernel, bias = np.split(flat.reshape(-1, classes), [-1])
        logs = scipy.special.log_softmax(scaled @ kernel + bias + experts, axis=1)
        loss = -(weights @ (truth * logs).sum(1)) + 0.5 * l2 * (kernel**2).sum()
        error = weights[:, None] * (np.exp(logs) - truth)
        gradient = np.concatenate([scaled.T @ error + l2 * kernel, error.sum(0, keepdims=True)])
        return float(loss), gradient.ravel()

    start = np.zeros((scaled.shape[1] + 1) * classes)
    options = {"maxiter": MOST_STEPS}
    found = scipy.optimize.minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    kernel, bias = np.split(found.x.reshape(-1, classes), [-1])
    if shorter is not None:
        kernel = shorter @ kernel
    if muted is not None:
        kernel = kernel - muted.T @ muted @ kernel
    kernel = kernel / spread[:, None]
    return kernel, bias[0] - mean @ kernel
