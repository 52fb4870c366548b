"""Curves of runs whose history is known."""

import cv2
import numpy as np
import pandas as pd
import pytest

from tools.paper.curves import main, read_history


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "local"
    folder.mkdir()
    table = {"epoch": [0, 1, 2], "loss": [1.4, 0.9, 0.5], "validation_f1": [None, 0.25, 0.75]}
    pd.DataFrame(table).to_csv(folder / "history.csv", index=False)
    return folder


def test_epochs_count_from_one_and_those_without_a_value_are_left_out(run):
    history = read_history(run)
    assert history["loss"].to_dict() == {1: 1.4, 2: 0.9, 3: 0.5}
    assert history["validation_f1"].to_dict() == {2: 0.25, 3: 0.75}


def test_every_run_gets_a_panel(run, tmp_path):
    main([str(tmp_path / "one.png"), str(run)])
    main([str(tmp_path / "three.png"), str(run), *(str(_copy(run, i)) for i in (1, 2))])
    one, three = (cv2.imread(str(tmp_path / f"{name}.png")) for name in ("one", "three"))
    assert three.shape[1] > 1.4 * one.shape[1]
    blue = np.array([0xB2, 0x72, 0x00])  # of the training loss, as BGR
    near = (np.abs(three.astype(int) - blue) < 30).all(-1)
    assert all(part.any() for part in np.array_split(near, 3, axis=1))


def _copy(run, number):
    other = run.with_name(f"run{number}")
    other.mkdir()
    (other / "history.csv").write_text((run / "history.csv").read_text())
    return other


def test_a_folder_without_a_run_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path / "out.png"), str(tmp_path)])
    assert stopped.value.code == 2
    assert "history.csv is missing" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()
