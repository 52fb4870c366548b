import pytest

from cxr_tf.films import parquet
from cxr_tf.films.columns import Column
from cxr_tf.films.rows import score_columns
from cxr_tf.films.table import Table


def test_a_table_larger_than_a_chunk_keeps_rows_and_order(tmp_path, monkeypatch):
    reader = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(parquet, "_ROWS", 3)
    table = Table(
        tmp_path / "t.csv",
        (Column("path"), Column("seed", "int64"), Column("p_a", "float64")),
        formats=("parquet",),
    )
    texts = ["plain", 'quote"d', "two\nlines", "", "NA", "null", "é,;"]
    table.add(*((text, 2**63 - 1 - i, f"{i / 7:.6f}") for i, text in enumerate(texts)))
    table.commit()
    found = reader.read_table(tmp_path / "t.parquet").to_pydict()
    assert found["path"] == texts
    assert found["seed"] == [2**63 - 1 - i for i in range(7)]
    assert found["p_a"] == [round(i / 7, 6) for i in range(7)]
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


def test_an_empty_table_has_its_columns(tmp_path):
    reader = pytest.importorskip("pyarrow.parquet")
    Table(tmp_path / "t.csv", score_columns(("a", "b")), formats=("parquet",)).commit()
    found = reader.read_table(tmp_path / "t.parquet")
    assert found.num_rows == 0 and tuple(found.column_names) == score_columns(("a", "b"))
    assert str(found.schema.field("votes_b").type) == "int32"
