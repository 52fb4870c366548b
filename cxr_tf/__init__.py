"""Chest radiograph triage after Oh, Park and Ye (IEEE TMI 2020). Research software.

Public names load on first use; importing this package imports no TensorFlow.
"""

import importlib
import os
from typing import Any

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

__version__ = "0.1.0"

_PUBLIC = {
    "load": "cxr_tf.saved.load",
    "from_runs": "cxr_tf.saved.load",
    "Prediction": "cxr_tf.films.prediction",
    "TriageModel": "cxr_tf.films.model",
    "Score": "cxr_tf.films.results",
    "Explanation": "cxr_tf.films.results",
    "Segmentation": "cxr_tf.films.results",
}

__all__ = [
    "Explanation",
    "Prediction",
    "Score",
    "Segmentation",
    "TriageModel",
    "__version__",
    "from_runs",
    "load",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
