import pytest

from cxr_tf.runtime.markdown import markdown_table


def test_cells_stay_as_they_are_written():
    rows = [("007", "1e5", ""), ("a|b", "0.50", "***")]
    assert markdown_table(("x", "y", "long title"), rows) == [
        "| x | y | long title |",
        "| --- | --- | --- |",
        "| 007 | 1e5 |  |",
        r"| a\|b | 0.50 | *** |",
    ]
    assert markdown_table(("a*",), [("|",)], escape="*") == [r"| a\* |", "| --- |", "| | |"]


def test_columns_line_up():
    rows = [("a|b", 12, "x ± y"), ("", 1.5, "-")]
    assert markdown_table(("films", "n", "mean"), rows, aligned=True) == [
        "| films | n   | mean  |",
        "|-------|-----|-------|",
        r"| a\|b  | 12  | x ± y |",
        "|       | 1.5 | -     |",
    ]


@pytest.mark.parametrize("aligned", [False, True])
def test_a_table_without_rows_has_its_header(aligned):
    assert len(markdown_table(("one", "two"), [], aligned=aligned)) == 2
