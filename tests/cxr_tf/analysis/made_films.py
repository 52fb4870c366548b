"""Measured films whose figures are known."""

from pathlib import Path

import numpy as np

from cxr_tf.analysis.measure import Measured, measure_film
from pipelines.manifest.rows import ManifestRow


def chest() -> np.ndarray:
    """A label map of 16 x 16: two lungs of 8 x 4, a heart of 4 x 4."""
    labels = np.zeros((16, 16), np.uint8)
    labels[4:12, 1:5] = 3
    labels[4:12, 11:15] = 2
    labels[8:12, 6:10] = 1
    return labels


def measured(
    label: str, raw: float, level: float, labels: np.ndarray | None = None, **row: str
) -> Measured:
    """A film whose lungs and heart all have one level, 0..1, before and after normalisation."""
    before, after = (np.full((16, 16), 255.0 * x, np.float32) for x in (raw, level))
    name = Path(f"{label}{raw}{level}{sorted(row.items())}.png")
    mask = chest() if labels is None else labels
    return measure_film(ManifestRow(name, label, **row), before, after, mask)
