"""The networks by name."""

from collections.abc import Callable
from functools import partial

import keras

from cxr_tf.errors import UsageError
from cxr_tf.models.fc_densenet import fc_densenet
from cxr_tf.models.resnet import resnet18
from cxr_tf.models.u_net import u_net

SEGMENTATION_MODELS: dict[str, Callable[..., keras.Model]] = {
    "fc_densenet103": partial(
        fc_densenet, down=(4, 5, 7, 10, 12), bottleneck=15, growth=16, name="fc_densenet103"
    ),
    "fc_densenet67": partial(
        fc_densenet, down=(5, 5, 5, 5, 5), bottleneck=5, growth=16, name="fc_densenet67"
    ),
    "fc_densenet56": partial(
        fc_densenet, down=(4, 4, 4, 4, 4), bottleneck=4, growth=12, name="fc_densenet56"
    ),
    "u_net": u_net,
    "u_net_small": partial(u_net, width=8, name="u_net_small"),
}

CLASSIFICATION_MODELS: dict[str, Callable[..., keras.Model]] = {
    "resnet18": resnet18,
    "resnet18_small": partial(resnet18, width=16, name="resnet18_small"),
}

MODELS: dict[str, Callable[..., keras.Model]] = {**SEGMENTATION_MODELS, **CLASSIFICATION_MODELS}


def build(name: str, **options: object) -> keras.Model:
    """Build a network by its name.

    Args:
        name: a key of `MODELS`.
        **options: arguments of its builder, such as `size` and `classes`.

    Returns:
        The model, with fresh weights.

    Raises:
        UsageError: no network has that name.
    """
    if name not in MODELS:
        raise UsageError(f"no network is named {name!r}; choose one of {', '.join(MODELS)}")
    return MODELS[name](**options)
