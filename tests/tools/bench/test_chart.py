"""The bench's times as bars."""

import json

import cv2
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from cxr_tf.drawing.style import COLOURS
from tools.bench.chart import draw, main


def times(*seconds):
    return {"median_seconds": sorted(seconds)[len(seconds) // 2], "seconds": list(seconds)}


def row(name, floor, **contenders):
    named = {each.replace("_", "-"): value for each, value in contenders.items()}
    return {"name": name, "floor_seconds": floor, "contenders": named}


@pytest.fixture
def found():
    return {
        "rounds": 3,
        "threads": 2,
        "machine": {"processor": "a processor"},
        "rows": [
            row("first", 0.5, PyTorch=times(2.0, 2.5, 4.0), cxr_tf=times(0.9, 1.0, 1.1)),
            row("alone", 0.0, cxr_tf=times(1.0)),
            row("second", 0.0, cxr_tf=times(0.3, 0.2, 0.25), OpenVINO=times(0.1, 0.2, 0.3)),
        ],
    }


def test_each_work_with_contenders_has_a_panel_with_its_times(found):
    panels = draw(found).axes
    assert [axes.get_title() for axes in panels] == ["first", "second"], "none is alone"
    first = panels[0]
    to_data = first.transData.inverted()
    ends = [bar.get_window_extent().transformed(to_data).x1 for bar in first.patches]
    assert ends == pytest.approx([1.0, 2.5]), "ours stands on top"
    assert [label.get_text() for label in first.get_yticklabels()] == ["cxr-tf", "PyTorch"]
    assert first.patches[0].get_facecolor()[:3] == to_rgb(COLOURS[0])
    assert [text.get_text() for text in first.texts] == ["1.00 s", "2.50 s"]
    assert [list(line.get_xdata()) for line in first.lines if line.get_linestyle() == "--"] == [
        [0.5, 0.5]
    ]
    assert not [line for line in panels[1].lines if line.get_linestyle() == "--"], "not counted"


def test_the_picture_is_readable_on_light_and_dark_pages(found, tmp_path):
    (tmp_path / "bench.json").write_text(json.dumps(found))
    out = tmp_path / "speed.png"
    assert main(["--record", str(tmp_path / "bench.json"), "--out", str(out)]) == 0
    picture = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    assert (border == 255).all(), "white, and not transparent"


def test_a_file_that_is_no_record_is_told(tmp_path, capsys):
    (tmp_path / "bench.json").write_text("{}")
    for name in ("none.json", "bench.json"):
        arguments = ["--record", str(tmp_path / name), "--out", str(tmp_path / "speed.png")]
        assert main(arguments) == 2
        assert f"{name}: no chart of it" in capsys.readouterr().err
    assert not (tmp_path / "speed.png").exists()
