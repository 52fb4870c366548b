"""Calibration, sets of classes and the formula against plain computations."""

import dataclasses
import json

import numpy as np
import pytest

from cxr_tf.method.reliability.calibration import calibrate, conformal_set, unsure
from cxr_tf.method.reliability.feature_names import FEATURES
from cxr_tf.method.reliability.formula import Formula, Term
from cxr_tf.method.reliability.judgement import score
from cxr_tf.method.reliability.parameters import Reliability, read_reliability
from cxr_tf.method.reliability.refusal import NO_CHEST, REASONS, put_right, reason
from cxr_tf.runtime.errors import UsageError
from tests.protocol import check_op

FORMULA = Formula(0.5, (Term("doubt", 1.0, 2.0, -1.0, 0.25), Term("taper", 0, 1, 3.0)), 0.4)
NUMBERS = Reliability("m1", FORMULA, FORMULA, 0.5, 0.2, 0.9, {"films": 3})


def test_a_temperature_sharpens_and_keeps_the_order():
    probabilities = np.array([[0.4, 0.3, 0.2, 0.1], [0.0, 1.0, 0.0, 0.0]], np.float32)
    np.testing.assert_allclose(calibrate(probabilities, 1.0), probabilities, atol=1e-6)
    sharp = check_op(lambda p: calibrate(p, 0.5), probabilities, atol=1e-7)
    squares = probabilities[0] ** 2
    np.testing.assert_allclose(sharp[0], squares / squares.sum(), rtol=1e-5)
    np.testing.assert_allclose(sharp[1], probabilities[1], atol=1e-6)


def test_a_set_always_holds_the_most_probable_class():
    rows = np.array([[0.6, 0.3, 0.1], [0.34, 0.33, 0.33], [0.1, 0.1, 0.8]], np.float32)
    np.testing.assert_array_equal(conformal_set(rows, 0.3), [[1, 1, 0], [1, 1, 1], [0, 0, 1]])
    np.testing.assert_array_equal(conformal_set(rows, 0.9), [[1, 0, 0], [1, 0, 0], [0, 0, 1]])
    assert [bool(unsure(np.array(s), 1)) for s in ([0, 1, 0], [1, 1, 0], [1, 0, 0])] == [
        False, True, True,
    ]  # fmt: skip


def test_a_formula_in_the_graph_and_outside():
    features = np.random.default_rng(0).normal(0, 20, (5, len(FEATURES))).astype(np.float32)
    check_op(lambda row: score(FORMULA, row), features[0], atol=1e-6)
    found = [score(FORMULA, row) for row in features]
    np.testing.assert_allclose(found, score(FORMULA, features.astype(float)), atol=1e-6)
    one = np.zeros((1, len(FEATURES)))
    one[0, FEATURES.index("doubt")] = 3.0
    assert float(score(FORMULA, one)[0]) == pytest.approx(1 / (1 + np.exp(-(0.5 - 1.0 + 0.25))))


def test_numbers_go_through_json(tmp_path):
    path = tmp_path / "reliability.json"
    path.write_text(json.dumps(NUMBERS.record()))
    assert read_reliability(path, "m1") == NUMBERS
    with pytest.raises(UsageError, match="fitted for model m1, not m2"):
        read_reliability(path, "m2")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 0}, "temperature is above 0"),
        ({"gate": {"intercept": 0, "terms": []}}, "gate.threshold is missing"),
        ({"mask": dataclasses.asdict(FORMULA) | {"terms": []}}, "needs a term"),
        ({"mask": {"intercept": 0, "threshold": 0.5, "terms": [
            {"feature": "age", "centre": 0, "scale": 1, "linear": 1, "square": 0}]}},
         "'age' is not one of"),
    ],
)  # fmt: skip
def test_damaged_numbers_are_refused(tmp_path, change, message):
    path = tmp_path / "reliability.json"
    path.write_text(json.dumps(NUMBERS.record() | change))
    with pytest.raises(UsageError, match=f"{path}: .*{message}"):
        read_reliability(path, "m1")


def test_a_turned_film_is_put_right():
    film = np.random.default_rng(1).uniform(0, 255, (8, 8)).astype(np.float32)
    ways = {
        REASONS[0]: np.rot90(film, 2),
        REASONS[1]: np.rot90(film, 1),
        REASONS[3]: 255 * np.sqrt(1 - (film / 255) ** 2),
    }
    for words, turned in ways.items():
        right = put_right(np.ascontiguousarray(turned), enhance=True).numpy()
        distance = np.abs(right - film).reshape(4, -1).max(1)
        assert distance.min() < 0.1 and REASONS[distance.argmin()] == words
        assert reason(-distance, -1.0).numpy().decode() == words
    assert reason(np.array([0.1, 0.3, 0.2, 0.0], np.float32), 0.5).numpy().decode() == NO_CHEST
