"""Answers are as equal as docs/reliability/determinism.md promises."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from tools.pages.marked_tables import END
from tools.promises.determinism import compare, comparisons, draw, filled, process
from tools.promises.film_answers import by_c_api, library

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "results" / "reliability" / "determinism.json"


@pytest.mark.slow
@pytest.mark.skipif(not library().is_file(), reason="TensorFlow's wheel has this library on Linux")
def test_order_batch_process_loader_and_threads_change_no_answer(exported, tmp_path):
    model, films = exported / "1", tmp_path / "films"
    films.mkdir()
    draw(films, 2)
    paths = sorted(films.iterdir())

    def ask(way, threads):
        if way == "python":
            return process(model, films, way, threads)
        rounds = {}
        for name, value in by_c_api(model, paths, threads, tmp_path / "found.npz").items():
            part, _, output = name.partition("/")
            rounds.setdefault(part, {})[output] = value
        return rounds

    found = comparisons(ask, 2, served=[2])
    assert [one.name for one in found] == [
        "Python, 1 thread: asked again",
        "Python, 2 threads: asked again",
        "C API, 2 threads: asked again",
        "C API, 2 threads: alone, in a batch",
        "2 threads: Python, C API",
        "Python: 1 thread, 2 threads",
    ]
    assert all(one.films == one.answered == 2 for one in found)
    assert [one for one in found if not one.kept()] == []


def answers(*votes, probability=0.25):
    """Answers with these votes for three classes."""
    array = np.array(votes, np.int32)
    count = len(array)
    means = np.tile(np.float32([probability, 0.5, 0.25]), (count, 1))
    return {
        "status": np.full(count, "ok"),
        "label": np.array(list("abc"))[array.argmax(1)],
        "class_index": array.argmax(1),
        "votes": array,
        "probabilities": means,
        "agreement": np.float32(array.max(1) / 100),
        "lung_fraction": np.full(count, 0.25, np.float32),
        "patches_used": np.full(count, 100, np.int32),
        "film_score": np.ones(count, np.float32),
        "mask_quality": np.ones(count, np.float32),
        "warning": np.full(count, ""),
        "calibrated_probabilities": means,
        "conformal_set": np.ones((count, 3), np.int32),
        "abstain": np.zeros(count, bool),
    }


def test_a_broken_promise_is_told():
    close, clear = (34, 33, 33), (60, 30, 10)
    first = answers(close, clear)
    assert compare("", True, first, answers(close, clear)).kept()
    turned = compare("", False, first, answers((33, 34, 33), clear))
    assert (turned.labels, turned.clear_labels, turned.votes, turned.equal) == (1, 0, 1, 1)
    assert turned.kept() and not compare("", True, first, answers((33, 34, 33), clear)).kept()
    lost = compare("", False, first, answers(close, (30, 60, 10)))
    assert (lost.labels, lost.clear_labels) == (1, 1) and not lost.kept()
    for apart, kept in ((5e-5, True), (2e-4, False)):
        far = answers(close, clear, probability=0.25 + apart)
        found = compare("", False, first, far)
        assert found.kept() == kept and found.equal == 0 and not found.labels


def test_results_hold_their_table_and_the_tests_that_the_page_names_exist():
    page = (ROOT / "docs" / "reliability" / "determinism.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) == page.count("`tests/") > 10
    for file, test in named:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert f"\ndef {test}(" in text, f"{file} has no {test}"
    table = RECORD.with_suffix(".md").read_text(encoding="utf-8")
    assert filled(table, json.loads(RECORD.read_text(encoding="utf-8"))) == table


def test_a_broken_promise_is_told_in_the_table():
    first = answers((60, 30, 10))
    found = compare("two ways", True, first, answers((59, 31, 10)))
    record = {"comparisons": [dataclasses.asdict(found)], "films": "phantoms", "model": "m"}
    text = filled(f"<!-- table determinism -->\n{END}", record)
    assert "| two ways | equal bytes | 0 of 1 | 0 (0) | 1 | 0 | no |" in text
    assert "1 phantoms, 1 with a label; model m." in text
    with pytest.raises(ValueError, match=r"not one for each table: \['determinism'\]"):
        filled("no marks", record)
