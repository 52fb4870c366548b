"""Build a network by its name."""

import importlib

import keras

from cxr_tf.models.names import CLASSIFICATION_NETWORKS, SEGMENTATION_NETWORKS
from cxr_tf.runtime.errors import UsageError

NETWORKS = SEGMENTATION_NETWORKS | CLASSIFICATION_NETWORKS


def build(name: str, **options: object) -> keras.Model:
    """Build a network by its name.

    Args:
        name: a key of `NETWORKS`.
        **options: arguments of its builder, such as `size` and `classes`.

    Returns:
        The model, with fresh weights.

    Raises:
        UsageError: no network has that name.
    """
    if name not in NETWORKS:
        raise UsageError(f"no network is named {name!r}; choose one of {', '.join(NETWORKS)}")
    module, _, function = NETWORKS[name].builder.partition(".")
    builder = getattr(importlib.import_module(f"cxr_tf.models.{module}"), function)
    network: keras.Model = builder(**NETWORKS[name].options, name=name, **options)
    return network


def build_classifier(
    name: str, *, approach: str, patch_size: int, **options: object
) -> keras.Model:
    """Build a classification network for patches, or for pictures of any size too.

    Args:
        name: a key of `CLASSIFICATION_NETWORKS`.
        approach: what it learns from; `dense` takes pictures of any size.
        patch_size: side of a patch in pixels.
        **options: arguments of its builder, such as `classes`.

    Returns:
        The model, with fresh weights.

    Raises:
        UsageError: no network has that name.
    """
    return build(name, size=None if approach == "dense" else patch_size, **options)
