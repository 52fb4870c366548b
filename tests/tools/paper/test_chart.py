"""The paper beside test patients and other sources."""

import json
from pathlib import Path

import pytest

from tools.paper.chart import EVALUATIONS, PAPER, draw, main, read_bars

RESULTS = Path(__file__).parents[3] / "results"


def test_the_bars_are_the_results(tmp_path):
    bars = read_bars(RESULTS)
    first, *measured, left_out = bars.values()
    assert {name: each["value"] for name, each in first.items()} == PAPER
    for folder, each in zip(EVALUATIONS, measured, strict=True):
        record = json.loads((RESULTS / folder / "metrics.json").read_text())
        assert each["recall"] == record["groups"]["all"]["overall"]["recall"]
    table = (RESULTS / "classification/left_out/leave_one_out.csv").read_text().splitlines()
    expected = float(next(x for x in table if x.startswith("all,all,balanced")).split(",")[3])
    assert left_out["recall"]["value"] == pytest.approx(expected, abs=1e-6)
    figure = draw(bars)
    assert [len(axes.patches) for axes in figure.axes] == [len(bars)] * 2
    assert main([str(RESULTS), str(tmp_path / "chart.png")]) == 0
    assert (tmp_path / "chart.png").read_bytes()[:4] == b"\x89PNG"


def test_wrong_usage_is_told(tmp_path, capsys):
    assert main([str(tmp_path / "gone"), "x.png"]) == 2
    assert "folder of the results" in capsys.readouterr().err
