import json

import keras
import numpy as np
import pytest

from cxr_tf.models.registry import build
from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.run_options import ClassificationTrainingOptions, SegmentationTrainingOptions
from cxr_tf.saved.weights_record import BEST, save_best
from cxr_tf.train import main
from cxr_tf.training.first_weights import START, check_start, first_weights, start_files
from pipelines.manifest.checks import file_sha256
from tools.phantoms.layouts import write_manifest_layout


def test_a_run_stands_for_its_best_weights(tmp_path):
    config = SegmentationTrainingOptions(start_from=str(tmp_path))
    assert start_files(config) == [tmp_path / BEST]
    config = SegmentationTrainingOptions(start_from=str(tmp_path / "a.safetensors"))
    assert start_files(config) == [tmp_path / "a.safetensors"]
    config = ClassificationTrainingOptions(imagenet=("a.npz", "b.npz"))
    assert [str(path) for path in start_files(config)] == ["a.npz", "b.npz"]
    assert start_files(SegmentationTrainingOptions()) == []


def test_hashes_of_local_files_are_recorded_and_hold_when_the_run_goes_on(tmp_path):
    """As ImageNet files are."""
    file, run = tmp_path / "resnet18.npz", tmp_path / "run"
    file.write_bytes(b"weights")
    run.mkdir()
    hashes = check_start(run, [file])
    assert hashes == {str(file): file_sha256(file)}
    (run / START).write_text(json.dumps(hashes))
    assert check_start(run, [file]) == hashes
    file.write_bytes(b"other weights")
    with pytest.raises(UsageError, match=r"resnet18\.npz is not what .*restore the file"):
        check_start(run, [file])
    assert check_start(None, [file]) != hashes
    with pytest.raises(FileNotFoundError, match=r"gone\.npz: no weights to start from"):
        check_start(run, [file, tmp_path / "gone.npz"])


def test_train_refuses_weights_before_it_reads_films(tmp_path, capsys, monkeypatch):
    write_manifest_layout(tmp_path / "data", 12, 0, 160)
    save_best({"a": np.zeros(1, np.float32)}, tmp_path / "before")
    with (tmp_path / "before" / BEST).open("ab") as file:
        file.write(b" ")
    monkeypatch.setattr("cxr_tf.training.run.films_kept", lambda *_: pytest.fail("films are read"))
    given = ["segmentation", "--preset", "demo", "--data", str(tmp_path / "data")]
    given += ["--out", str(tmp_path / "run"), "--size", "64", "--batch-size", "2"]
    for start in (tmp_path / "before", tmp_path / "before" / BEST):
        assert main([*given, "--start-from", str(start)]) == 2
        assert f"{BEST} differs from its record" in capsys.readouterr().err
    assert main([*given, "--start-from", str(tmp_path / "gone")]) == 2
    assert "gone: no weights to start from" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_first_network_is_built_in_the_precision_of_the_run(tmp_path):
    """A head is fitted with it: the features of every film take most of the time of a probe."""
    network = build("resnet18_small", size=64)
    weights = {variable.path: variable.numpy() for variable in network.weights}
    save_best(weights, tmp_path)
    built = []

    class OfRun:
        config = ClassificationTrainingOptions(
            start_from=str(tmp_path), precision="mixed_bfloat16", network="resnet18_small"
        )

        def build(self):
            built.append(build("resnet18_small", size=64))
            return built[0]

    found = first_weights(OfRun.config, OfRun(), start_files(OfRun.config))
    assert built[0].get_layer("conv1").compute_dtype == "bfloat16"
    assert keras.mixed_precision.dtype_policy().name == "float32"
    assert {values.dtype for values in found} == {np.dtype(np.float32)}
