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
import tensorflow as tf

from cxr_tf.models.resnet import LOGITS
from cxr_tf.training.classification import ClassificationTask

log = logging.getLogger(__name__)
Floats = npt.NDArray[np.float64]
#: Patches of a film whose features are averaged.
PATCHES = 16
#: Steps of L-BFGS; the loss hardly changes long before.
MOST_STEPS = 200
#: Added to the spread of a feature, which may be 0.
LEAST_SPREAD = 1e-3


def fit_head(model: keras.Model, task: ClassificationTask, l2: float) -> None:
    """Fit the dense layer of a network to the films of a run, weighted as they are drawn.

    Half of their patches are as in use, half are changed as training changes them.

    Args:
        model: its features are as they will be in use; the dense layer is changed in place.
        task: gives the films.
        l2: penalty, see `logistic_regression`.
    """
    pooled = tf.function(
        lambda inputs: tf.reduce_mean(model(inputs, training=False)["features"], [0, 1, 2]),
        autograph=False,
    )
    films = [
        (pooled(inputs).numpy(), label, expert)
        for varied in (False, True)
        for inputs, label, expert in task.every_film(PATCHES, varied)
    ]
    features, labels, experts = (np.stack(each) for each in zip(*films, strict=True))
    weights = np.tile(task.draws(), 2)
    kernel, bias = logistic_regression(
        features.astype(np.float64), labels, experts.astype(np.float64), weights / weights.sum(), l2
    )
    head = model.get_layer(LOGITS)
    head.kernel.assign(kernel)
    head.bias.assign(bias)
    right = 100.0 * ((features @ kernel + bias).argmax(1) == labels).mean()
    log.info("dense layer fitted to %d films, %.0f %% of them right", len(films) // 2, right)


def logistic_regression(
    features: Floats, labels: npt.NDArray[np.int64], experts: Floats, weights: Floats, l2: float
) -> tuple[Floats, Floats]:
    """Fit logits that are linear in the features, with something added to them.

    Args:
        features: float64 [n, k].
        labels: int64 [n], from 0 to C - 1.
        experts: float64 [n, C], added to the logits while fitting; see `source_shares`.
        weights: float64 [n], of the films; they sum to 1.
        l2: half of it times the squared weights of features divided by their spread is added to
            the mean cross entropy.

    Returns:
        Kernel [k, C] and bias [C] for the features as they are.
    """
    mean, spread = features.mean(0), features.std(0) + LEAST_SPREAD
    scaled, classes = (features - mean) / spread, experts.shape[1]
    truth = np.eye(classes)[labels]

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
    kernel = kernel / spread[:, None]
    return kernel, bias[0] - mean @ kernel
