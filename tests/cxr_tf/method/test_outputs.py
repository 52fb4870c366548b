"""An output is said once: a row added to the table is found wherever outputs are known."""

import dataclasses

import numpy as np
import pytest

from cxr_tf.films.columns import kind_of
from cxr_tf.films.prediction import Prediction
from cxr_tf.films.rows import column_meanings, failure_record, score_columns, score_record
from cxr_tf.films.table import Table
from cxr_tf.method import outputs
from cxr_tf.method.outputs import OUTPUTS, Output, dtype_of, given_by
from tests.cxr_tf.fake_answers import answered
from tools.pages.outputs import pages
from tools.release.schemata import schemata

CLASSES = ("normal", "ill")
DOUBT = Output(
    "doubt", "int32", ("C",), "how doubtful the class is, 0 to 9", 0,
    column="doubt_CLASS", bounds=(0, 9),
)  # fmt: skip


@pytest.fixture
def added(monkeypatch):
    """A new output in its one place."""
    monkeypatch.setattr(outputs, "OUTPUTS", (*OUTPUTS, DOUBT))


@pytest.fixture
def answer():
    votes, means = np.array([1, 2], np.int32), np.array([0.25, 0.75], np.float32)
    plain = answered("ok", "ill", 1, votes, means, 2 / 3, 0.5, 3, "m1")
    values = {field.name: getattr(plain, field.name) for field in dataclasses.fields(plain)}
    tensors = {k: v for k, v in values.items() if v is not None and k != "further"}
    return Prediction.from_tensors(tensors | {"doubt": np.array([4, 5], np.int32)})


def test_a_new_output_is_found_everywhere(added, answer, tmp_path):
    assert DOUBT in given_by("decide") and DOUBT in given_by("explain")
    assert DOUBT not in given_by("segment")
    assert dtype_of("doubt") == "int32"  # over REST
    columns = score_columns(CLASSES)
    assert columns[-2:] == ("doubt_normal", "doubt_ill") and kind_of(columns[-1]) == "int32"
    record = score_record("a.png", answer, CLASSES, 0, "")
    assert record["doubt_normal"] == 4 and record["doubt_ill"] == 5
    assert failure_record("a.png", "unreadable", CLASSES, 0, "m1", "cut")["doubt_ill"] == 0
    reader = pytest.importorskip("pyarrow.parquet")
    table = Table(tmp_path / "scores.csv", columns, formats=("parquet",))
    table.add(record.values())
    table.commit()
    found = reader.read_table(tmp_path / "scores.parquet")
    assert str(found.schema.field("doubt_ill").type) == "int32"
    assert found.to_pydict()["doubt_ill"] == [5]
    for name in ("serving_default", "predict_pixels", "explain"):
        tensors = schemata()[f"{name}.reply.json"]["properties"]["outputs"]["properties"]
        cell = {"type": "integer", "minimum": 0, "maximum": 9}
        assert tensors["doubt"]["items"] == {"type": "array", "items": cell, "minItems": 2}
    assert "doubt" not in str(schemata()["segment.reply.json"])
    assert column_meanings()["doubt_CLASS"] == DOUBT.meaning
    for page in pages().values():
        assert "| `doubt" in page and DOUBT.meaning in page


def test_the_pages_hold_the_tables_of_the_code():
    for path, text in pages().items():
        assert path.read_text(encoding="utf-8") == text


def test_names_are_not_given_twice_and_missing_values_fit():
    for entry in ("decide", "explain", "segment"):
        names = [output.name for output in given_by(entry)]
        assert len(names) == len(set(names)) > 3
    for output in OUTPUTS:
        least, most = output.bounds
        if isinstance(output.missing, (int, float)):
            assert (least is None or least <= output.missing) and (
                most is None or output.missing <= most
            ), output.name


def test_an_answer_has_what_it_was_given_and_nothing_else(answer):
    assert answer.doubt.tolist() == [4, 5] and answer.label == "ill"
    with pytest.raises(AttributeError, match="no 'trust'"):
        answer.trust  # noqa: B018
