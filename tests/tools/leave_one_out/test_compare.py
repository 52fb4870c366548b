"""Two recipes on the same films against a calculation by hand."""

import pytest

from cxr_tf.runtime.errors import UsageError
from tests.tools.leave_one_out.made_up import decision, table
from tools.leave_one_out.__main__ import main
from tools.leave_one_out.compare import markdown, paired
from tools.leave_one_out.decisions import DECISIONS

N, T = "normal", "tuberculosis"
FIRST = [
    decision("1", "a", N, N, 0.1), decision("2", "a", N, N, 0.2), decision("3", "a", T, T, 0.9),
    decision("4", "b", T, T, 0.8), decision("5", "b", T, N, 0.3), decision("6", "b", N, ""),
    decision("7", "c", N, N, 0.1),
]  # fmt: skip
SECOND = [
    decision("4", "b", T, N, 0.4), decision("5", "b", T, N, 0.2), decision("6", "b", N, N, 0.1),
    decision("1", "a", N, N, 0.1), decision("2", "a", N, T, 0.7), decision("3", "a", T, T, 0.6),
]  # fmt: skip


def test_differences_are_those_of_the_films_that_both_decided():
    found = paired(table(*FIRST), table(*SECOND), "left_out", samples=200)
    assert found.pooled.n == 5 and found.without == 2  # film 6 lacks a decision, 7 a partner
    balanced = found.pooled.figures["recall"]
    assert balanced.first == pytest.approx((2 / 2 + 2 / 3) / 2)
    assert balanced.second == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert balanced.difference.value == pytest.approx(5 / 12)
    assert balanced.difference.low < 5 / 12 < balanced.difference.high
    # Tuberculosis 0.9 0.8 0.3 above normal 0.1 0.2: all pairs; and 0.6 0.4 0.2 above 0.1 0.7: 3.
    area = found.pooled.figures["roc_auc"]
    assert area.first == 1.0 and area.second == pytest.approx(3 / 6)
    assert (found.pooled.test.first_only, found.pooled.test.second_only) == (2, 0)
    assert [(x.source, x.name, x.first, x.second, x.difference.value) for x in found.recalls] == [
        ("a", N, 1.0, 0.5, 0.5), ("a", T, 1.0, 1.0, 0.0), ("b", T, 0.5, 0.0, 0.5)
    ]  # fmt: skip


def test_films_of_a_patient_are_drawn_together():
    def interval(patients):
        left = [decision(str(i), "a", N, N, patient=patients[i]) for i in range(4)]
        right = [decision(str(i), "a", N, N if i < 2 else T, patient=patients[i]) for i in range(4)]
        found = paired(table(*left), table(*right), "left_out", samples=500)
        (recall,) = found.recalls
        return recall.difference

    alone, together = interval("abcd"), interval("aabb")
    assert alone.value == together.value == 0.5
    assert (together.low, together.high) == (0.0, 1.0) and together.patients == 2
    assert alone.patients == 4


def test_known_films_pair_within_their_fold():
    left = table(*FIRST, *(decision("3", "a", T, T, kind="known", fold=x) for x in "bc"))
    right = table(*SECOND, decision("3", "a", T, N, kind="known", fold="c"))
    found = paired(left, right, "known", samples=50)
    assert found.pooled.n == 1 and found.without == 1
    text = markdown(left, right, ("one", "other"), 50, 0)
    assert "## Test patients of known sources" in text and "# one less other" in text


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"truth": T}, "1 has another class"),
        ({"patient": "someone"}, "1 has another class or patient"),
        ({"label": "flu"}, "flu"),
        ({"p_normal": "much"}, "cannot be read"),
    ],
)
def test_decisions_that_do_not_fit_are_refused(changed, message):
    with pytest.raises(UsageError, match=message):
        paired(table(*FIRST), table(FIRST[0] | changed), "left_out", samples=50)


def test_other_classes_and_other_films_are_refused():
    other = table(*FIRST).rename(columns={"p_normal": "p_healthy"})
    with pytest.raises(UsageError, match="they cannot be compared"):
        paired(table(*FIRST), other, "left_out")
    with pytest.raises(UsageError, match="no film was decided in both"):
        markdown(table(*FIRST), table(decision("x", "a", N, N)), ("a", "b"), 50, 0)


def test_the_command_reads_folders_and_tables(tmp_path, capsys):
    for name, rows in {"one": FIRST, "other": SECOND}.items():
        (tmp_path / name).mkdir()
        table(*rows).to_csv(tmp_path / name / DECISIONS, index=False)
    given = [str(tmp_path / "one"), str(tmp_path / "other" / DECISIONS), "--samples", "50"]
    assert main(["compare", *given, "--out", str(tmp_path / "difference.md")]) == 0
    assert (tmp_path / "difference.md").read_text() == capsys.readouterr().out[:-1]
    assert main(["compare", str(tmp_path / "one"), str(tmp_path)]) == 2
    assert "no decisions can be read" in capsys.readouterr().err
