"""Reads the tables that fitting and report rest on."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxr_tf.method.reliability.feature_names import FEATURES
from pipelines.masks import LEAST_LUNG_FRACTION
from tools.phantoms.non_films import TURNED
from tools.reliability.degrade import DEGRADE
from tools.reliability.real_non_films import REAL

Table = Any  # a pandas DataFrame; pandas carries no types
_TEXT = {"path": str, "patient_id": str}
Floats = npt.NDArray[np.float64]


def read_table(*paths: Path) -> Table:
    """Read what `collect` wrote, of one model.

    Args:
        *paths: the CSVs, put behind each other.

    Returns:
        The table with `group` beside: `film`, `worse`, `turned`, `non_film` or `real_non_film`;
        and `lungs`, whether enough of them were found for the gate to be asked.
    """
    parts = [pd.read_csv(path, dtype=_TEXT, keep_default_na=False) for path in paths]
    table = pd.concat(parts, ignore_index=True)
    table["jaccard"] = pd.to_numeric(table["jaccard"])
    group = {"film": "film"} | dict.fromkeys(TURNED, "turned") | dict.fromkeys(DEGRADE, "worse")
    real = table["kind"].str.startswith(REAL)
    others = np.where(real, "real_non_film", "non_film")
    table["group"] = table["kind"].map(group).where(table["kind"].isin(group), others)
    table["lungs"] = (table["status"] == "ok") & (table["lung"] >= LEAST_LUNG_FRACTION)
    return table


def features(table: Table) -> Floats:
    """Take the features of a table.

    Args:
        table: rows of `read_table`.

    Returns:
        float64 [N, F].
    """
    return table[list(FEATURES)].to_numpy(np.float64)


def read_decisions(path: Path) -> tuple[tuple[str, ...], Table, Floats]:
    """Read `predictions.csv` of an evaluation; films without an answer are left out.

    Args:
        path: the CSV.

    Returns:
        The classes; the rows with `index`, of the truth, and `decided`, of the label; and the
        mean probabilities, float64 [N, C].
    """
    table = pd.read_csv(path, dtype=_TEXT, keep_default_na=False)
    if "patient_id" not in table:  # of sources left out: the film's path stands where none is known
        table["patient_id"] = table["patient"]
    classes = tuple(name[6:] for name in table.columns if name.startswith("votes_"))
    table = table[table["status"] == "ok"].reset_index(drop=True)
    table["index"] = [classes.index(name) for name in table["truth"]]
    table["decided"] = [classes.index(name) for name in table["label"]]
    return classes, table, table[[f"p_{name}" for name in classes]].to_numpy(np.float64)
