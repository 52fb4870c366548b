import csv
import hashlib
import io
import json
import os
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cxr_tf.films.columns import parse_row
from cxr_tf.films.rows import (
    failure_record,
    patch_columns,
    patch_rows,
    score_columns,
    score_record,
)
from cxr_tf.films.table import Table, csv_line
from cxr_tf.method.closeness import decided, outputs_of_votes
from cxr_tf.runtime.text import one_line
from cxr_tf.runtime.whole_files import write_json

CLASSES = ("normal", "ill")


def test_table_appears_only_when_committed(tmp_path):
    table = Table(tmp_path / "t.csv", ("a", "b"))
    table.add((1, 'x,\n"y"'))
    assert not table.path.exists()
    assert table.partial.read_text() == 'a,b\n1,"x,\n""y"""\n'  # on disk before the end
    digest = table.commit()
    assert not table.partial.exists()
    assert digest == hashlib.sha256(table.path.read_bytes()).hexdigest()
    with table.path.open(newline="") as stream:
        assert list(csv.reader(stream)) == [["a", "b"], ["1", 'x,\n"y"']]


def test_closed_table_stays_partial_and_leaves_the_older_one(tmp_path):
    (tmp_path / "t.csv").write_text("older")
    table = Table(tmp_path / "t.csv", ("a",))
    table.add((1,), (2,))
    table.close()
    assert table.rows == 2
    assert table.partial.read_text() == "a\n1\n2\n"
    assert (tmp_path / "t.csv").read_text() == "older"


def test_row_of_wrong_length_is_refused(tmp_path):
    table = Table(tmp_path / "t.csv", ("a", "b"))
    with pytest.raises(ValueError, match="1 values for 2 columns"):
        table.add((1,))
    table.close()


def test_undecodable_names_keep_the_table_utf8(tmp_path):
    table = Table(tmp_path / "t.csv", ("path",))
    table.add((os.fsdecode(b"f\xff.png"),))
    table.commit()
    assert table.path.read_text(encoding="utf-8") == "path\nf\\udcff.png\n"
    write_json(tmp_path / "r.json", {"path": os.fsdecode(b"\xff"), "ä": 1})
    record = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert record == {"path": "\udcff", "ä": 1}


def test_json_refuses_nan_and_leaves_the_older_file(tmp_path):
    write_json(tmp_path / "r.json", {"a": 1})
    with pytest.raises(ValueError):
        write_json(tmp_path / "r.json", {"a": float("nan")})
    assert json.loads((tmp_path / "r.json").read_text()) == {"a": 1}


def test_one_line():
    assert one_line("a\n  b\tc") == "a b c"
    assert one_line("x" * 400) == "x" * 299 + "…"


def prediction(**changes):
    values = dict(
        status="ok",
        label="ill",
        class_index=1,
        votes=np.array([1, 2], np.int32),
        probabilities=np.array([0.25, 0.75], np.float32),
        agreement=2 / 3,
        lung_fraction=0.5,
        patches_used=3,
        model_version="m1",
        centres=np.array([[5, 6], [7, 8], [9, 10], [-1, -1]], np.int32),
        patch_probabilities=np.array([[0.9, 0.1], [0.5, 0.5], [0, 1], [0, 0]], np.float32),
        film_score=0.9,
        mask_quality=0.7,
        warning="the mask of the lungs is doubtful",
        calibrated_probabilities=np.array([0.1, 0.9], np.float32),
        conformal_set=np.array([1, 1], np.int32),
        abstain=True,
    )
    values |= outputs_of_votes(values["votes"], 1, 3)
    values["decision"] = decided("ill", values["margin"], refer_below=0.5)
    return SimpleNamespace(**{**values, **changes})


def test_columns_are_those_of_the_contract():
    assert ",".join(score_columns(CLASSES)) == (
        "path,status,label,votes_normal,votes_ill,p_normal,p_ill,"
        "agreement,lung_fraction,patches_used,seed,model_version,error,"
        "agreement_low,agreement_high,film_score,mask_quality,calibrated_normal,calibrated_ill,"
        "conformal_set,abstain,warning,margin,decision"
    )


def test_records_have_a_typed_value_for_each_column():
    found: dict[Any, Any] = score_record("a.png", prediction(), CLASSES, 7, "two\nlines")
    assert list(found) == list(score_columns(CLASSES))
    assert found["votes_ill"] == 2 and found["p_ill"] == 0.75
    assert found["agreement"] == 0.666667 and found["seed"] == 7
    assert found["error"] == "two lines" and found["model_version"] == "m1"
    assert found["agreement_low"] == 0.20766 and found["agreement_high"] == 0.938508
    assert found["calibrated_ill"] == 0.9 and found["conformal_set"] == "normal|ill"
    assert found["margin"] == 0.333333 and found["decision"] == "refer"
    assert found["label"] == "ill" and found["status"] == "ok"
    assert found["abstain"] == 1 and "doubtful" in found["warning"]
    refused = score_record("a.png", prediction(status="not_chest_film"), CLASSES, 7, "why")
    assert refused["warning"] == "" and refused["error"] == "why"
    failed = failure_record("a.png", "unreadable", CLASSES, 7, "m1", "cut off")
    assert list(failed) == list(found) and failed["status"] == "unreadable"
    assert failed["label"] == "" and failed["votes_ill"] == 0 and failed["p_ill"] == 0.0
    assert failed["patches_used"] == 0 and failed["error"] == "cut off"
    assert failed["margin"] == 0.0 and failed["decision"] == ""
    assert failed["conformal_set"] == "" and failed["abstain"] == 0
    assert [type(value) for value in found.values()] == [type(value) for value in failed.values()]


def test_a_record_survives_its_table():
    for found in (
        score_record("a.png", prediction(), CLASSES, 7, ""),
        failure_record("a.png", "unreadable", CLASSES, 7, "m1", "cut off"),
    ):
        cells = next(csv.reader(io.StringIO(csv_line(list(found.values())))))
        assert parse_row(score_columns(CLASSES), cells) == found


def test_patch_rows_stop_at_the_patches_used():
    rows = list(patch_rows("a.png", prediction(), CLASSES))
    header = patch_columns(CLASSES)
    assert header == ("path", "patch", "row", "column", "p_normal", "p_ill", "vote")
    assert [row[header.index("vote")] for row in rows] == [
        "normal",
        "normal",  # equal: the lowest index
        "ill",
    ]
    assert rows[2][:4] == ("a.png", 2, 9, 10)
    assert not list(patch_rows("a.png", prediction(patches_used=0), CLASSES))
    assert not list(patch_rows("a.png", prediction(centres=None), CLASSES))
