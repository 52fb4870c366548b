"""What gate, quality of the mask and calibration are worth, with intervals."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cxr_tf.measures.bootstrap import estimate, resample_patients
from cxr_tf.measures.wilson import wilson
from cxr_tf.method.reliability.formula import Formula
from cxr_tf.method.reliability.judgement import score
from cxr_tf.method.reliability.parameters import Reliability
from tools.reliability.fit import GOOD, calibrated, fit_gate, negative_log_likelihood
from tools.reliability.table import Floats, Table, features

Record = dict[str, Any]
Bools = npt.NDArray[np.bool_]
#: Bootstrap samples.
SAMPLES = 2000
#: Bins of equal width for the calibration error.
BINS = 10


def share(hits: npt.ArrayLike) -> Record:
    """Give a share of films with Wilson's interval.

    Args:
        hits: bool [N].
    """
    found = np.asarray(hits, bool)
    low, high = wilson(int(found.sum()), len(found))
    value = float(found.mean()) if len(found) else None
    return {"value": value, "low": low, "high": high, "n": len(found), "count": int(found.sum())}


def resampled(
    figure: Callable[..., float], patients: Sequence[str], *columns: npt.NDArray[Any]
) -> Record:
    """Give any figure with a bootstrap interval over patients, for JSON.

    Args:
        figure: of the columns at the films that it is computed on, repeated as drawn.
        patients: one a film.
        columns: what it is computed from, one entry a film.
    """

    def at(places: npt.NDArray[np.int64]) -> float:
        return figure(*(column[places] for column in columns))

    every = np.arange(len(patients))
    drawn = resample_patients(patients, SAMPLES)
    return estimate(at(every), [at(np.repeat(every, row)) for row in drawn], patients).record()


def gate_record(table: Table, numbers: Reliability) -> tuple[Record, list[Record]]:
    """Count what the gate refuses; too little lung refuses as well.

    Args:
        table: of `read_table`.
        numbers: the fitted ones.

    Returns:
        Shares by use and group, and the same by kind or source for a table.
    """
    table = table.assign(refused=_refused(table, numbers.gate))
    table["of"] = np.where(table["group"] == "film", table["source"], table["kind"])
    found = table[table["group"] != "worse"]
    record = {
        f"{group}/{use}": share(rows["refused"])
        for (group, use), rows in found.groupby(["group", "use"])
    }
    rows = [
        {"group": group, "use": use, "kind": kind, "no_lung": int((~part["lungs"]).sum())}
        | share(part["refused"])
        for (group, use, kind), part in found.groupby(["group", "use", "of"])
    ]
    return record, rows


def real_kinds_record(table: Table, numbers: Reliability) -> Record:
    """Count what the gate refuses of each kind of real picture that is no frontal chest film.

    Args:
        table: of `read_table`.
        numbers: the fitted ones.

    Returns:
        By kind: `fit` and `report`, its two halves under the fitted numbers, and `left_out`: all
        of its pictures under a gate fitted on this table without any of the kind, which says what
        to expect of a kind that no fit has seen. Under `film`, by source, the films of no training
        that the fitted gate refuses. Empty where there are no real pictures.
    """
    real = table[table["group"] == "real_non_film"]
    if real.empty:
        return {}
    record: Record = {}
    for kind, rows in real.groupby("kind"):
        without = fit_gate(table[table["kind"] != kind])
        by_half = {
            half: share(_refused(rows[rows["use"] == half], numbers.gate))
            for half in ("fit", "report")
        }
        record[kind] = by_half | {"left_out": share(_refused(rows, without))}
    films = table[(table["group"] == "film") & table["use"].isin(["validation", "test"])]
    own = {source: share(_refused(rows, numbers.gate)) for source, rows in films.groupby("source")}
    return {"kinds": record, "film": own}


def _refused(rows: Table, gate: Formula) -> Bools:
    """Tell what is refused: too little lung, or a score below the threshold."""
    low = score(gate, features(rows)).numpy() < gate.threshold
    return np.asarray(~rows["lungs"] | low, bool)


def _rank(first: Floats, second: Floats) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(first, second).statistic)


def mask_record(table: Table, numbers: Reliability) -> tuple[Record, dict[str, Table]]:
    """Compare the estimated quality of masks with the true one.

    Args:
        table: of `read_table`.
        numbers: the fitted ones.

    Returns:
        Figures by data set, and for plots its rows with `estimate`.
    """
    table = table.assign(estimate=score(numbers.mask, features(table)).numpy())
    films = table[(table["group"] == "film") & table["jaccard"].notna()]
    sets = {
        "jsrt_test": films[films["split_segmentation"] == "test"],
        "montgomery": films[films["split_segmentation"] == "crossdb"],
    }
    record: Record = {}
    for name, rows in sets.items():
        true, found = rows["jaccard"].to_numpy(), rows["estimate"].to_numpy()
        entropy, patients = -rows["entropy"].to_numpy(), list(rows["patient_id"])
        bad, warned = true < GOOD, found < numbers.mask.threshold
        record[name] = {
            "spearman": resampled(_rank, patients, true, found),
            "spearman_entropy": resampled(_rank, patients, true, entropy),
            "mean_error": float(np.abs(true - found).mean()),
            "warned": share(warned),
            "bad_masks_warned": share(warned[bad]),
            "good_masks_warned": share(warned[~bad]),
        }
    unseen = table[(table["group"] == "film") & (table["use"] != "train")]
    record["warned_by_source"] = {
        source: share(rows["estimate"] < numbers.mask.threshold)
        for source, rows in unseen.groupby("source")
    }
    return record, sets


def calibration_error(confidence: Floats, right: Bools) -> float:
    """Give the expected calibration error: mean distance of share right and confidence by bin.

    Args:
        confidence: probability of the decided class [N].
        right: bool [N].
    """
    which = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [
        (which == b).mean() * abs(right[which == b].mean() - confidence[which == b].mean())
        for b in np.unique(which)
    ]
    return float(sum(gaps))


def risk_coverage(confidence: Floats, right: Bools) -> tuple[Floats, Floats]:
    """Give the share of wrong decisions among the most confident films.

    Args:
        confidence: [N].
        right: bool [N].

    Returns:
        Coverage and risk, each [N].
    """
    order = np.argsort(-confidence, kind="stable")
    count = np.arange(1, len(order) + 1)
    return count / len(order), np.cumsum(~right[order]) / count


def sets_of(probabilities: Floats, least: float) -> Bools:
    """Do what `cxr_tf.method.reliability.calibration.conformal_set` does, for many films.

    Args:
        probabilities: calibrated [N, C].
        least: least probability of a class in the set.
    """
    return (probabilities >= least) | (probabilities == probabilities.max(1, keepdims=True))


def decision_record(
    decisions: tuple[tuple[str, ...], Table, Floats], numbers: Reliability
) -> tuple[Record, Table]:
    """Measure calibration, conformal sets and abstaining.

    Args:
        decisions: of `read_decisions`.
        numbers: the fitted ones.

    Returns:
        The figures; and a table with each film's confidence before and after, agreement, whether it
        is right, size of its set, whether the set holds the truth, and whether to abstain.
    """
    classes, rows, plain = decisions
    truth, decided = rows["index"].to_numpy(), rows["decided"].to_numpy()
    patients, right = list(rows["patient_id"]), rows["index"].to_numpy() == decided
    every = np.arange(len(rows))
    after = calibrated(plain, numbers.temperature)
    record: Record = {"films": len(rows), "patients": len(set(patients)), "accuracy": share(right)}
    for name, found in (("before", plain), ("after", after)):
        confidence = found[every, decided]
        record[name] = {
            "calibration_error": resampled(calibration_error, patients, confidence, right),
            "negative_log_likelihood": resampled(negative_log_likelihood, patients, found, truth),
            "mean_confidence": float(confidence.mean()),
        }
    chosen = sets_of(after, numbers.conformal)
    holds, size = chosen[every, truth], chosen.sum(1)
    abstain = (size != 1) | ~chosen[every, decided]
    record["conformal"] = {
        "asked": numbers.coverage,
        "coverage": share(holds),
        "coverage_over_patients": resampled(lambda x: float(x.mean()), patients, holds),
        "mean_size": float(size.mean()),
        "sizes": {str(n): int((size == n).sum()) for n in range(1, len(classes) + 1)},
        "by_class": {name: share(holds[truth == k]) for k, name in enumerate(classes)},
        "by_source": {s: share(holds[rows["source"] == s]) for s in sorted(set(rows["source"]))},
    }
    record["abstain"] = {
        "abstained": share(abstain),
        "right_where_answered": share(right[~abstain]),
        "right_where_abstained": share(right[abstain]),
    }
    table = rows[["path", "source", "truth", "label"]].assign(
        right=right.astype(int),
        agreement=rows["agreement"],
        confidence=plain[every, decided],
        calibrated=after[every, decided],
        set_size=size,
        set_holds_truth=holds.astype(int),
        abstain=abstain.astype(int),
    )
    record["risk_area"] = {}
    for name in ("agreement", "confidence", "calibrated"):
        record["risk_area"][name] = resampled(
            lambda sure, hit: float(risk_coverage(sure, hit)[1].mean()),
            patients,
            table[name].to_numpy(),
            right,
        )
    return record, table
