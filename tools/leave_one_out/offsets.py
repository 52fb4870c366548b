"""Class offsets fitted on the votes about sources left out, and what they are worth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cxr_tf.evaluation.against import TABLE
from cxr_tf.evaluation.patch_store import PATCHES_FILE, read_patches
from cxr_tf.evaluation.summary import figure_text, table
from cxr_tf.measures.bootstrap import SAMPLES
from cxr_tf.measures.class_offsets import (
    PENALTY,
    fit_offsets,
    macro_recall,
    vote_with,
    with_offsets,
)
from cxr_tf.measures.estimates import Decisions, classification_estimates
from cxr_tf.measures.paired import compare
from cxr_tf.runtime.errors import UsageError
from pipelines.status import OK
from pipelines.text_table import read_text_table
from tools.leave_one_out.decisions import LEFT_OUT, Table, as_decisions, classes_of
from tools.leave_one_out.folds import Fold


def patches_of(out: Path, folds: Sequence[Fold], decided: Table) -> npt.NDArray[np.float16]:
    """Read the patches of films that were left out.

    Args:
        out: folder of the folds.
        folds: its folds.
        decided: rows of `decisions.csv`, all left out and decided.

    Returns:
        float16 [n, K, C], in the order of the rows.

    Raises:
        UsageError: a fold has not kept them.
    """
    found = {}
    for fold in folds:
        path = out / fold.folder / LEFT_OUT / PATCHES_FILE
        if not path.is_file():
            raise UsageError(f"{path} is missing: run the fold again")
        found[fold.name] = read_patches(path)
    pairs = zip(decided["fold"], decided["path"], strict=True)
    return np.stack([found[fold][path] for fold, path in pairs])


def _decided(decisions: Table) -> Table:
    """Films left out that have a decision."""
    return decisions[(decisions["kind"] == LEFT_OUT) & (decisions["status"] == OK)]


def known_films(
    folder: Path, classes: Sequence[str]
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.int64]]:
    """Read films of known sources that `decide` has decided.

    Args:
        folder: what `decide` wrote, of validation films.
        classes: names of the decision classes in order.

    Returns:
        Softmax of the patches, float16 [n, K, C], and the true classes, int64 [n].

    Raises:
        UsageError: there is no such folder.
    """
    if not (folder / TABLE).is_file() or not (folder / PATCHES_FILE).is_file():
        raise UsageError(f"{folder}: no decisions here; make them by decide --split validation")
    rows, patches = read_text_table(folder / TABLE), read_patches(folder / PATCHES_FILE)
    rows = rows[rows["status"] == OK]
    found = np.stack([patches[path] for path in rows["path"]])
    return found, np.array([classes.index(name) for name in rows["truth"]], np.int64)


def fit(
    out: Path, folds: Sequence[Fold], decisions: Table, penalty: float = PENALTY,
    samples: int = SAMPLES, seed: int = 0, known: Path | None = None,
) -> tuple[dict[str, Any], str]:  # fmt: skip
    """Fit offsets on all films left out, and tell their worth where they were not fitted.

    For that, the films of each fold are decided with offsets fitted on the other folds.

    Args:
        out: folder of the folds.
        folds: its folds.
        decisions: from `gather`.
        penalty: see `fit_offsets`.
        samples: bootstrap samples.
        seed: their seed.
        known: decisions on validation films of known sources, which count as much as those left
            out; None for none.

    Returns:
        What an export takes, and Markdown.

    Raises:
        UsageError: patches were not kept, or there are fewer than two folds.
    """
    if len(folds) < 2:
        raise UsageError("offsets need two folds or more: one to fit on and one to try them on")
    classes = classes_of(decisions)
    others = [] if known is None else [known_films(known, classes)]
    rows = _decided(decisions)
    plain, patches = as_decisions(rows), patches_of(out, folds, rows)
    names, crossed = rows["fold"].to_numpy(), plain.decided.copy()
    of_fold = {}
    for fold in folds:
        own = names == fold.name
        of_fold[fold.name] = fit_offsets(patches[~own], plain.truth[~own], penalty, others)
        crossed[own] = vote_with(patches[own], of_fold[fold.name])
    offsets = fit_offsets(patches, plain.truth, penalty, others)
    fitted = Decisions(plain.truth, crossed, plain.probabilities, plain.patients)
    paired = compare(fitted, plain, classes, samples, seed)
    overall = [classification_estimates(x, classes, samples, seed) for x in (plain, fitted)]
    record = {
        "classes": list(classes),
        "offsets": offsets.tolist(),
        "penalty": penalty,
        "films": len(rows),
        "folds": [fold.name for fold in folds],
        "balanced_accuracy": paired.figures["recall"].record(),
    }
    text = _markdown(classes, offsets, of_fold, overall, paired.figures["recall"].record())
    for each, truth in others:
        both = [macro_recall(truth, vote_with(each, x), len(classes)) for x in (0.0, offsets)]
        record["known"] = {"films": len(truth), "without": both[0], "with": both[1]}
        text += (
            f"\nMean recall of the {len(truth)} validation films of known sources, which "
            f"took part in the fit: {both[0]:.3f} without, {both[1]:.3f} with.\n"
        )
    return record, text


def moved(out: Path, folds: Sequence[Fold], decisions: Table, offsets: npt.ArrayLike) -> Table:
    """Give the decisions on films left out as they are with offsets.

    Args:
        out: folder of the folds.
        folds: its folds.
        decisions: from `gather`.
        offsets: [C].

    Returns:
        Rows of films left out that were decided, with other labels, votes and mean probabilities;
        what `python -m tools.reliability fit --left-out` takes.
    """
    classes = classes_of(decisions)
    rows = _decided(decisions).copy()
    patches = patches_of(out, folds, rows)
    probabilities = with_offsets(patches, offsets)
    best = probabilities.argmax(-1)
    decided = vote_with(patches, offsets)
    for index, name in enumerate(classes):
        rows[f"votes_{name}"] = (best == index).sum(1)
        rows[f"p_{name}"] = probabilities[..., index].mean(1).round(6)
    rows["label"] = [classes[index] for index in decided]
    rows["agreement"] = (best == decided[:, None]).mean(1).round(6)
    return rows


def _markdown(
    classes: Sequence[str], offsets: npt.NDArray[np.float64],
    of_fold: dict[str, npt.NDArray[np.float64]], overall: Sequence[Any], paired: dict[str, Any],
) -> str:  # fmt: skip
    fitted = [["all folds", *(f"{x:+.2f}" for x in offsets)]]
    fitted += [[f"without {name}", *(f"{x:+.2f}" for x in own)] for name, own in of_fold.items()]
    recalls = [
        [name, *(figure_text(each.by_class[name]["sensitivity"].record()) for each in overall)]
        for name in classes
    ]
    means = [figure_text(each.overall["recall"].record()) for each in overall]
    return "\n\n".join(
        [
            "# Class offsets",
            "Added to the logits of every patch ahead of the vote, fitted on films left out:",
            table(["fitted on", *classes], fitted),
            "Recall of films left out without them, and with those fitted on the other folds:",
            table(["class", "without", "with"], [*recalls, ["balanced accuracy", *means]]),
            f"Difference in balanced accuracy, paired: {figure_text(paired['difference'])}.",
        ]
    ) + "\n"  # fmt: skip
