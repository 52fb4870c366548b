"""The tables of results/README.md are those that its figures give."""

from pathlib import Path

from tools.paper.results_tables import BEGIN, END, estimate, main, table

RESULTS = Path(__file__).parents[3] / "results"


def test_a_figure_stands_with_its_interval():
    assert estimate({"value": 0.5, "low": 0.25, "high": 0.75}) == "0.500 (0.250–0.750)"
    assert estimate(None) == estimate({"value": None, "low": None, "high": None}) == "–"


def test_a_table_is_markdown():
    assert table(("a", "b"), [(1, 2)]) == ["| a | b |", "| --- | --- |", "| 1 | 2 |", ""]


def test_the_page_holds_the_tables_of_its_figures(tmp_path):
    page = (RESULTS / "README.md").read_text()
    records = [*RESULTS.glob("*/*/metrics.json"), *RESULTS.glob("*/*/analysis.json")]
    for name in ("training", *{file.parents[1].name for file in records}):
        (tmp_path / name).symlink_to(RESULTS / name)
    empty = page[: page.index(BEGIN) + len(BEGIN)] + page[page.index(END) :]
    (tmp_path / "README.md").write_text(empty)
    assert main([str(tmp_path)]) == 0
    assert (tmp_path / "README.md").read_text() == page
    assert main([str(tmp_path / "nowhere")]) == 2
