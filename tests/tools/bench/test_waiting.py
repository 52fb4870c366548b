import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tools.bench.waiting import main, newest_profile, report

#: Seconds that each input sleeps a film.
PAUSES = {"slow": 0.8, "quick": 0.0}


def profile(folder, pause, steps=3):
    """Record steps of 200 ms on an input that sleeps; return the share of waiting."""

    def films():
        for _ in range(steps + 1):
            time.sleep(pause)
            yield np.ones((8, 8), np.float32)

    batches = iter(
        tf.data.Dataset.from_generator(films, output_signature=tf.TensorSpec([8, 8], tf.float32))
    )
    next(batches)
    tf.profiler.experimental.start(str(folder))
    waited, begun = 0.0, time.perf_counter()
    for number in range(steps):
        with tf.profiler.experimental.Trace("train", step_num=number, _r=1):
            asked = time.perf_counter()
            next(batches)
            waited += time.perf_counter() - asked
            time.sleep(0.2)
    length = time.perf_counter() - begun
    tf.profiler.experimental.stop()
    return waited / length


def share(text):
    return float(re.search(r"([\d.]+)% is waiting", text).group(1))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    pytest.importorskip("xprof", reason="the extra 'profile' is not installed")
    folder = tmp_path_factory.mktemp("profiles")
    shares = {name: profile(folder / name, pause) for name, pause in PAUSES.items()}
    return folder, shares


def test_a_slow_input_is_told_with_its_stage(recorded, capsys):
    logdir, shares = recorded
    before = sorted((logdir / "slow").rglob("*"))
    assert main([str(logdir / "slow")]) == 0
    text = capsys.readouterr().out
    assert share(text) > 50 and share(text) == pytest.approx(100 * shares["slow"], abs=10)
    assert "The input holds the training back" in text
    assert re.search(r"Begin with \S*Generator, below", text)
    rows = [line for line in text.splitlines() if line.startswith("| train ")]
    assert [row.split()[2] for row in rows] == ["0", "1", "2"]
    assert sorted((logdir / "slow").rglob("*")) == before, "nothing is written beside the profile"


def test_a_quick_input_is_left_alone(recorded, capsys):
    logdir, shares = recorded
    assert main([str(logdir / "quick")]) == 0
    text = capsys.readouterr().out
    assert share(text) < 5 and share(text) == pytest.approx(100 * shares["quick"], abs=5)
    assert "Below 5% a faster input brings nothing." in text and "holds" not in text


def test_the_newest_profile_is_read(recorded):
    logdir, _ = recorded
    assert newest_profile(logdir) == newest_profile(logdir / "quick")


def table(columns, *rows):
    cells = [{"c": [{"v": value} for value in row]} for row in rows]
    return {"cols": [{"id": name} for name in columns.split()], "rows": cells}


STEPS = "stepnum infeedTimeMs hostComputeTimeMs deviceComputeTimeMs stepTimeMs"
STAGES = "opName count selfTimeInMs"


def test_the_share_is_of_all_steps_and_the_stage_is_no_prefetch():
    """Not the mean of the steps' shares, which would be 25 %."""
    steps = table(STEPS, ("train 0", 50.0, 0.0, 20.0, 100.0), ("train 1", 0.0, 9.0, 0.0, 900.0))
    stages = table(STAGES, ("A::Map", 2.0, 30.0), ("A::Prefetch", 2.0, 90.0), ("A", 2.0, 1.0))
    text = report(Path("here"), [table("other", (1,)), steps, stages])
    assert "Of 2 steps of 500.0 ms on average, 5.00% is waiting." in text
    assert "Begin with A::Map, below" in text
    assert [line.split()[1] for line in text.splitlines()[-3:]] == ["A::Prefetch", "A::Map", "A"]


def test_a_profile_without_steps_says_how_to_record_them(tmp_path):
    for tables in ([], [table(STEPS)]):
        with pytest.raises(ValueError, match="marks no step.*record one with .* --profile 20:25"):
            report(tmp_path, tables)


def test_faults_name_folder_and_remedy(tmp_path, capsys, monkeypatch):
    assert main([str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert str(tmp_path) in told and "--profile 20:25" in told
    (tmp_path / "host.xplane.pb").write_bytes(b"no profile at all")
    monkeypatch.setitem(sys.modules, "xprof.convert.raw_to_tool_data", None)
    assert main([str(tmp_path)]) == 2
    assert "pip install 'cxr-tf[profile]'" in capsys.readouterr().err


def test_a_damaged_profile_is_refused(tmp_path, capsys):
    pytest.importorskip("xprof", reason="the extra 'profile' is not installed")
    (tmp_path / "host.xplane.pb").write_bytes(b"no profile at all")
    assert main([str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
