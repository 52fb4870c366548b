"""Answers that no model gave, complete in every output."""

import numpy as np

from cxr_tf.films.prediction import Prediction
from cxr_tf.method.closeness import decided, outputs_of_votes


def answered(
    status, label, class_index, votes, probabilities, agreement, lung_fraction, patches_used,
    model_version, refer_below=0.0, **others,
):  # fmt: skip
    """The answer of a model that has no numbers of reliability, with what else is given."""
    unfitted = {
        "film_score": -1.0,
        "mask_quality": -1.0,
        "calibrated_probabilities": probabilities,
        "conformal_set": np.full(len(votes), status == "ok", np.int32),
        "abstain": False,
        "warning": "",
    }
    closeness = outputs_of_votes(votes, class_index, patches_used)
    closeness["decision"] = decided(label, closeness["margin"], refer_below)
    return Prediction(
        status, label, class_index, votes, probabilities, agreement, lung_fraction, patches_used,
        model_version,
        **(unfitted | closeness | others),
    )  # fmt: skip
