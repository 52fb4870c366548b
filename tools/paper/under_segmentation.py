"""Tries the measure of under-segmentation on films whose lungs were drawn by hand.

`python -m tools.paper.under_segmentation --data DATA --model MODEL --out FOLDER` looks at two kinds
of films. Where only a union mask of the lungs exists (Cohen's collection, masks of V7, which count
the lung behind the heart), the model's label map misses a lung's pixel that is neither lung nor
heart in it; one that misses more than a quarter is under-segmented. Where both lungs have a mask,
these are given to the measure themselves: none may be flagged.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import tyro

from cxr_tf.analysis.masks import PredictedMasks, TrueMasks, open_masks
from cxr_tf.analysis.options import AnalysisOptions
from cxr_tf.analysis.table_files import PaperTable
from cxr_tf.evaluation.results import read_mask
from cxr_tf.films.reading import Reading
from cxr_tf.measures.under_segmentation import LIMIT, hull_deficit, under_segmentation
from cxr_tf.runtime.progress import Reporter
from pipelines.adapters import open_data
from pipelines.films import read_film
from pipelines.manifest.table import ManifestRow
from pipelines.status import OK

Labels = npt.NDArray[np.uint8]
MEASURES: dict[str, Callable[[Labels], float]] = {
    "against the larger hull (in use)": under_segmentation,
    "against each lung's own hull": hull_deficit,
}


@dataclass(frozen=True)
class Options:
    """Tries the measure of under-segmentation on films whose lungs were drawn by hand.

    Research use only. Not a medical device.
    """

    data: Path
    """a manifest, a folder with one, or a data set that an adapter knows"""
    model: Path
    """exported model that finds the masks"""
    out: Path
    """folder for under_segmentation_tried.md, .csv and .tex"""
    cache: Path | None = None
    """folder to keep predicted masks in and to read them from"""


def share_missed(labels: Labels, lungs: npt.NDArray[np.bool_]) -> float:
    """Measure what a label map misses of the lungs.

    Args:
        labels: uint8 [H, W].
        lungs: bool [h, w], drawn by hand; the lung behind the heart counts.

    Returns:
        Share of the lungs' pixels that are background in the label map.
    """
    small = cv2.resize(
        lungs.astype(np.uint8), labels.shape[::-1], interpolation=cv2.INTER_NEAREST
    ).astype(bool)
    return float((small & (labels == 0)).sum() / small.sum())


def table(missed: Sequence[float], found: Sequence[Labels], true: Sequence[Labels]) -> PaperTable:
    """Count what each measure finds.

    Args:
        missed: share of the lungs that each label map misses.
        found: the label maps.
        true: label maps drawn by hand.
    """
    worse = np.array(missed) > LIMIT
    rows = []
    for name, measure in MEASURES.items():
        flagged = np.array([measure(labels) for labels in found]) > LIMIT
        values = np.array([measure(labels) for labels in true])
        rows.append(
            [name, f"{(flagged & worse).sum()} of {worse.sum()}",
             f"{(flagged & ~worse).sum()} of {(~worse).sum()}",
             f"{(values > LIMIT).sum()} of {len(values)}", f"{values.max():.3f}"]
        )  # fmt: skip
    header = ["measure", "under-segmented, found", "others, flagged",
              "drawn by hand, flagged", "drawn by hand, highest"]  # fmt: skip
    title = "Under-segmentation told from the label map, against lungs drawn by hand"
    note = "Limit 1/4. Under-segmented: more than 1/4 of the lungs is background in the label map."
    return PaperTable("under_segmentation_tried", title, header, rows, note)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the programme's name; None: those of the process.

    Returns:
        Exit status: 0 written; wrong usage leaves with 2.
    """
    options = tyro.cli(Options, prog="python -m tools.paper.under_segmentation", args=arguments)
    masks = open_masks(
        AnalysisOptions(
            data=options.data, out=options.out, model=options.model, cache=options.cache
        )
    )
    assert isinstance(masks, PredictedMasks)
    missed, found, true, seen = [], [], [], set()
    nothing = Reading(None, -1, OK, "", 0.0)
    for row in open_data(options.data):
        if row.mask_left_lung and row.mask_right_lung:
            if row.mask_left_lung in seen:  # a film may stand twice, at two sizes
                continue
            seen.add(row.mask_left_lung)
            true.append(TrueMasks()(row, nothing)[0])
        elif row.mask_lung:
            found.append(_predict(masks, row))
            missed.append(share_missed(found[-1], read_mask(row.mask_lung)))
    if not found or not true:
        Reporter().error(f"{options.data}: needs films with a union mask, and films with both")
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    tried = table(missed, found, true)
    tried.write(options.out)
    print(tried.markdown())
    return 0


def _predict(masks: PredictedMasks, row: ManifestRow) -> Labels:
    film = read_film(row.path)
    labels, status = masks(row, Reading(film.pixels, film.padding, film.status, film.error, 0.0))
    if status != OK:
        raise ValueError(f"{row.path}: {status}; remove it from the manifest")
    return labels


if __name__ == "__main__":
    sys.exit(main())
