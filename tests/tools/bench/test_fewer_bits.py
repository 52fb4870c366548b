"""Decisions with fewer bits are those of the networks, and are counted rightly."""

from pathlib import Path

import numpy as np
import pytest

from cxr_tf.runtime.extras import EXTRAS
from pipelines.manifest.table import ManifestRow
from tools.bench.fewer_bits import Answer, main, rows_of, spread
from tools.bench.ways import FIRST


def answer(label, mean, lungs, milliseconds):
    return Answer(label, np.array(mean, np.float32), np.array(lungs, bool),
                  (milliseconds / 4000, 3 * milliseconds / 4000))  # fmt: skip


def test_every_way_is_held_against_the_first():
    first = [answer(0, [0.9, 0.1], [1, 1, 0, 0], 400), answer(1, [0.2, 0.8], [1, 1, 1, 1], 200)]
    other = [answer(0, [0.8, 0.2], [1, 1, 1, 0], 200), answer(0, [0.6, 0.4], [1, 1, 1, 1], 100)]
    rows = rows_of({FIRST: first, "other": other})
    assert rows[0] == [FIRST, "0 of 2", "0.000", "0.0000", "1.000", "1.0000", "75", "225", "1.00"]
    assert rows[1] == ["other", "1 of 2", "0.400", "0.2500", "0.667", "0.8333", "38", "112", "2.00"]


def test_a_film_without_lungs_counts_by_its_label_alone():
    nothing = Answer(-1, np.zeros(1, np.float32), np.zeros(2, bool), (0.1, float("nan")))
    pair = [nothing, answer(0, [1.0, 0.0], [1, 0], 100)]
    rows = rows_of({FIRST: pair, "other": pair[::-1]})
    assert rows[1][1:3] == ["2 of 2", "nan"]


@pytest.mark.parametrize(
    "count, places", [(0, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4]), (3, [0, 2, 4])]
)
def test_films_are_chosen_at_even_distances(count, places):
    rows = [ManifestRow(Path(f"{place}.png"), "normal") for place in range(5)]
    assert spread(rows, count) == [rows[place] for place in places]


def test_missing_data_are_told(tmp_path, capsys):
    assert main(["--data", str(tmp_path / "gone.csv")]) == 2
    assert "gone.csv" in capsys.readouterr().err


@pytest.mark.slow
def test_a_small_model_decides_in_every_way(tmp_path, capsys):
    for package in EXTRAS["onnx"].needs + EXTRAS["openvino"].needs:
        pytest.importorskip(package)
    from cxr_tf.export import ExportOptions, export
    from tests.cxr_tf.fake_runs import classification_run, segmentation_run
    from tools.phantoms.layouts import write_manifest_layout

    run = classification_run(
        tmp_path / "run", segmentation_run(tmp_path / "masks"), patch_size=64
    )  # fmt: skip
    export(ExportOptions(classification=str(run), out=str(tmp_path / "m"), warmup=False))
    write_manifest_layout(tmp_path / "films", 12, 0, 200)
    out = tmp_path / "bits.md"
    given = ["--data", str(tmp_path / "films"), "--model", str(tmp_path / "m"), "--out", str(out)]
    assert main([*given, "--films", "1", "--calibrate", "2", "--split", "test"]) == 0
    text = out.read_text()
    assert capsys.readouterr().out == text + "\n"
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("|")][2:]
    found = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}
    assert len(found) == 7 and all(row[0].endswith("of 1") for row in found.values())
    for name in ("ONNX Runtime, float32", "OpenVINO, float32"):
        assert found[name][0] == "0 of 1" and float(found[name][1]) < 1e-3
    assert float(found["ONNX Runtime, 8 bits"][1]) < 0.5
