import csv

import pytest

from cxr_tf.analysis.table_files import PaperTable, latex_text

TABLE = PaperTable("t", "Share & count", ["", "a_b"], [["x", "*** (-)"], ["y", "50 %"]], "p < 1.")


def test_markdown_escapes_asterisks():
    lines = TABLE.markdown().splitlines()
    assert lines[0] == "### Share & count" and lines[-1] == "p < 1."
    assert r"\*\*\* (-)" in lines[4]


def test_latex_escapes_what_are_commands():
    text = TABLE.latex()
    assert r"\caption{Share \& count}" in text and r" & a\_b \\" in text
    assert r"y & 50 \% \\" in text and r"p \textless{} 1." in text
    assert r"\begin{tabular}{lr}" in text
    assert latex_text("1 ± 2_{x}") == r"1 $\pm$ 2\_\{x\}"


def test_all_three_files_are_written_whole(tmp_path):
    TABLE.write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"t.md", "t.csv", "t.tex"}
    with (tmp_path / "t.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["", "a_b"], ["x", "*** (-)"], ["y", "50 %"]]
    assert (tmp_path / "t.tex").read_text() == TABLE.latex()


def test_a_row_of_another_length_is_refused(tmp_path):
    with pytest.raises(ValueError, match="1 values for 2 columns"):
        PaperTable("t", "", ["a", "b"], [["x"]]).write(tmp_path)
