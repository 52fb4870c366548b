"""Fits gate, quality of the mask and calibration; no film of a test split takes part."""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from cxr_tf.method.reliability.feature_names import FEATURES
from cxr_tf.method.reliability.formula import Formula, Term
from cxr_tf.method.reliability.judgement import FARTHEST, score
from cxr_tf.method.reliability.parameters import Reliability
from tools.reliability.table import Floats, Table, features

#: What the gate looks at, chosen by leaving out one kind of non-film after another; of the
#: second both ends are odd.
GATE = ("lungs_uneven", "taper", "heart_share", "heart_low", "entropy", "contrast")
GATE_SQUARES = ("heart_share", "heart_low")
#: What the gate is to refuse.
OTHERS = ("turned", "non_film", "real_non_film")
#: What the quality of the mask is told by.
MASK = ("doubt", "lungs_uneven")
MASK_SQUARES = ("doubt",)
#: Share of the films for training and validation that the gate may refuse.
REFUSED = 0.01
#: A mask whose Jaccard similarity is estimated below this gets a warning.
GOOD = 0.85
COVERAGE = 0.9
_EDGE = 0.02  # similarities are kept this far from 0 and 1, where the logit has no end


def _standard(
    table: Table, names: tuple[str, ...], squares: tuple[str, ...], centre: Floats, scale: Floats
) -> Floats:
    """Standardised and clipped features, then the squares."""
    chosen = [FEATURES.index(name) for name in names]
    z = np.clip((features(table)[:, chosen] - centre) / scale, -FARTHEST, FARTHEST)
    return np.column_stack([z, *(z[:, names.index(name)] ** 2 for name in squares)])


def _formula(
    names: tuple[str, ...],
    squares: tuple[str, ...],
    centre: Floats,
    scale: Floats,
    weights: Floats,
    intercept: float,
) -> Formula:
    square = dict(zip(squares, weights[len(names) :], strict=True))
    terms = (
        Term(name, *(round(float(x), 6) for x in (middle, sd, linear, square.get(name, 0))))
        for name, middle, sd, linear in zip(names, centre, scale, weights, strict=False)
    )
    return Formula(round(float(intercept), 6), tuple(terms), 0.0)


def _middle(table: Table, names: tuple[str, ...]) -> tuple[Floats, Floats]:
    values = features(table)[:, [FEATURES.index(name) for name in names]]
    return np.median(values, 0), values.std(0)


def fit_gate(table: Table) -> Formula:
    """Fit the score of being an upright frontal chest film.

    Args:
        table: of `read_table`.

    Returns:
        A logistic formula that tells films for training from turned ones and non-films of the half
        `fit`; its threshold refuses `REFUSED` of the films for training and validation.
    """
    from sklearn.linear_model import LogisticRegression

    found = table[table["lungs"]]
    films = found[(found["group"] == "film") & (found["use"] == "train")]
    others = found[found["group"].isin(OTHERS) & found["use"].isin(["train", "fit"])]
    centre, scale = _middle(films, GATE)
    inputs = [_standard(part, GATE, GATE_SQUARES, centre, scale) for part in (films, others)]
    answers = [1] * len(films) + [0] * len(others)
    model = LogisticRegression(class_weight="balanced", max_iter=5000)
    model.fit(np.concatenate(inputs), answers)
    formula = _formula(GATE, GATE_SQUARES, centre, scale, model.coef_[0], model.intercept_[0])
    known = found[(found["group"] == "film") & found["use"].isin(["train", "validation"])]
    threshold = float(np.quantile(score(formula, features(known)).numpy(), REFUSED))
    return dataclasses.replace(formula, threshold=round(threshold, 6))


def masks_to_fit(table: Table) -> Table:
    """Take the films that the segmentation was trained or validated on, and their worse forms.

    Args:
        table: of `read_table`.
    """
    own = (table["use"] != "test") & table["split_segmentation"].isin(["train", "validation"])
    return table[own & table["group"].isin(["film", "worse"]) & table["jaccard"].notna()]


def fit_mask(table: Table) -> Formula:
    """Fit the estimate of the lungs' Jaccard similarity.

    Args:
        table: of `read_table`.

    Returns:
        A formula whose score estimates it; below `GOOD` there is a warning.
    """
    from sklearn.linear_model import Ridge

    found = masks_to_fit(table)
    centre, scale = _middle(found, MASK)
    true = np.clip(found["jaccard"].to_numpy(), _EDGE, 1 - _EDGE)
    inputs = _standard(found, MASK, MASK_SQUARES, centre, scale)
    model = Ridge(1.0).fit(inputs, np.log(true / (1 - true)))
    formula = _formula(MASK, MASK_SQUARES, centre, scale, model.coef_, model.intercept_)
    return dataclasses.replace(formula, threshold=GOOD)


def calibrated(probabilities: Floats, temperature: float) -> Floats:
    """Do what `cxr_tf.method.reliability.calibration.calibrate` does, in float64.

    Args:
        probabilities: [N, C].
        temperature: above 0.
    """
    logits = np.log(np.maximum(probabilities, 1e-12)) / temperature
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True))


def negative_log_likelihood(probabilities: Floats, truth: npt.NDArray[np.int64]) -> float:
    """Give the mean over films.

    Args:
        probabilities: [N, C].
        truth: int [N], indices of the classes.
    """
    return float(-np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-12)).mean())


def fit_temperature(probabilities: Floats, truth: npt.NDArray[np.int64]) -> float:
    """Find the temperature of the greatest likelihood, from 0.1 to 10.

    Args:
        probabilities: mean probabilities [N, C].
        truth: int [N].
    """
    from scipy.optimize import minimize_scalar

    def loss(log: float) -> float:
        return negative_log_likelihood(calibrated(probabilities, math.exp(log)), truth)

    found = minimize_scalar(loss, bounds=(math.log(0.1), math.log(10)), method="bounded")
    return round(math.exp(float(found.x)), 4)


def fit_conformal(
    probabilities: Floats, truth: npt.NDArray[np.int64], coverage: float = COVERAGE
) -> float:
    """Find the least probability of a class in the set (split conformal prediction).

    Args:
        probabilities: calibrated [N, C], of films that were not trained on.
        truth: int [N].
        coverage: share of new films whose set is to hold the truth, if they are alike.

    Returns:
        The k-th largest probability of a true class, k = ceil((N + 1) coverage); 0 for too few
        films.
    """
    true = np.sort(probabilities[np.arange(len(truth)), truth])[::-1]
    rank = math.ceil((len(true) + 1) * coverage)
    return 0.0 if rank > len(true) else math.floor(float(true[rank - 1]) * 1e6) / 1e6


def fit(
    table: Table, decisions: tuple[tuple[str, ...], Table, Floats], version: str | None = None
) -> Reliability:
    """Fit all of it.

    Args:
        table: of `read_table`.
        decisions: of `read_decisions`, on validation films of the model, or on films of sources
            left out.
        version: of the model that the numbers are for; None for the one that decided.

    Returns:
        The numbers for one model.
    """
    _, rows, probabilities = decisions
    truth = rows["index"].to_numpy()
    temperature = fit_temperature(probabilities, truth)
    if version is None:
        (version,) = set(rows["model_version"])
    films = table[table["group"] == "film"]
    counts = {
        "films_train": int((films["use"] == "train").sum()),
        "films_validation": int((films["use"] == "validation").sum()),
        "turned": int(((table["group"] == "turned") & (table["use"] == "train")).sum()),
        "non_films": int((table["use"] == "fit").sum()),
        "real_non_films": int(
            ((table["group"] == "real_non_film") & (table["use"] == "fit")).sum()
        ),
        "masks": len(masks_to_fit(table)),
        "decisions": len(rows),
    }
    return Reliability(
        version,
        fit_gate(table),
        fit_mask(table),
        temperature,
        fit_conformal(calibrated(probabilities, temperature), truth),
        COVERAGE,
        counts,
    )
