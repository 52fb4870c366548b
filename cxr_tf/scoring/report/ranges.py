"""What biomarkers of normal films are like: percentiles of the training normals, beside a model."""

import json
from pathlib import Path
from typing import Any

from cxr_tf.method.model_card import ModelCard

#: The file, in the folder above a model's versions; `tools.release.normal_ranges` writes it.
NAME = "normal_ranges.json"


def masks_key(card: ModelCard) -> dict[str, Any]:
    """Name what decides about a model's masks, and with them about its biomarkers.

    Args:
        card: the model card.

    Returns:
        The weights of the segmentation, and the options that its masks depend on.
    """
    options = card.options
    return {
        "segmentation_sha256": card.networks["segmentation"].weights_sha256,
        "resolution_limit": options.resolution_limit,
        "enhance": options.enhance,
        "clean_masks": options.clean_masks,
    }


def read_ranges(folder: Path, card: ModelCard) -> list[dict[str, Any]]:
    """Read the ranges that were measured with the masks of a model.

    Args:
        folder: the model's version folder.
        card: its card.

    Returns:
        For each group of films its `name`, number of `films`, and in `markers` by biomarker `n`,
        `low`, `median` and `high` (percentiles 2.5, 50 and 97.5); none where there is no such
        file, or it was measured with other masks.

    Raises:
        ValueError: the file is damaged.
    """
    path = folder.parent / NAME
    if not path.is_file():
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        groups: list[dict[str, Any]] = found["groups"]
        masks = found["masks"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is damaged ({type(error).__name__}: {error}): make it again by "
            "`python -m tools.release.normal_ranges`, or remove it"
        ) from error
    return groups if masks == masks_key(card) else []
