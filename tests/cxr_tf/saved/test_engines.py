"""Both networks for other engines, beside the SavedModel: `export --also`."""

import json
import os
import signal
import sys

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.export import ExportOptions, _films, export, main
from cxr_tf.runtime.extras import EXTRAS
from cxr_tf.saved import engine_folder, engines
from cxr_tf.saved.engine_check import Difference
from cxr_tf.saved.engines import open_network
from cxr_tf.saved.load import load
from cxr_tf.saved.model_folders import version_folder
from pipelines.manifest.checks import file_sha256
from pipelines.manifest.table import read_manifest
from pipelines.normalise import normalise
from tests.cxr_tf.fake_runs import classification_run, film, png
from tools.phantoms.layouts import write_manifest_layout

ENGINES = "onnx", "openvino"


def skip_without(engine):
    for name in EXTRAS[engine].needs:
        pytest.importorskip(name, reason=f"the extra '{engine}' is not installed")


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Two films, one that holds nothing, and one that is none."""
    folder = tmp_path_factory.mktemp("films")
    for seed in range(2):
        (folder / f"{seed}.png").write_bytes(png(film(seed)))
    (folder / "empty.png").write_bytes(png(np.full((300, 300), 7, np.uint16)))
    (folder / "torn.png").write_bytes(png(film())[:100])
    return folder


@pytest.fixture(scope="module", params=ENGINES)
def written(request, tmp_path_factory, fake_classification, films):
    """A model exported for an engine too, and the engine."""
    skip_without(request.param)
    out = tmp_path_factory.mktemp("models") / "cxr_also"
    given = {"classification": str(fake_classification), "films": (str(films),), "warmup": False}
    export(ExportOptions(out=str(out), also=(request.param,), **given))
    return out, request.param


@pytest.mark.slow
def test_networks_lie_beside_the_model_and_are_no_version_of_it(written):
    out, engine = written
    assert {path.name for path in out.iterdir()} == {"1", engine}
    assert version_folder(out) == out / "1" and load(out)
    folder = out / engine / "1"
    suffixes = [".onnx"] if engine == "onnx" else [".bin", ".xml"]
    names = {f"{name}{s}" for name in ("segmentation", "classification") for s in suffixes}
    assert {path.name for path in folder.iterdir()} == names | {"preprocessing.json", "README.md"}
    facts = json.loads((folder / "preprocessing.json").read_text())
    assert facts["sha256"] == {name: file_sha256(folder / name) for name in names}


@pytest.mark.slow
def test_signals_reach_their_handlers_where_a_network_was_opened(written):
    out, engine = written
    suffix = {"onnx": "onnx", "openvino": "xml"}[engine]
    open_network(engine, out / engine / "1" / f"classification.{suffix}")
    came = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: came.append(number))
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert came == [signal.SIGUSR1]


@pytest.mark.slow
def test_what_is_written_of_the_input_is_enough_to_answer_as_the_model(written):
    """By preprocessing.json and NumPy alone, behind the normalised film."""
    out, engine = written
    folder = out / engine / "1"
    facts = json.loads((folder / "preprocessing.json").read_text())
    expected = load(out).predict(film(), explain=True, patches=8)
    first, second = facts["segmentation"], facts["classification"]
    side, size = first["input"]["shape"][1], second["input"]["shape"][1]
    (small, large), _ = normalise(tf.constant(film()), sizes=(side, 1024))

    def answer(part, grey):
        taken = part["input"]
        scaled = (grey / taken["divided_by"] - taken["mean"]) / taken["sd"]
        logits = open_network(engine, folder / part["file"])(scaled.astype(taken["dtype"]))
        return np.asarray(tf.nn.softmax(logits))

    found = answer(first, small.numpy()[None, :, :, None])[0]
    assert first["logits"] == ["background", "heart", "left_lung", "right_lung"]
    assert found.shape == (side, side, 4)
    assert side == 256, "else the model enlarges before it labels"
    apart = found.argmax(-1) != expected.mask  # only where two parts are equally likely
    assert apart.sum() <= 3 and (np.diff(np.sort(found[apart], -1)[:, -2:]) < 1e-4).all()
    lungs = np.kron(np.isin(expected.mask, (2, 3)), np.ones((4, 4)))
    padded = np.pad(large.numpy() * lungs, size)
    corners = expected.centres + size - size // 2
    patches = np.stack([padded[y : y + size, x : x + size] for y, x in corners])
    found = answer(second, np.repeat(patches[..., None], 3, -1))
    assert second["logits"] == list(load(out).classes)
    np.testing.assert_allclose(found, expected.patch_probabilities, atol=1e-4)


@pytest.mark.slow
def test_the_difference_is_stored_and_told_to_the_reader(written):
    out, engine = written
    folder = out / engine / "1"
    facts = json.loads((folder / "preprocessing.json").read_text())
    compared = facts["compared"]
    assert compared["films"] == 2 and compared["limit"] == 1e-3
    assert compared["left_out"] == {"constant": 1, "unreadable": 1}
    assert compared["segmentation"]["answers"] == 2 * 256 * 256
    assert compared["classification"]["answers"] == 2 * 20
    for name in ("segmentation", "classification"):
        assert 0 < compared[name]["largest"] < 1e-4
    text = (folder / "README.md").read_text()
    assert "PHANTOM MODEL" in text and "[n, 64, 64, 3]" in text and "[n, 256, 256, 1]" in text
    assert f"{compared['classification']['largest']:.1e}" in text


@pytest.mark.slow
def test_openvino_reports_nothing_to_its_makers(written):
    if written[1] == "openvino":
        assert sys.modules["openvino_telemetry"] is None


@pytest.mark.slow
def test_answers_that_differ_are_refused_and_nothing_is_left(
    tmp_path, monkeypatch, capsys, fake_classification, films
):
    """An engine stands in that finds every label and class alike."""

    def opened(engine, path):
        axes = 3 if path.stem == "segmentation" else 1
        return lambda x: np.zeros([*x.shape[:axes], 4], np.float32)

    monkeypatch.setattr(engine_folder, "write_network", lambda n, e, path, s: path.touch())
    monkeypatch.setattr(engine_folder, "open_network", opened)
    monkeypatch.setattr("cxr_tf.export.check_engines", lambda engines: None)
    out = tmp_path / "model"
    words = ["--classification", str(fake_classification), "--out", str(out), "--no-warmup"]
    words += ["--also", "onnx", "--films", str(films)]
    assert main(words) == 2
    told = capsys.readouterr()
    assert "differ from the model's by more than 0.001" in told.err and not told.out
    assert "onnx, segmentation: no probability differs by more than" in told.err
    assert not out.exists()


def test_the_largest_difference_and_other_labels_are_counted():
    each, expected = Difference(), np.array([[0.5, 0.5], [0.9, 0.1]], np.float32)
    each.add(np.log(np.array([[0.49, 0.51], [0.9, 0.1]], np.float32)), expected)
    assert (each.answers, each.otherwise) == (2, 1)
    assert each.largest == pytest.approx(0.01, abs=1e-6)
    each.add(np.array([[np.nan, 0.0]], np.float32), expected[:1])
    assert each.largest == np.inf


@pytest.mark.slow
def test_without_usable_films_nothing_is_written(tmp_path, monkeypatch, fake_classification):
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "torn.png").write_bytes(png(film())[:100])
    monkeypatch.setattr(engine_folder, "write_network", lambda n, e, path, s: path.touch())
    monkeypatch.setattr(engine_folder, "open_network", lambda engine, path: None)
    monkeypatch.setattr("cxr_tf.export.check_engines", lambda engines: None)
    out = tmp_path / "model"
    given = {"classification": str(fake_classification), "films": (str(tmp_path / "films"),)}
    with pytest.raises(ValueError, match=r"1 left out \(unreadable\); name others by --films"):
        export(ExportOptions(out=str(out), also=("onnx",), warmup=False, **given))
    assert not out.exists()


def test_the_validation_films_of_the_run_are_the_default(tmp_path, fake_segmentation):
    write_manifest_layout(tmp_path / "data", films=16, seed=0, size=128)
    data = tmp_path / "data"
    run = classification_run(tmp_path / "run", fake_segmentation, patch_size=64, data=str(data))
    expected = [
        row.path
        for row in read_manifest(data / "manifest.csv").select("classification", "validation")
    ]
    config = ExportOptions(classification=str(run), out="", also=("onnx",))
    found = list(_films(config))
    assert 0 < len(found) == len(expected) and all(each.status == "ok" for each in found)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"films": ("f",), "classification": "r"}, "--films are for --also"),
        ({"also": ("onnx",), "model": "m"}, "--also with --model needs --films"),
        (
            {"also": ("onnx",), "classification": "r", "precision": "mixed_bfloat16"},
            "leave out --precision mixed_bfloat16",
        ),
        (
            {"also": ("openvino",), "classification": "r"},
            r"needs openvino: pip install 'cxr-tf\[openvino\]'",
        ),
    ],
)
def test_wrong_usage_is_told_before_any_work(tmp_path, monkeypatch, options, told):
    monkeypatch.setattr(engines, "missing", lambda names: [n for n in names if n == "openvino"])
    with pytest.raises(ValueError, match=told):
        export(ExportOptions(out=str(tmp_path / "out"), **options))
    assert not (tmp_path / "out").exists()


def test_an_engine_that_is_there_is_not_written_over(tmp_path, monkeypatch, fake_classification):
    monkeypatch.setattr("cxr_tf.export.check_engines", lambda engines: None)
    there = tmp_path / "model" / "onnx" / "1"
    there.mkdir(parents=True)
    with pytest.raises(FileExistsError, match="onnx/1 exists"):
        export(
            ExportOptions(
                classification=str(fake_classification), out=str(tmp_path / "model"), also=("onnx",)
            )
        )
