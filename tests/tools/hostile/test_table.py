import json
from pathlib import Path

import pytest

from tools.hostile.table import BLOCKS, details, filled, main

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reliability" / "hostile_input.md"
FIGURES = ROOT / "results" / "reliability" / "hostile.json"


def test_the_page_holds_the_figures_of_the_results_and_they_name_no_fault():
    record = json.loads(FIGURES.read_text())
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page, record) == page
    assert FIGURES.with_suffix(".md").read_text(encoding="utf-8") == details(record)
    assert {part: found["faults"] for part, found in record.items() if found["faults"]} == {}


def test_words_around_the_tables_stay_and_a_missing_table_is_named(tmp_path, capsys):
    marks = "\n".join(f"<!-- table {name} -->\nold\n<!-- end of table -->" for name in BLOCKS)
    figures = {
        "mutants": {
            "files": 1200, "faults": ["x"], "statuses": {"ok": 3, "unreadable": 9},
            "slowest_seconds": [1.5, ""], "largest_mib": [40, ""],
            "by_format": {"PNG": {"ok": 3, "unreadable": 9}},
        }
    }  # fmt: skip
    page = filled(f"before\n{marks}\nafter\n", figures)
    assert page.startswith("before\n") and page.endswith("after\n") and "old" not in page
    assert "| damaged files, read and normalised | 1,200 | 1 | 1.5 | 40 | 3 |" in page
    assert "| films cut off | open |" in page and "| PNG | 3 | 9 |" in details(figures)
    with pytest.raises(ValueError, match="hostile_summary"):
        filled(marks.replace("hostile_summary", "hostile_other"), figures)
    assert main([str(tmp_path)]) == 2 and "hostile.json" in capsys.readouterr().err
