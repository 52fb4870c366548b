import json
import re
from pathlib import Path

import pytest

from tools.promises.fault_bench import Found
from tools.promises.faults import faults_table, filled, main

ROOT = Path(__file__).parents[3]


def test_the_page_holds_the_table_of_its_results_and_names_tests_that_exist():
    page = ROOT / "docs" / "reliability" / "faults.md"
    file = ROOT / "results" / "reliability" / "faults.json"
    record = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    table = file.with_suffix(".md").read_text(encoding="utf-8")
    assert filled(table, record) == table
    section = page.read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", section)
    assert len(named) > 10
    for file, test in named:
        assert f"def {test}" in (ROOT / "tests" / "cxr_tf" / file).read_text(), f"{file}: {test}"


def test_the_table_tells_what_was_lost():
    lost = Found("SIGKILL", -9, "", 2, 0, False, [".cxr_tf.lock"])
    record = {"films": 6, "found": [vars(lost)]}
    row = faults_table(record)[-1]
    assert row == "| SIGKILL | ended by SIGKILL | 2 of 6 | 0 | no | .cxr_tf.lock |"
    with pytest.raises(ValueError, match=r"not one for each table: \['faults'\]"):
        filled("no table", record)


def test_wrong_usage(tmp_path, capsys):
    assert main(["--films", "3"]) == 2
    assert main(["--model", str(tmp_path / "none")]) == 2
    assert main(["--no-run", "--out", str(tmp_path / "none")]) == 2
    assert "none" in capsys.readouterr().err
