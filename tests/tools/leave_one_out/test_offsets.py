"""Class offsets fitted on folds: what an export takes, and their worth on the folds left out."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.tools.leave_one_out.made_up import CLASSES
from tools.leave_one_out.__main__ import main
from tools.leave_one_out.arrange import RECIPE
from tools.leave_one_out.decisions import read_decisions


def folds(out, shift, names=("a", "b", "c"), patches=True):
    """Folds whose model favours the first class by `shift` in its logits."""
    random = np.random.default_rng(3)
    columns = ["path", "patient_id", "source", "class", "truth", "status", "label", "agreement",
               "patches_used", "votes_normal", "votes_tuberculosis", "p_normal",
               "p_tuberculosis", "model_version"]  # fmt: skip
    for name in names:
        folder = out / name / "left_out"
        folder.mkdir(parents=True)
        truth = np.arange(40) % 2
        logits = random.normal(2.0 * truth - 1.0 - shift, 0.7, (9, 40)).T
        chance = 1 / (1 + np.exp(-logits))
        probabilities = np.stack([1 - chance, chance], -1)
        votes = (chance > 0.5).sum(1)
        rows = [
            [f"{name}{i}", "", name, CLASSES[truth[i]], CLASSES[truth[i]], "ok",
             CLASSES[int(votes[i] > 4)], 1, 9, 9 - votes[i], votes[i], 1 - chance[i].mean(),
             chance[i].mean(), "x"]
            for i in range(40)
        ]  # fmt: skip
        rows.append([f"{name}-", "", name, "normal", "normal", "no_lung", "", 0, 0, 0, 0, 0, 0, ""])
        pd.DataFrame(rows, columns=columns).to_csv(folder / "predictions.csv", index=False)
        if patches:
            np.savez(
                folder / "patches.npz",
                path=np.array([row[0] for row in rows[:-1]]),
                probabilities=probabilities.astype(np.float16),
            )
    recipe = {"folds": {name: [name] for name in names}, "classes": CLASSES, "training": {}}
    (out / RECIPE).write_text(json.dumps(recipe))
    return out


def test_offsets_undo_what_the_model_favours(tmp_path, capsys):
    out = folds(tmp_path / "folds", 1.5)
    file = tmp_path / "offsets.json"
    assert main(["offsets", str(out), "--out", str(file), "--samples", "100"]) == 0
    record = json.loads(file.read_text())
    assert record["classes"] == list(CLASSES) and record["films"] == 120
    low, high = record["offsets"]
    assert low < -0.3 and high == pytest.approx(-low)
    # The comparison is of films that the offsets were not fitted on.
    gain = record["balanced_accuracy"]
    assert gain["second"] < 0.8 < 0.9 < gain["first"]
    assert gain["difference"]["low"] > 0
    text = capsys.readouterr().out
    assert "without a" in text and "| balanced accuracy |" in text


def test_known_films_count_as_much_as_those_left_out(tmp_path, capsys):
    """Folds that ask for one offset and known films that ask for the opposite meet at none."""
    out = folds(tmp_path / "folds", 1.5)
    known = folds(tmp_path / "known", -1.5, names=("a",)) / "a" / "left_out"
    file = tmp_path / "offsets.json"
    words = ["offsets", str(out), "--out", str(file), "--samples", "50", "--penalty", "0.1"]
    assert main([*words, "--known", str(known)]) == 0
    record = json.loads(file.read_text())
    # Without the known films it is about 1.2.
    assert max(map(abs, record["offsets"])) < 0.6
    assert record["known"]["films"] == 40
    assert "Mean recall of the 40 validation films" in capsys.readouterr().out
    assert main([*words, "--known", str(tmp_path)]) == 2
    assert "no decisions here" in capsys.readouterr().err


def test_decisions_with_offsets_are_what_the_vote_then_says(tmp_path):
    out = folds(tmp_path / "folds", 1.5)
    file, table = tmp_path / "offsets.json", tmp_path / "moved.csv"
    words = ["offsets", str(out), "--out", str(file), "--decisions", str(table)]
    assert main([*words, "--samples", "50"]) == 0
    before, after = read_decisions(out), read_decisions(table)
    before = before[before["status"] == "ok"]
    assert list(after["path"]) == list(before["path"])
    right = [float((each["label"] == each["truth"]).mean()) for each in (before, after)]
    assert right[0] < 0.8 < 0.9 < right[1]
    votes = after[[f"votes_{name}" for name in CLASSES]].astype(int).to_numpy()
    assert set(votes.sum(1)) == {9}
    assert [CLASSES[index] for index in votes.argmax(1)] == list(after["label"])
    chances = after[[f"p_{name}" for name in CLASSES]].astype(float).to_numpy()
    assert chances.sum(1) == pytest.approx(1, abs=1e-5)


def test_what_is_missing_is_named(tmp_path, capsys):
    given = ["--out", str(tmp_path / "x.json")]
    assert main(["offsets", str(folds(tmp_path / "bare", 0, patches=False)), *given]) == 2
    assert "patches.npz is missing: run the fold again" in capsys.readouterr().err
    assert main(["offsets", str(folds(tmp_path / "one", 0, names=("a",))), *given]) == 2
    assert "two folds or more" in capsys.readouterr().err
    assert not (tmp_path / "x.json").exists()
