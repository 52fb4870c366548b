import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from cxr_tf.export import ExportOptions, export
from cxr_tf.extract import main
from cxr_tf.models.weights import rounded
from cxr_tf.saved.file_list import write_list
from cxr_tf.saved.load import from_runs, load
from cxr_tf.saved.model_folders import WEIGHTS
from cxr_tf.saved.run_folder import trained_model
from cxr_tf.saved.weights_record import BEST
from tests.cxr_tf.fake_runs import film


def test_weights_come_out_as_they_went_in(
    exported, fake_segmentation, fake_classification, tmp_path, capsys
):
    assert main([str(exported), "--out", str(tmp_path / "weights")]) == 0
    printed = capsys.readouterr().out.split()
    runs = {"segmentation": fake_segmentation, "classification": fake_classification}
    assert printed == [str(tmp_path / "weights" / name) for name in runs]
    for path, run in zip(printed, runs.values(), strict=True):
        found, expected = load_file(Path(path) / BEST), load_file(run / BEST)
        assert list(found) == list(expected)
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value, err_msg=name, strict=True)


@pytest.fixture(scope="module")
def eight_bits(tmp_path_factory, fake_classification):
    out = tmp_path_factory.mktemp("rounded") / "cxr_fake"
    run = str(fake_classification)
    return export(ExportOptions(classification=run, out=str(out), mantissa_bits=8, warmup=False))


def test_kernels_alone_are_rounded(eight_bits, fake_classification, tmp_path):
    assert main([str(eight_bits), "--out", str(tmp_path)]) == 0
    found, exact = load_file(tmp_path / "classification" / BEST), {}
    for weight in trained_model(fake_classification).weights:
        exact[weight.path] = np.asarray(weight)
    changed = {name for name, value in exact.items() if (value != found[name]).any()}
    assert changed == {name for name in exact if name.endswith("/kernel")}
    for name in changed:
        np.testing.assert_array_equal(found[name], rounded(exact[name], 8))


def test_a_rounded_model_has_another_version_and_nearly_the_same_answer(
    eight_bits, exported, from_python
):
    model, plain = load(eight_bits), load(exported)
    assert model.card.mantissa_bits == 8 and plain.card.mantissa_bits == 23
    assert plain.model_version == from_python.model_version != model.model_version
    left, right = (x.predict(film(), explain=True) for x in (model, plain))
    assert 0 < np.abs(left.probabilities - right.probabilities).max() < 0.05


def test_changed_hashes_are_told(exported, tmp_path, capsys):
    model = tmp_path / "1"
    shutil.copytree(exported / "1", model)
    hashes = json.loads((model / WEIGHTS).read_text())
    hashes["segmentation"]["logits/bias"] = "0" * 64
    (model / WEIGHTS).write_text(json.dumps(hashes))
    write_list(model)
    assert main([str(model), "--out", str(tmp_path / "out")]) == 2
    assert "segmentation: logits/bias" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    (model / WEIGHTS).unlink()
    write_list(model)
    assert main([str(model), "--out", str(tmp_path / "out")]) == 2
    assert "export the model again" in capsys.readouterr().err
    assert main([str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2


def test_the_extracted_runs_answer_as_the_model_did(exported, from_python, tmp_path, capsys):
    """The classification run finds the segmentation beside it, with the options of the model."""
    assert main([str(exported), "--out", str(tmp_path)]) == 0
    model = from_runs(None, tmp_path / "classification")
    assert model.card.options == from_python.card.options
    assert model.card.phantom is True and model.classes == from_python.classes
    left, right = (each.predict(film(), patches=3) for each in (model, from_python))
    np.testing.assert_array_equal(left.probabilities, right.probabilities)
    # A run that is there, and may have been trained since, is not written over.
    assert main([str(exported), "--out", str(tmp_path)]) == 2
    assert "choose another --out" in capsys.readouterr().err
