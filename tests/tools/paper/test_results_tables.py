"""The tables that compare several results are those that the results give."""

from pathlib import Path

from tools.paper.results_tables import estimate, main, pages, section

RESULTS = Path(__file__).parents[3] / "results"


def test_a_figure_stands_with_its_interval():
    assert estimate({"value": 0.5, "low": 0.25, "high": 0.75}) == "0.500 (0.250–0.750)"
    assert estimate(None) == estimate({"value": None, "low": None, "high": None}) == "–"


def test_a_table_is_markdown():
    lines = ["## t", "", "| a | b |", "| --- | --- |", "| 1 | 2 |"]
    assert section("t", ("a", "b"), [(1, 2)]) == lines


def test_the_pages_hold_the_tables_of_their_results(tmp_path):
    written = pages(RESULTS)
    for name in ("training", "ablations", "analysis", "version_1"):
        (tmp_path / name).mkdir()
        for inner in (RESULTS / name).iterdir():
            if f"{name}/{inner.name}" not in written:
                (tmp_path / name / inner.name).symlink_to(inner)
    assert main([str(tmp_path)]) == 0
    for name in written:
        assert (tmp_path / name).read_text() == (RESULTS / name).read_text(), name
    assert main([str(tmp_path / "nowhere")]) == 2
