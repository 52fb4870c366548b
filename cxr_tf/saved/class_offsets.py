"""Class offsets fitted on decisions about sources left out, added to the last bias of a network."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cxr_tf.runtime.errors import UsageError

if TYPE_CHECKING:
    import keras


def read_offsets(path: Path, classes: Sequence[str]) -> tuple[float, ...]:
    """Read one number a class.

    Args:
        path: JSON with `classes` and `offsets`, as `python -m tools.leave_one_out offsets` writes.
        classes: of the model, in order.

    Returns:
        The offsets in the order of the classes.

    Raises:
        UsageError: the file cannot be read, or is for other classes.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        named = dict(zip(record["classes"], map(float, record["offsets"]), strict=True))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"--class-offsets {path}: no offsets can be read ({error})") from error
    if tuple(record["classes"]) != tuple(classes):
        raise UsageError(
            f"--class-offsets {path}: for the classes {', '.join(named)}; the model has "
            f"{', '.join(classes)}"
        )
    if not all(map(math.isfinite, named.values())):
        raise UsageError(f"--class-offsets {path}: an offset is no finite number; fit them again")
    return tuple(named.values())


def add_offsets(network: "keras.Model", offsets: Sequence[float]) -> None:
    """Add the offsets to the bias of the last dense layer, in place: every patch votes with them.

    Args:
        network: a classifier.
        offsets: one number a class.
    """
    from cxr_tf.models.resnet import LOGITS

    bias = network.get_layer(LOGITS).bias
    bias.assign(bias.numpy() + offsets)
