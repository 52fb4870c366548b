import json

from cxr_tf.films.columns import Column
from cxr_tf.films.table import Table


def test_rows_are_objects_with_typed_values(tmp_path):
    columns = (Column("path"), Column("seed", "int64"), Column("p_a", "float64"))
    table = Table(tmp_path / "t.csv", columns, formats=("jsonl",))
    texts = ["plain", 'quote"d', "two\nlines", "", "NA", "null", "é,;\u2028"]
    table.add(*((text, 2**63 - 1 - i, i / 7) for i, text in enumerate(texts)))
    table.add(("no number", 0, float("nan")), ("endless", 0, float("inf")))
    table.commit()
    lines = (tmp_path / "t.jsonl").read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    rows = [json.loads(line) for line in lines]
    assert [row["path"] for row in rows] == [*texts, "no number", "endless"]
    assert [row["seed"] for row in rows[:7]] == [2**63 - 1 - i for i in range(7)]
    assert [row["p_a"] for row in rows] == [round(i / 7, 6) for i in range(7)] + [None, None]
    assert [path.name for path in tmp_path.iterdir()] == ["t.jsonl"]


def test_an_empty_table_is_an_empty_file(tmp_path):
    Table(tmp_path / "t.csv", ("a",), formats=("csv", "jsonl")).commit()
    assert (tmp_path / "t.jsonl").read_bytes() == b"" and (tmp_path / "t.csv").exists()
