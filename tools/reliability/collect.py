"""Features of films, of films turned and made worse, and of what is no film: one table.

Films that are turned or made worse exist in memory alone; the table holds numbers only.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxr_tf.method.reliability.feature_names import FEATURES
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.whole_files import whole
from tools.phantoms.non_films import TURNED, non_films
from tools.reliability.degrade import DEGRADE

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel
    from pipelines.manifest.rows import ManifestRow

#: Of the films for each use, every which is turned; all others are left as they are.
_TURNED = {"train": 4, "validation": 1, "test": 2}
#: Of those that the segmentation was trained or validated on, every which is made worse.
_WORSE = {"train": 2, "validation": 1}
COLUMNS = (
    "path",
    "kind",
    "use",
    "split_segmentation",
    "source",
    "class",
    "patient_id",
    "status",
    "lung",
    "jaccard",
)

Masks = Mapping[str, npt.NDArray[np.bool_]]


class Item(NamedTuple):
    """A picture to describe.

    Attributes:
        path: names it.
        kind: `film`, what was done to one, or what is shown instead.
        use: `train`, `validation` and `test` of a film's splits, `crossdb`, or a half of non-films.
        origin: split of the segmentation, source, class, patient.
        pixels: uint16 [H, W].
        padding: grey level to leave out, -1 for none.
        masks: true masks of the lungs, none where there are none.
    """

    path: str
    kind: str
    use: str
    origin: tuple[str, str, str, str]
    pixels: npt.NDArray[np.uint16]
    padding: int
    masks: Masks


def use_of(row: "ManifestRow") -> str:
    """Tell what a film may be used for: the strictest of its two splits.

    Args:
        row: the film.

    Returns:
        `train`, `validation`, `test`, `crossdb` or ''. Montgomery's films are `crossdb` for masks
        whatever their classification split; that one counts here where there is one.
    """
    splits = {row.split_segmentation, row.split_classification}
    for use in ("test", "validation", "train", "crossdb"):
        if use in splits:
            return use
    return ""


def items(rows: list["ManifestRow"], folder: Path) -> Iterator[Item]:
    """Give every picture.

    Args:
        rows: the films of a manifest.
        folder: the data's folder, which paths are given from.

    Yields:
        Films first, then what was done to them, then non-films.
    """
    from cxr_tf.evaluation.results import read_mask
    from cxr_tf.films.split_answers import film_path
    from pipelines.films import read_film

    for index, row in enumerate(rows):
        use = use_of(row)
        film = read_film(row.path)
        if not use or film.pixels is None:
            continue
        masks = {k: read_mask(v) for k, v in row.masks.items() if k in ("left_lung", "right_lung")}
        origin = (row.split_segmentation, row.source, row.label, row.patient_id)
        path = film_path(row, folder)
        yield Item(path, "film", use, origin, film.pixels, film.padding, masks)
        if film.padding >= 0:
            continue
        if use in _TURNED and index % _TURNED[use] == 0:
            for kind, turn in TURNED.items():
                yield Item(path, kind, use, origin, turn(film.pixels), -1, {})
        often = _WORSE.get(row.split_segmentation)
        if often and index % often == 0 and masks:
            for number, (kind, degrade) in enumerate(DEGRADE.items()):
                rng = np.random.default_rng([index, number])
                pixels, moved = degrade(film.pixels, masks, rng)
                yield Item(path, kind, row.split_segmentation, origin, pixels, -1, moved)
    for each in non_films():
        yield Item(each.name, each.kind, each.half, ("", "", "", each.name), each.pixels, -1, {})


def collect(model: "TriageModel", found: Iterator[Item], out: Path) -> None:
    """Describe pictures by a model and write one row each.

    Args:
        model: answers `describe`.
        found: the pictures.
        out: the CSV to write: `COLUMNS`, then `FEATURES`; Jaccard of the lungs is blank where there
            is no true mask.
    """
    from cxr_tf.measures.metrics import label_jaccard

    rows: list[tuple[object, ...]] = []
    for index, item in enumerate(found):
        features, labels, status = model.describe(item.pixels, item.padding)
        lung = float(np.isin(labels, (2, 3)).mean())
        jaccard = label_jaccard(labels, item.masks)["lung"] if item.masks else None
        head = (item.path, item.kind, item.use, *item.origin, status, lung, jaccard)
        rows.append((*head, *map(float, features)))
        if index % 100 == 0:
            Reporter().note(f"{index} pictures")
    table = pd.DataFrame(rows, columns=[*COLUMNS, *FEATURES])
    with whole(out) as fresh:
        table.to_csv(fresh, index=False, lineterminator="\n", float_format="%.6f")
