"""Named ablations differ in one thing, and their commands fit the options of a training."""

import dataclasses
from pathlib import Path

import pytest

from cxr_tf.saved.run_options import ClassificationTrainingOptions, SegmentationTrainingOptions
from pipelines.manifest.table import Manifest, ManifestRow, write_manifest
from tools.paper.ablations import ABLATIONS, Options, evaluations, main, training

OPTIONS = Options(data=Path("DATA"))
KINDS = {
    "segmentation": SegmentationTrainingOptions,
    "classification": ClassificationTrainingOptions,
}


def _flags(given):
    return {word.removeprefix("--").replace("-", "_") for word in given if word.startswith("--")}


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_option_is_one_of_the_training(name):
    given = training(name, OPTIONS, 200)
    known = {field.name for field in dataclasses.fields(KINDS[given[0]])}
    assert {flag.removeprefix("no_") for flag in _flags(given)} <= known
    assert all(
        command[-1].startswith(f"results/ablations/{name}_")
        for command in evaluations(name, OPTIONS)
    )


def test_a_smaller_training_set_takes_as_many_steps():
    whole, half = training("short", OPTIONS, 200), training("short_50", OPTIONS, 200)
    assert whole[whole.index("--epochs") + 1] == "6" and half[half.index("--epochs") + 1] == "12"
    assert half[half.index("--films") + 1] == "100" and "--films" not in whole
    tenth = training("global_10", OPTIONS, 390)
    assert tenth[tenth.index("--films") + 1] == "39" and "global" in tenth


def test_masks_of_another_network_are_trained_first(tmp_path, capsys):
    rows = (ManifestRow(tmp_path / "a.png", "normal", split_classification="train"),)
    write_manifest(Manifest(tmp_path / "manifest.csv", rows), tmp_path / "manifest.csv")
    place = [
        "--data",
        str(tmp_path),
        "--results",
        str(tmp_path / "results" / "ablations"),
        "--dry-run",
    ]
    assert main(["masks_short_u_net", *place]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2:4] for line in lines] == [
        ["cxr_tf.train", "segmentation"], ["cxr_tf.evaluate", "segmentation"],
        ["cxr_tf.evaluate", "segmentation"], ["cxr_tf.train", "classification"],
        ["cxr_tf.evaluate", "classification"],
    ]  # fmt: skip
    assert "--segmentation runs/short_u_net" in lines[3]


def test_what_is_there_is_not_done_again(tmp_path, capsys):
    rows = (ManifestRow(tmp_path / "a.png", "normal", split_classification="train"),)
    write_manifest(Manifest(tmp_path / "manifest.csv", rows), tmp_path / "manifest.csv")
    place = [
        "--data",
        str(tmp_path),
        "--results",
        str(tmp_path / "results" / "ablations"),
        "--dry-run",
    ]
    (tmp_path / "results" / "ablations" / "global_test").mkdir(parents=True)
    (tmp_path / "results" / "ablations" / "global_test" / "metrics.json").touch()
    assert main(["global", "whole", *place]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "global: its results are there" and "cxr_tf.train" in lines[1]
    assert len(lines) == 3 and lines[2].endswith("whole_test")


def test_ablations_are_listed_and_unknown_ones_refused(capsys):
    assert main([]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [*ABLATIONS]
    assert main(["flu"]) == 2
    assert "no ablation flu" in capsys.readouterr().err
