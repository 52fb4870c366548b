"""What the report holds of one film beside its row: outlines, patches and biomarkers."""

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cxr_tf.measures.biomarkers import Biomarkers
from cxr_tf.method.model_card import ModelCard
from cxr_tf.scoring.report.pictures import outlines
from pipelines.sizes import CLASSIFICATION_SIZE
from pipelines.status import OK

if TYPE_CHECKING:
    from cxr_tf.films.prediction import Prediction

#: The biomarkers shown: name, title, what it is.
MARKERS = (
    ("cardiothoracic_ratio", "Cardiothoracic ratio", "the heart's width over the thorax's"),
    ("lung_mean", "Lung intensity, mean", "of the equalised film, 0 to 1"),
    ("lung_sd", "Lung intensity, SD", "of the equalised film"),
    ("heart_mean", "Heart intensity, mean", "of the equalised film, 0 to 1"),
    ("right_lung_area", "Right lung, area", "share of the frame"),
    ("left_lung_area", "Left lung, area", "share of the frame"),
    ("heart_area", "Heart, area", "share of the frame"),
    ("asymmetry", "Asymmetry of the lungs", "(right - left) / (right + left) of the areas"),
    ("under_segmentation", "Lung missed by the mask", "share of the lungs, estimated"),
)


def patch_side(card: ModelCard) -> float:
    """Say how large a patch is.

    Args:
        card: the model card.

    Returns:
        Its side as a share of the frame's; 0 for a model that looks at whole films.
    """
    if card.options.approach == "global":
        return 0.0
    return card.options.patch_side / CLASSIFICATION_SIZE


def _patches(prediction: "Prediction") -> list[list[float]]:
    """Row and column in shares of the frame, then the probability of each class."""
    if prediction.centres is None or prediction.patch_probabilities is None:
        return []
    used = int(prediction.patches_used)
    centres = np.float64(prediction.centres[:used]) / CLASSIFICATION_SIZE
    both = np.hstack([centres, np.asarray(prediction.patch_probabilities[:used], np.float64)])
    found: list[list[float]] = np.round(both, 4).tolist()
    return found


def _numbers(found: Biomarkers) -> dict[str, float | None]:
    values = {k: v for k, v in asdict(found).items() if k != "reason"}
    return {k: None if math.isnan(v) else round(float(v), 6) for k, v in values.items()}


def case_record(
    prediction: "Prediction",
    shape: tuple[int, int],
    film: npt.NDArray[np.uint8],
    found: Biomarkers | None,
) -> dict[str, Any]:
    """Gather what the page of a film shows beside its row and its pictures.

    Args:
        prediction: the model's answer, asked for with `explain=True`.
        shape: height and width of the film, in pixels.
        film: uint8 [h, w], its picture.
        found: its biomarkers, None where none were measured.

    Returns:
        What JSON can hold; the saliency is there only where there is a decision.
    """
    assert prediction.mask is not None, "asked for with explain=True only"
    return {
        "height": film.shape[0],
        "width": film.shape[1],
        "film": list(shape),
        "saliency": prediction.status == OK and prediction.saliency is not None,
        "outlines": outlines(prediction.mask),
        "patches": _patches(prediction),
        "biomarkers": _numbers(found) if found else None,
        "missing": found.reason if found else "",
    }
