"""Grad-CAM by tf-explain, a library of its own, to hold our map against.

Its callback is made for `Model.fit` and for networks of Keras 2. With ours it fails three times:
it takes the last layer with four dimensions by an attribute that layers of Keras 3 do not have, it
expects one output, and it nests the inputs, of which Keras 3 warns. Its parts work: they are given
the layer, a network from patch to logits, and no guided gradients, which Eq. 4 does not have.
"""

import warnings

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.models.resnet import FEATURES, LOGITS


def tf_explain_maps(model: keras.Model, inputs: tf.Tensor, index: int) -> npt.NDArray[np.float32]:
    """Weight the last feature map by tf-explain.

    Args:
        model: a classifier of `cxr_tf.models`.
        inputs: float32 [n, P, P, 3], as the network takes them.
        index: the class.

    Returns:
        float32 [n, u, v]: maps before enlargement, negative parts included.
    """
    from tf_explain.core.grad_cam import GradCAM

    scores = keras.Model(model.input, model.get_layer(LOGITS).output)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The structure of `inputs`", UserWarning)
        outputs, gradients = GradCAM.get_gradients_and_filters(
            scores, inputs, FEATURES, index, use_guided_grads=False
        )
    return np.stack(
        [each.numpy() for each in GradCAM.generate_ponderated_output(outputs, gradients)]
    )


def tf_explain_picture(
    patch: npt.NDArray[np.float32], small: npt.NDArray[np.float32]
) -> npt.NDArray[np.uint8]:
    """Draw a map over its patch as tf-explain does: stretched to its own range, viridis.

    Args:
        patch: float32 [P, P] in 0..255.
        small: float32 [u, v], a map of `tf_explain_maps`.

    Returns:
        RGB uint8 [P, P, 3]. A map without any range, which tf-explain would divide by zero, leaves
        the patch as it is.
    """
    from tf_explain.utils.display import heatmap_display

    film = np.repeat(patch.astype(np.uint8)[..., None], 3, -1)
    if np.ptp(small) == 0.0:
        return film
    return np.asarray(heatmap_display(small, film), np.uint8)
