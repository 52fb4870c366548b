"""The decisions of all folds in one table: about films left out, and about known sources."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxr_tf.evaluation.against import TABLE
from cxr_tf.measures.estimates import Decisions
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.whole_files import write_text
from pipelines.status import OK
from pipelines.text_table import read_text_table
from tools.leave_one_out.folds import Fold

#: The table of a folder of folds; a row for each decision.
DECISIONS = "decisions.csv"
#: The films of the sources that a fold left out; the test films of those it has learnt from.
LEFT_OUT, KNOWN = "left_out", "known"

Table = Any  # a pandas DataFrame; pandas carries no types


def gather(out: Path, folds: Iterable[Fold], classes: Sequence[str], vote: str = "") -> Table:
    """Put the decisions of the evaluated folds into one table, and write it.

    That of the dense vote is `decisions_dense.csv`.

    Args:
        out: folder of the folds.
        folds: those to look for.
        classes: names of the decision classes in order.
        vote: `dense` for the decisions of the dense vote.

    Returns:
        The table: `fold`, `kind` (`left_out` or `known`), film, patient, origin, truth and
        decision, votes and mean probabilities; cells are text.

    Raises:
        UsageError: no fold is evaluated yet.
    """
    parts = []
    for fold in folds:
        for kind in (LEFT_OUT, KNOWN):
            path = out / fold.folder / kind / vote / TABLE
            if path.is_file():
                part = read_predictions(path)
                part.insert(0, "fold", fold.name)
                part.insert(1, "kind", kind)
                parts.append(part)
    if not parts:
        raise UsageError(f"{out}: no fold is evaluated yet; run the folds first")
    table = pd.concat(parts, ignore_index=True)
    of_class = [f"{what}_{name}" for what in ("votes", "p") for name in classes]
    columns = ["fold", "kind", "path", "patient", "source", "class", "truth", "status", "label",
               "agreement", "patches_used", *of_class, "model_version"]  # fmt: skip
    table = table[columns]
    name = f"decisions_{vote}.csv" if vote else DECISIONS
    write_text(out / name, table.to_csv(index=False, lineterminator="\n"))
    return table


def read_predictions(path: Path) -> Table:
    """Read the decisions of an evaluation or of `decide`.

    Args:
        path: its predictions.csv.

    Returns:
        The table, its cells text, with a column `patient`: the id, or the film where there is none.

    Raises:
        OSError: there is no such file.
        ValueError: it is no table.
    """
    table = read_text_table(path)
    table["patient"] = table["patient_id"].where(table["patient_id"] != "", table["path"])
    return table


def read_decisions(out: Path) -> Table:
    """Read the table that `gather` wrote.

    Args:
        out: folder of the folds, or the table.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    path = out / DECISIONS if out.is_dir() else out
    try:
        table = read_text_table(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: no decisions can be read ({error})") from error
    if missing := {"fold", "kind", "path", "patient", "truth", "label"} - set(table):
        raise UsageError(f"{path}: no column {', '.join(sorted(missing))}; name a {DECISIONS}")
    return table


def classes_of(table: Table) -> tuple[str, ...]:
    """Give the decision classes of a table, in order.

    Args:
        table: from `gather` or `read_decisions`.
    """
    return tuple(str(name)[2:] for name in table if str(name).startswith("p_"))


def as_decisions(table: Table) -> Decisions:
    """Give the rows as figures are computed from them.

    Args:
        table: rows of `gather` or `read_decisions`.

    Returns:
        The decisions in the order of the rows; -1 where a film has none.

    Raises:
        UsageError: a class or number cannot be read.
    """
    classes = classes_of(table)
    number = {name: index for index, name in enumerate(classes)}
    decided = (table["status"] == OK).to_numpy()
    try:
        truth = [number[name] for name in table["truth"]]
        labels = [
            number[name] if ok else -1 for name, ok in zip(table["label"], decided, strict=True)
        ]
        chances = table[[f"p_{name}" for name in classes]].to_numpy()
        probabilities = np.where(decided[:, None], chances, "0").astype(np.float64)
    except (KeyError, ValueError) as error:
        raise UsageError(f"a decision cannot be read ({error}); gather the folds again") from error
    return Decisions(
        np.array(truth, np.int64),
        np.array(labels, np.int64),
        probabilities,
        tuple(table["patient"]),
    )
