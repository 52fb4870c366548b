"""Fitting and measuring on numbers whose answer is known; what is drawn for the gate."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from cxr_tf.method.reliability.calibration import calibrate, conformal_set
from cxr_tf.runtime.errors import UsageError
from pipelines.films import encode_png16
from tools.phantoms.non_films import TURNED
from tools.phantoms.other_parts import PARTS, other_part
from tools.reliability import fit, measures
from tools.reliability.__main__ import main
from tools.reliability.degrade import DEGRADE
from tools.reliability.report import BLOCKS, DETAILS, details, filled, write_report
from tools.reliability.stability import (
    CHANGES,
    ask_reasons,
    decide_changed,
    reasons_record,
    stability_record,
)
from tools.reliability.stability import COLUMNS as COLUMNS_CHANGED
from tools.reliability.table import read_decisions, read_table

CLASSES = ("normal", "ill")


@pytest.fixture(scope="module")
def numbers(tables):
    films, predictions = tables
    return fit.fit(read_table(films), read_decisions(predictions))


def test_what_is_fitted_separates_and_calibrates(numbers, tables):
    films, predictions = tables
    gate, kinds = measures.gate_record(read_table(films), numbers)
    assert gate["film/train"]["count"] + gate["film/validation"]["count"] == 2  # 1 % of 200
    assert gate["turned/test"]["value"] == gate["non_film/report"]["value"] == 1
    assert {row["kind"] for row in kinds} == {"jsrt", "montgomery", "turned_180", "hand", "skull"}
    mask, _ = measures.mask_record(read_table(films), numbers)
    assert mask["montgomery"]["spearman"]["value"] > 0.95 and mask["jsrt_test"]["mean_error"] < 0.05
    # 0.9 becomes 0.7: log(9) / T = log(7 / 3).
    assert numbers.temperature == pytest.approx(np.log(9) / np.log(7 / 3), rel=1e-3)
    record, _ = measures.decision_record(read_decisions(predictions), numbers)
    assert record["before"]["calibration_error"]["value"] == pytest.approx(0.2, abs=1e-6)
    assert record["after"]["calibration_error"]["value"] == pytest.approx(0, abs=1e-3)
    # The truth of 60 films has 0.3: to hold nine tenths, both classes belong to every set.
    assert numbers.conformal == pytest.approx(0.3, abs=1e-3)
    assert record["conformal"]["mean_size"] == 2 and record["abstain"]["abstained"]["value"] == 1


def test_conformal_rank_is_that_of_the_definition():
    true = np.linspace(0.05, 0.95, 19)
    both = np.stack([true, 1 - true], 1)
    truth = np.zeros(19, int)
    assert fit.fit_conformal(both, truth, 0.9) == pytest.approx(0.1)  # the 18th of 19 from above
    assert fit.fit_conformal(both[:5], truth[:5], 0.9) == 0  # too few to promise anything


def test_outside_of_the_graph_the_same_is_computed():
    plain = np.random.default_rng(0).dirichlet(np.ones(4), 20)
    after = fit.calibrated(plain, 0.4)
    np.testing.assert_allclose(calibrate(plain, 0.4), after, atol=1e-9)
    np.testing.assert_array_equal(conformal_set(after, 0.2), measures.sets_of(after, 0.2))


def test_risk_grows_from_the_surest_films():
    coverage, risk = measures.risk_coverage(
        np.array([0.9, 0.5, 0.7]), np.array([True, False, True])
    )
    np.testing.assert_allclose(coverage, [1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(risk, [0, 0, 1 / 3])


def test_a_report_fills_every_table_of_a_page(numbers, tables, tmp_path):
    from cxr_tf.runtime.whole_files import write_json

    films, predictions = tables
    write_json(tmp_path / "numbers.json", numbers.record())
    splits = {"left-out sources": predictions, "test": predictions}
    out = tmp_path / "out"
    summary = write_report([films], tmp_path / "numbers.json", splits, out)
    page = "".join(f"<!-- table {n} -->\n<!-- end of table -->\nwords\n" for n in BLOCKS)
    text = filled(page, summary)
    assert text.count("words") == len(BLOCKS) and "100 of 100: 1.000" in text
    assert "| left-out sources (n=" in text and "| test (n=" in text
    assert filled(text, summary) == text
    page = details(summary)
    assert all(f"## {title}\n" in page for title in DETAILS) and "| ill | 140 of 140" in page
    assert {p.name for p in out.glob("*.png")} == {
        "mask_quality.png", "reliability_diagram.png", "risk_coverage.png",
    }  # fmt: skip
    with pytest.raises(ValueError, match="not one for each"):
        filled("<!-- table reliability_gate -->\n<!-- end of table -->", summary)


@pytest.mark.parametrize("kind", DEGRADE)
def test_masks_move_with_their_film(kind):
    film = np.full((96, 96), 20000, np.uint16)
    film[30:60, 40:70] = 60000
    mask = film > 40000
    found, masks = DEGRADE[kind](film, {"lung": mask}, np.random.default_rng(3))
    assert found.dtype == np.uint16 and found.shape == film.shape
    assert not np.array_equal(found, film)
    if kind == "moved":
        inside = (found > 40000) & masks["lung"]
        assert inside.sum() > 0.9 * masks["lung"].sum() > 100
    else:
        np.testing.assert_array_equal(masks["lung"], mask)


def test_other_parts_differ_from_one_another_and_by_seed():
    drawn = [other_part(name, np.random.default_rng(0), 64) for name in PARTS]
    drawn.append(other_part("hand", np.random.default_rng(1), 64))
    for index, one in enumerate(drawn):
        assert one.dtype == np.uint16 and one.shape == (64, 64) and np.ptp(one) > 50000
        assert all(np.abs(one.astype(int) - other).mean() > 500 for other in drawn[:index])
    right = np.arange(12, dtype=np.uint16).reshape(3, 4)
    assert TURNED["turned_180"](right)[0, 0] == 11 and TURNED["inverted"](right)[0, 1] == 65534


def test_changes_and_reasons_are_counted(tables, tmp_path):
    _, predictions = tables
    rows = [(name, path, "ok", "normal" if name == "seed 1" and path == "f0" else "ill", "a")
            for name in CHANGES for path in ("f0", "f199")]  # fmt: skip
    rows.append(("seed 1", "f1", "ok", "normal", "a"))  # stopped there: not every change was tried
    changed = tmp_path / "stability.csv"
    pd.DataFrame(rows, columns=COLUMNS_CHANGED).to_csv(changed, index=False)
    record = stability_record(changed, predictions)["stability"]
    assert record["none"]["changed"]["count"] == 0 and record["none"]["right"]["count"] == 1
    assert record["seed 1"]["changed"]["count"] == 1 and record["seed 1"]["changed"]["n"] == 2
    assert record["seed 1"]["by_class"]["ill"]["count"] == 1
    assert record["25 patches"]["changed"]["count"] == 0
    asked = [("turned_180", "not_chest_film", "upside down?"), ("turned_180", "ok", ""),
             ("turned_180", "not_chest_film", "no frontal chest?")]  # fmt: skip
    reasons = tmp_path / "reasons.csv"
    pd.DataFrame(asked, columns=["kind", "status", "warning"]).to_csv(reasons, index=False)
    found = reasons_record(reasons)["reasons"]["turned_180"]
    assert [found[k]["count"] for k in ("refused", "right", "none")] == [2, 1, 1]


def test_decisions_of_two_models_are_not_mixed(tmp_path):
    """The second model's would pass for changes of the first one's."""
    pixels = np.linspace(0, 65535, 200 * 200).astype(np.uint16).reshape(200, 200)
    (tmp_path / "film.png").write_bytes(encode_png16(pixels))
    row = {"path": "film.png", "status": "ok", "truth": "ill", "label": "ill", "votes_ill": 1,
           "p_ill": 1.0, "patient_id": "1", "model_version": "a"}  # fmt: skip
    decisions, changed = tmp_path / "predictions.csv", tmp_path / "stability.csv"
    reasons = tmp_path / "reasons.csv"
    pd.DataFrame([row]).to_csv(decisions, index=False)

    class Answers(NamedTuple):
        model_version: str
        status: str = "ok"
        label: str = "ill"
        warning: str = ""

        def predict(self, *_, **__):
            return self

    for _ in range(2):  # again, nothing is added
        ask_reasons(Answers("a"), tmp_path, decisions, reasons)
        decide_changed(Answers("a"), tmp_path, decisions, changed)
        assert len(pd.read_csv(changed)) == len(CHANGES)
    with pytest.raises(UsageError, match=r"predictions\.csv is of a, not of the model b: make it"):
        decide_changed(Answers("b"), tmp_path, decisions, tmp_path / "other.csv")
    pd.DataFrame([row | {"model_version": "b"}]).to_csv(decisions, index=False)
    for ask, out in ((ask_reasons, reasons), (decide_changed, changed)):
        with pytest.raises(UsageError, match=rf"{out.stem}\.csv is of a, not of the model b"):
            ask(Answers("b"), tmp_path, decisions, out)
    pd.DataFrame([row]).to_csv(decisions, index=False)
    pd.read_csv(changed).drop(columns="model_version").to_csv(changed, index=False)
    with pytest.raises(UsageError, match="of an unknown model"):
        decide_changed(Answers("a"), tmp_path, decisions, changed)
    changed.write_text(",".join(COLUMNS_CHANGED) + "\n")  # stopped ahead of its first row
    decide_changed(Answers("a"), tmp_path, decisions, changed)
    assert len(pd.read_csv(changed)) == len(CHANGES)


def test_the_report_refuses_the_stability_of_another_model(tmp_path, capsys):
    (tmp_path / "fitted.json").write_text('{"model_version": "b"}')
    for stability in ('{"model_version": "a"}', "{}"):
        (tmp_path / "stability.json").write_text(stability)
        given = ["report", "films.csv", "--fitted", str(tmp_path / "fitted.json")]
        with pytest.raises(SystemExit, match="2"):
            main([*given, "--out", str(tmp_path)])
        assert "is not of the model b: run the step `stability`" in capsys.readouterr().err
    assert not (tmp_path / "summary.json").exists()


@pytest.mark.parametrize("name", [name for name, (change, _) in CHANGES.items() if change])
def test_a_film_changes_a_little(name):
    y, x = np.mgrid[:96, :96] / 96
    film = np.round((0.5 + 0.3 * np.sin(9 * x) * np.cos(7 * y)) * 65535).astype(np.uint16)
    changed = CHANGES[name][0](film)
    assert changed.dtype == np.uint16 and not np.array_equal(changed, film)
    assert np.corrcoef(film[8:-8, 8:-8].ravel(), changed[8:-8, 8:-8].ravel())[0, 1] > 0.95
