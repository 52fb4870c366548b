"""The outputs that follow from a film's votes alone: margin, interval and decision, in NumPy.

The graph gives the same (`cxr_tf.method.voting`). Here the answers of models that were exported
before it did are completed, and answers to requests that name a margin of their own.
"""

import numpy as np
import numpy.typing as npt

from cxr_tf.measures.wilson import wilson
from cxr_tf.method.outputs import REFER


def outputs_of_votes(votes: npt.ArrayLike, class_index: int, patches_used: int) -> dict[str, float]:
    """Say how close a vote was.

    Args:
        votes: int [C].
        class_index: of the class that was chosen, -1 without an answer.
        patches_used: patches that voted.

    Returns:
        `margin`, `agreement_low` and `agreement_high` as `cxr_tf.method.outputs` has them.
    """
    margin, won = 0.0, 0
    if class_index >= 0 and patches_used:
        counted = np.asarray(votes, np.int64)
        won, second = int(counted[class_index]), int(np.delete(counted, class_index).max())
        margin = max(0, won - second) / patches_used
    low, high = wilson(won, patches_used if class_index >= 0 else 0)
    return {"margin": margin, "agreement_low": low, "agreement_high": high}


def decided(label: str, margin: float, refer_below: float = 0.0) -> str:
    """Refer a film whose margin is too small.

    Args:
        label: name of the class that was chosen, '' without an answer.
        margin: of the answer.
        refer_below: least margin of an answer that is not referred; 0 refers none.
    """
    return REFER if label and margin < refer_below else label
