"""Folds: which there are, their commands and budgets, and how they go on."""

import json
import os
import signal
import time
import types
from pathlib import Path

import pytest

from cxr_tf.evaluation.options import ClassificationEvaluationOptions
from cxr_tf.train import parse_arguments
from pipelines.classes import PAPER_CLASSES, parse_classes
from pipelines.manifest.table import Manifest, ManifestRow, write_manifest
from tests.tools.leave_one_out.made_up import CLASSES
from tools.leave_one_out import arrange
from tools.leave_one_out.__main__ import main
from tools.leave_one_out.folds import single_sources

#: Class, split and source of each film: c has no tuberculosis, d is small.
FILMS = [
    (label, split, source)
    for source, count in {"a": 6, "b": 6, "c": 6, "d": 2}.items()
    for label in CLASSES[: 1 if source == "c" else 2]
    for split in ("train",) * count + ("validation", "test")
]
TRAINING = ["--preset", "demo", "--classes", "normal,tuberculosis", "--batch-size", "4",
            "--segmentation", "masks", "--epochs", "3"]  # fmt: skip


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    rows = []
    for number, (label, split, source) in enumerate(FILMS):
        path = folder / f"{number}.png"
        path.write_bytes(b"film")
        rows.append(ManifestRow(path, label, source=source, split_classification=split))
    write_manifest(Manifest(folder, tuple(rows)), folder / "manifest.csv")
    return folder


@pytest.fixture
def done(monkeypatch):
    """What the commands would have done: a run, or a table in which every film is normal.

    Where the dense vote is learnt, that has tuberculosis everywhere.
    """
    calls = []

    def run(words):
        calls.append(words)
        out = Path(words[words.index("--out") + 1])
        out.mkdir(parents=True, exist_ok=True)
        if words[0] == "cxr_tf.train":
            (out / "checkpoints").mkdir()
            if "dense" in words:
                (out / "learnt_densely").touch()
            return 0
        split, sources = words[words.index("--split") + 1], words[words.index("--source") + 1 :]
        answers = {"": "normal,1.0,4,4,0,0.9,0.1"}
        if (Path(words[2]) / "learnt_densely").is_file():
            answers["dense"] = "tuberculosis,1.0,4,0,4,0.1,0.9"
        for folder, answer in answers.items():
            lines = [
                "path,patient_id,source,class,truth,status,label,agreement,patches_used,"
                "votes_normal,votes_tuberculosis,p_normal,p_tuberculosis,model_version"
            ]
            lines += [
                f"{i}.png,,{source},{label},{label},ok,{answer},made-up"
                for i, (label, own, source) in enumerate(FILMS)
                if source in sources and split in ("all", own)
            ]
            (out / folder).mkdir(exist_ok=True)
            (out / folder / "predictions.csv").write_text("\n".join(lines) + "\n")
        (out / "metrics.json").write_text("{}")
        return 0

    monkeypatch.setattr(arrange, "run_command", run)
    return calls


def run(data, out, *options, training=TRAINING):
    own = ["run", "--data", str(data), "--out", str(out), "--samples", "50", *options]
    return main([*own, "--", *training])


def test_every_source_is_left_out_once_with_equal_budgets(data, tmp_path, done, capsys):
    out = tmp_path / "out"
    assert run(data, out, "--patches", "8") == 0
    trainings = [words for words in done if words[0] == "cxr_tf.train"]
    configs = [parse_arguments(words[1:]) for words in trainings]
    assert [config.leave_out for config in configs] == [("a",), ("b",), ("c",), ("d",)]
    # Without a or b, 14 normal films and 8 with tuberculosis, which come 14 times: 28 of 4.
    assert {config.steps_per_epoch for config in configs} == {7}
    assert {config.epochs for config in configs} == {3}
    names = {field for field in ClassificationEvaluationOptions.__dataclass_fields__}
    for words in done:
        if words[0] == "tools.leave_one_out":
            flags = {word[2:] for word in words if word.startswith("--")}
            assert flags <= names and words[words.index("--patches") + 1] == "8"
    assert not (out / "a" / "run" / "checkpoints").exists()
    text = (out / "leave_one_out.md").read_text()
    assert text in capsys.readouterr().out and (out / "leave_one_out.png").is_file()
    lines = (out / "decisions.csv").read_text().splitlines()
    left_out = [line for line in lines if line.split(",")[1] == "left_out"]
    assert len(left_out) == len(FILMS) and len(set(left_out)) == len(FILMS)
    # Each test film, one of each class and source, is known to three of the four folds.
    assert len(lines) - 1 - len(left_out) == 3 * sum(split == "test" for _, split, _ in FILMS)
    assert "| all" in text and "0.500" in text


def test_sources_are_joined_and_known_films_left_away(data, tmp_path, done):
    assert run(data, tmp_path / "out", "--folds", "c+d", "a", "--no-known") == 0
    assert [words[0] for words in done] == ["cxr_tf.train", "tools.leave_one_out"] * 2
    assert parse_arguments(done[0][1:]).leave_out == ("c", "d")
    assert done[1][-2:] == ["c", "d"] and "all" in done[1]


def test_both_votes_of_the_folds_are_compared_where_both_were_learnt(data, tmp_path, done, capsys):
    out = tmp_path / "out"
    assert run(data, out, training=[*TRAINING, "--approach", "dense"]) == 0
    text = (out / "dense_vote.md").read_text()
    assert text.startswith("# dense vote less vote of patches") and text in capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    recalls = {tuple(row[:2]): row[4:6] for row in rows if row[:1] == ["a"]}
    assert recalls == {
        ("a", "normal"): ["0.000", "1.000"], ("a", "tuberculosis"): ["1.000", "0.000"]
    }  # fmt: skip
    dense = (out / "decisions_dense.csv").read_text()
    plain = (out / "decisions.csv").read_text()
    assert dense.count("ok,tuberculosis") == plain.count("ok,normal") > 0
    assert "ok,normal" not in dense and "ok,tuberculosis" not in plain
    plain_out = tmp_path / "plain"
    assert run(data, plain_out) == 0
    assert not (plain_out / "dense_vote.md").exists()


def test_folds_go_on_where_they_were(data, tmp_path, done, monkeypatch, capsys):
    out, whole = tmp_path / "out", arrange.run_command

    def broken(words):
        return 1 if len(done) == 4 else whole(words)  # the second fold's first evaluation

    monkeypatch.setattr(arrange, "run_command", broken)
    assert run(data, out) == 1
    assert "tools.leave_one_out ended with 1" in capsys.readouterr().err
    assert not (out / "leave_one_out.md").exists()
    monkeypatch.setattr(arrange, "run_command", whole)
    before = len(done)
    assert run(data, out) == 0
    again = done[before:]
    assert [words[0] for words in again[:3]] == ["tools.leave_one_out"] * 2 + ["cxr_tf.train"]
    assert "a: its decisions are there" in capsys.readouterr().out
    before = len(done)
    assert run(data, out) == 0 and len(done) == before
    recipe = json.loads((out / arrange.RECIPE).read_text())
    del recipe["training"]["jpeg"]  # as an earlier version wrote it, which had no such option
    (out / arrange.RECIPE).write_text(json.dumps(recipe))
    assert run(data, out) == 0 and len(done) == before
    assert main(["report", str(out), "--samples", "50"]) == 0


def test_a_stop_ends_the_training_in_work(data, tmp_path, monkeypatch, capsys):
    told = []

    class Training:
        def __init__(self, command):
            told.append(command[2])

        def wait(self):
            told.append("waited for")
            if told.count("waited for") == 1:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(10)

        def terminate(self):
            told.append("ended")

    # For this module alone: other code of the process starts programmes too, and would be stopped.
    programmes = types.SimpleNamespace(Popen=Training)
    monkeypatch.setattr("tools.leave_one_out.arrange.subprocess", programmes)
    assert run(data, tmp_path / "out") == 143
    assert told == ["cxr_tf.train", "waited for", "ended", "waited for"]
    assert "the same command goes on" in capsys.readouterr().err


def test_another_recipe_or_other_data_are_refused(data, tmp_path, done, capsys):
    out = tmp_path / "out"
    assert run(data, out, "--folds", "a") == 0
    count = len(done)
    assert run(data, out, "--folds", "a", training=[*TRAINING, "--jpeg", "0.5"]) == 2
    assert "another recipe (jpeg: 0.0 -> 0.5)" in capsys.readouterr().err
    assert run(data, out, training=[*TRAINING, "--epochs", "4"]) == 2
    assert "epochs: 3 -> 4" in capsys.readouterr().err
    assert run(data, out, "--patches", "9") == 2
    assert "patches: 100 -> 9" in capsys.readouterr().err
    assert run(data, out, training=[*TRAINING, "--steps-per-epoch", "2"]) == 2
    assert "budgets must be equal" in capsys.readouterr().err
    (data / "3.png").write_bytes(b"another film")
    assert run(data, out) == 2
    assert "fingerprint" in capsys.readouterr().err
    assert len(done) == count


def test_a_fold_that_loses_a_class_is_told_and_not_trained(data, tmp_path, done, capsys):
    out = tmp_path / "out"
    assert run(data, out, "--folds", "a+b+d", "c") == 0
    assert "fold a+b+d" in capsys.readouterr().err
    assert [parse_arguments(w[1:]).leave_out for w in done if w[0] == "cxr_tf.train"] == [("c",)]
    text = (out / "leave_one_out.md").read_text()
    assert "Fold a+b+d was not trained" in text and "no film of tuberculosis" in text
    assert run(data, tmp_path / "none", "--folds", "a+b+d") == 2
    assert "no fold can be trained" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "training", "message"),
    [
        (["--folds", "e"], TRAINING, "no film of a class from e; its sources are a, b, c, d"),
        (["--folds", "a", "a+b"], TRAINING, "a stands in several folds"),
        ([], [*TRAINING, "--leave-out", "a"], "--leave-out behind `--`"),
        ([], [*TRAINING, "--out=x"], "--out behind `--`"),
        ([], [*TRAINING, "--stop-after-steps", "3"], "other budgets"),
        ([], [*TRAINING, "--steps-per-epoch", "8"], "fold a: its films give 7 steps"),
        ([], [*TRAINING, "--batch-size", "100"], "its films give 0 steps"),
        (["--patches", "0"], TRAINING, "--patches 0"),
    ],
)
def test_wrong_usage_is_told_before_any_training(
    data, tmp_path, done, capsys, options, training, message
):
    assert run(data, tmp_path / "out", *options, training=training) == 2
    assert message in capsys.readouterr().err
    assert not done and not (tmp_path / "out").exists()


def test_films_without_a_source_are_told(data, tmp_path, done, capsys):
    text = (data / "manifest.csv").read_text().replace(",d,", ",,")
    (data / "manifest.csv").write_text(text)
    assert run(data, tmp_path / "out") == 2
    assert "8 films have no source" in capsys.readouterr().err


def test_a_dry_run_prints_and_writes_nothing(data, tmp_path, done, capsys):
    assert run(data, tmp_path / "out", "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12 and all(line.startswith("python -m ") for line in lines)
    assert not done and not (tmp_path / "out").exists()


def test_a_class_of_one_source_is_found():
    rows = [ManifestRow(Path(str(i)), label, source=source, split_classification="train")
            for i, (label, source) in enumerate(
                [("normal", "a"), ("normal", "b"), ("viral", "a"), ("covid19", "b"),
                 ("tuberculosis", "b"), ("lung_nodule", "c")])]  # fmt: skip
    data = Manifest(Path("m.csv"), tuple(rows))
    assert single_sources(data, PAPER_CLASSES) == {"tuberculosis": "b"}
    four = parse_classes("normal,viral,covid19,-tuberculosis")
    assert single_sources(data, four) == {"viral": "a", "covid19": "b"}


def test_a_folder_without_folds_is_named(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "no folds here" in capsys.readouterr().err
    (tmp_path / arrange.RECIPE).write_text(
        json.dumps({"folds": {"a": ["a"]}, "classes": CLASSES, "training": {}})
    )
    assert main(["report", str(tmp_path)]) == 2
    assert "no fold is evaluated yet" in capsys.readouterr().err
