"""The figures of all folds against a calculation by hand."""

import numpy as np
import pytest

from tests.tools.leave_one_out.made_up import decision, table
from tools.leave_one_out.figures import figure_rows
from tools.leave_one_out.report import draw, markdown

N, T = "normal", "tuberculosis"
DECISIONS = table(
    # Source a: 2 of 3 normal films and 1 of 2 with tuberculosis.
    decision("1", "a", N, N, 0.1, patient="p"),
    decision("2", "a", N, N, 0.2, patient="p"),
    decision("3", "a", N, T, 0.6),
    decision("4", "a", T, T, 0.7),
    decision("5", "a", T, N, 0.3),
    # Source b: 1 of 1 normal film, 0 of 3 with tuberculosis; one of them without a decision.
    decision("6", "b", N, N, 0.4),
    decision("7", "b", T, N, 0.2),
    decision("8", "b", T, N, 0.1),
    decision("9", "b", T, ""),
    # Source c: tuberculosis alone.
    decision("10", "c", T, T, 0.8),
    # Known: film 4 by the folds of b and c, film 6 by those of a and c.
    decision("4", "a", T, T, 0.9, "known", "b"), decision("4", "a", T, N, 0.3, "known", "c"),
    decision("6", "b", N, N, 0.2, "known", "a"), decision("6", "b", N, N, 0.1, "known", "c"),
)  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    found = figure_rows(DECISIONS, {}, samples=200)
    return {(row.source, row.name, row.figure): row for row in found}


def test_recall_by_source_and_class(rows):
    recalls = {
        key[:2]: (row.left_out.value, row.left_out.n, row.left_out.patients)
        for key, row in rows.items()
        if key[2] == "recall"
    }
    assert recalls == {
        ("a", N): (pytest.approx(2 / 3), 3, 2),
        ("a", T): (1 / 2, 2, 2),
        ("b", N): (1.0, 1, 1),
        ("b", T): (0.0, 3, 3),
        ("c", T): (1.0, 1, 1),
    }


def test_balanced_accuracy_is_the_mean_of_the_classes_recalls(rows):
    pooled = rows["all", "all", "balanced accuracy"]
    assert pooled.left_out.value == pytest.approx((3 / 4 + 2 / 6) / 2)
    assert pooled.left_out.low < pooled.left_out.value < pooled.left_out.high
    assert (pooled.left_out.n, pooled.left_out.patients) == (10, 9)
    assert pooled.known.value == pytest.approx((1 / 2 + 2 / 2) / 2)
    assert (pooled.known.n, pooled.known.patients) == (4, 2)
    own = rows["a", "all", "balanced accuracy"]
    assert own.left_out.value == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert own.known.value == 1 / 2 and own.remark == "no test films of normal"
    assert ("c", "all", "balanced accuracy") not in rows


def test_the_area_counts_pairs_of_decided_films(rows):
    # Normal 0.1 0.2 0.6 0.4, tuberculosis 0.7 0.3 0.2 0.1 0.8.
    wins = {0.7: 4, 0.3: 2, 0.2: 1 + 0.5, 0.1: 0.5, 0.8: 4}
    area = sum(wins.values()) / 20
    assert rows["all", "all", "ROC-AUC"].left_out.value == pytest.approx(area)
    assert rows["a", "all", "ROC-AUC"].left_out.value == pytest.approx((3 + 2) / 6)


def test_what_is_known_of_a_source_stands_beside_it(rows):
    assert rows["a", T, "recall"].known.value == 1 / 2
    assert rows["a", T, "recall"].known.n == 2
    assert np.isnan(rows["c", T, "recall"].known.value) and rows["c", T, "recall"].known.n == 0


def test_a_class_of_one_source_is_remarked():
    found = figure_rows(DECISIONS, {T: "c"}, samples=50)
    assert [row.source for row in found if "only source" in row.remark] == ["c"]
    alone = figure_rows(DECISIONS[DECISIONS["source"] == "c"], {}, samples=50)
    assert [row.remark for row in alone if row.name == "all"] == ["no films of normal"] * 2


RECIPE = {
    "phantom": False, "folds": {"a": ["a"]}, "steps_per_epoch": 2, "patches": 100,
    "class_map": "x,y", "single_sources": {}, "skipped": {},
    "training": {"epochs": 3, "batch_size": 4},
}  # fmt: skip


@pytest.mark.parametrize(
    "training, said",
    [({}, "examples; 100 patches vote."),
     ({"approach": "global"}, "examples; the whole film decides."),
     ({"fit_head": 0.1}, "; the last layer is fitted by logistic regression; 100 patches vote.")],
)  # fmt: skip
def test_the_report_says_what_decides(training, said):
    recipe = RECIPE | {"training": RECIPE["training"] | training}
    assert said in markdown([], recipe)


@pytest.mark.parametrize("known", [True, False])
def test_known_films_are_spoken_of_where_there_are_some(known):
    decisions = DECISIONS if known else DECISIONS[DECISIONS["kind"] == "left_out"]
    rows = figure_rows(decisions, {}, samples=50)
    text = markdown(rows, RECIPE)
    assert ("*Known*" in text) == ("| known" in text) == known
    figure = draw(rows, RECIPE)
    (key,) = figure.legends
    assert [each.get_text() for each in key.get_texts()] == [
        "source left out", *(["source known, test patients"] if known else [])
    ]  # fmt: skip
    assert ("known sources" in figure.get_suptitle()) == known
