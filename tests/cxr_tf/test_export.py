import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.export import ExportOptions, export, main
from cxr_tf.measures.rule_names import Rule
from cxr_tf.measures.vote_rules import aggregate, lung_shares
from cxr_tf.method.triage_options import DecisionOptions
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.stopping import Stopped
from cxr_tf.runtime.tf_private import SavedModel
from cxr_tf.saved.load import load
from cxr_tf.saved.model_folders import read_card
from cxr_tf.saved.warmup import write_warmup
from cxr_tf.saved.write import card_text
from pipelines.manifest.checks import file_sha256
from tests.cxr_tf.fake_runs import film, png

REPOSITORY = Path(__file__).parents[2]
SIGNATURES = ("serving_default", "predict_pixels", "segment", "explain")


def test_layout_of_tensorflow_serving(exported):
    assert [folder.name for folder in exported.iterdir()] == ["1"], "nothing else is left behind"
    files = {str(p.relative_to(exported / "1")) for p in (exported / "1").rglob("*") if p.is_file()}
    assert {"saved_model.pb", "assets/classes.txt", "assets.extra/model_card.json"} <= files


def test_classes_stand_in_an_asset_in_order(exported, served):
    classes = ["normal", "bacterial", "tuberculosis", "viral"]
    assert (exported / "1/assets/classes.txt").read_text().split("\n") == [*classes, ""]
    path = served["module"].classes_asset.asset_path.numpy().decode()
    assert Path(path).read_text().split() == classes


def operations(folder):
    """Operations in the functions of a SavedModel, without those that save and restore it."""
    model = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    [graph] = model.meta_graphs
    functions = graph.graph_def.library.function
    kept = [each for each in functions if "traced_" not in each.signature.name]
    return {node.op for function in kept for node in function.node_def}


def test_weights_are_constants_of_the_graph(exported):
    assert not operations(exported / "1") & {"VarHandleOp", "ReadVariableOp"}
    data = list((exported / "1/variables").glob("*.data-*"))
    assert sum(path.stat().st_size for path in data) < 10_000


def test_core_operations_only(exported):
    """TensorFlow Serving loads the model without any custom operation or Python function."""
    used = operations(exported / "1")
    assert "DecodePng" in used and "Conv2D" in used
    assert not {op for op in used if op.startswith(("PyFunc", "EagerPyFunc", "Addons>"))}
    for op in used:
        assert getattr(tf.raw_ops, op, None) is not None, op


def test_model_card(exported, fake_segmentation, fake_classification, served):
    card = read_card(exported / "1")
    assert (card.name, card.version) == ("cxr_fake", 1)
    assert card.classes == ("normal", "bacterial", "tuberculosis", "viral")
    assert card.phantom is True
    assert card.signatures == SIGNATURES
    assert "not a medical device" in card.use.lower()
    hashes = {name: facts.weights_sha256 for name, facts in card.networks.items()}
    assert hashes == {
        "segmentation": file_sha256(fake_segmentation / "best.safetensors"),
        "classification": file_sha256(fake_classification / "best.safetensors"),
    }
    assert card.options.patch_size == 64 and card.options.resolution_limit == 0
    answer = served["serving_default"](image_bytes=tf.constant([b""]))
    assert answer["model_version"].numpy().tolist() == [card.model_version.encode()]


def test_model_card_for_readers(exported):
    text = (exported / "1/assets.extra/model_card.md").read_text()
    card = read_card(exported / "1")
    assert text.startswith("# cxr_fake 1\n")
    for part in (card.use, "phantoms", "tuberculosis", card.model_version):
        assert part in text
    assert "phantom" not in card_text(dataclasses.replace(card, phantom=False))


def test_a_model_refers_by_the_margin_that_it_was_exported_with(exported, tmp_path):
    """Exported again: the signatures say so, and Python does unless it is asked otherwise."""
    plain = load(exported).predict(film())
    assert plain.decision == plain.label and 0 < plain.margin < 1
    out = tmp_path / "referring"
    config = ExportOptions(model=str(exported), out=str(out), warmup=False, refer_below=1.0)
    folder = export(config)
    card, before = read_card(folder), read_card(exported / "1")
    assert card.decision == DecisionOptions(refer_below=1.0) != before.decision
    assert card.model_version != before.model_version
    assert "- refer_below: 1.0" in (folder / "assets.extra/model_card.md").read_text()
    signatures = tf.saved_model.load(str(folder))
    found = signatures.signatures["serving_default"](image_bytes=tf.constant([png(film()), b""]))
    assert found["decision"].numpy().tolist() == [b"refer", b""]
    assert found["label"].numpy().tolist() == [plain.label.encode(), b""]
    np.testing.assert_array_equal(found["votes"][0], plain.votes)
    model = load(folder)
    assert model.score(film()).record["decision"] == "refer"
    assert model.predict(film(), refer_below=0).decision == plain.label
    with pytest.raises(UsageError, match="ends early does not know its margin"):
        model.predict(film(), fast=True)
    assert model.predict(film(), fast=True, refer_below=0.0).decision == plain.label
    again = ExportOptions(model=str(folder), out=str(out), warmup=False)
    assert read_card(export(again)).decision == card.decision
    with pytest.raises(UsageError, match="--refer-below 2: give a share of the patches from 0"):
        export(dataclasses.replace(again, refer_below=2))


RULES_BESIDE: tuple[Rule, ...] = ("mean", "trimmed_mean", "area_weighted")


def test_a_request_may_ask_for_another_rule(exported):
    """Votes and probabilities stay; class and margin are those of the rule over the patches."""
    model = load(exported)
    plain = model.predict(film(), patches=30)
    explained = model.predict(film(), patches=30, explain=True)
    shares = lung_shares(explained.mask, explained.centres, model.card.options.patch_size)
    scores = aggregate(explained.patch_probabilities, shares)
    for rule in RULES_BESIDE:
        found = model.predict(film(), patches=30, rule=rule)
        best, second = np.sort(scores[rule])[[-1, -2]]
        assert found.class_index == scores[rule].argmax()
        assert found.label == found.decision == model.classes[found.class_index]
        assert found.margin == pytest.approx(best - second)
        np.testing.assert_array_equal(found.votes, plain.votes)
        np.testing.assert_array_equal(found.probabilities, plain.probabilities)
        assert found.agreement == np.float32(plain.votes[found.class_index] / np.float32(30))
        assert found.saliency is None and found.centres is None
        assert model.predict(film(), patches=30, rule=rule, refer_below=1.0).decision == "refer"
    assert model.predict(film(), patches=30, rule="majority").label == plain.label
    with pytest.raises(UsageError, match="only a majority can be settled early"):
        model.predict(film(), rule="mean", fast=True)
    with pytest.raises(UsageError, match="rule median: choose one of majority, mean"):
        model.predict(film(), rule="median")
    refused = model.predict(np.zeros((300, 300), np.uint16), rule="mean")
    assert (refused.status, refused.label) == ("constant", "")


@pytest.mark.slow
def test_a_model_decides_by_the_rule_and_the_grid_of_its_export(exported, tmp_path):
    """The signatures do what Python does with the options of a request."""
    rule: Rule = "area_weighted"
    out, plain = tmp_path / "by_rule", load(exported)
    config = ExportOptions(model=str(exported), out=str(out), warmup=False, rule=rule, stride=96)
    folder = export(config)
    card = read_card(folder)
    assert card.decision == DecisionOptions(rule=rule, stride=96)
    assert card.model_version != plain.card.model_version
    expected = plain.predict(film(), rule=rule, stride=96, explain=True)
    model = load(folder)
    own = model.predict(film())
    signatures = tf.saved_model.load(str(folder)).signatures
    asked = {"image_bytes": tf.constant([png(film()), b""])}
    served, shown = signatures["serving_default"](**asked), signatures["explain"](**asked)
    used = expected.patches_used
    assert 1 < used < 100
    for found in (served, shown, {name: [getattr(own, name)] for name in ("votes", "margin")}):
        np.testing.assert_array_equal(found["votes"][0], expected.votes)
        assert float(found["margin"][0]) == pytest.approx(expected.margin, abs=1e-9)
    assert served["label"].numpy().tolist() == [expected.label.encode(), b""]
    assert own.label == expected.label and own.patches_used == used
    np.testing.assert_array_equal(shown["centres"][0, :used], expected.centres)
    assert (shown["centres"][0, used:].numpy() == -1).all()
    assert (shown["centres"][1].numpy() == -1).all()
    assert not shown["patch_probabilities"][0, used:].numpy().any()
    assert model.predict(film(), rule="majority", stride=0).label == plain.predict(film()).label
    with pytest.raises(UsageError, match=f"the model decides by {rule}"):
        model.predict(film(), decision_only=True)
    again = export(ExportOptions(model=str(folder), out=str(out), warmup=False, stride=0))
    assert read_card(again).decision == DecisionOptions(rule=rule)
    with pytest.raises(UsageError, match="--stride 9: give 50 to 1024, or 0"):
        export(ExportOptions(model=str(folder), out=str(out), stride=9))


def test_existing_version_is_kept(exported, fake_classification):
    before = (exported / "1/saved_model.pb").stat()
    config = ExportOptions(classification=str(fake_classification), out=str(exported), version=1)
    with pytest.raises(FileExistsError, match="version"):
        export(config)
    assert (exported / "1/saved_model.pb").stat() == before


@pytest.mark.parametrize("missing", ["no run at all", "no weights"])
def test_missing_run_is_wrong_usage(missing, tmp_path, capsys, fake_classification):
    run = tmp_path / "run"
    if missing == "no weights":
        run.mkdir()
        (run / "config.json").write_bytes((fake_classification / "config.json").read_bytes())
        (run / "data.json").write_bytes((fake_classification / "data.json").read_bytes())
    out = tmp_path / "model"
    assert main(["--classification", str(run), "--out", str(out)]) == 2
    captured = capsys.readouterr()
    assert str(run) in captured.err and not captured.out
    assert not out.exists() or not list(out.iterdir())


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (tf.errors.ResourceExhaustedError(None, None, "No space left on device"), 2),
        (OSError(28, "No space left on device"), 2),
        (KeyboardInterrupt(), 130),
        (Stopped(), 143),
    ],
)
def test_an_export_that_fails_leaves_nothing(tmp_path, monkeypatch, capsys, fault, status):
    out = tmp_path / "model"

    def half(*_):
        assert not (out / ".2.partial").exists()
        (out / ".1.partial" / "model").mkdir(parents=True)
        (out / ".1.partial" / "classes.txt").touch()
        raise fault

    (out / ".2.partial" / "model").mkdir(parents=True)  # as a kill leaves it
    monkeypatch.setattr("cxr_tf.export._export", half)
    assert main(["--classification", "run", "--out", str(out)]) == status
    told = capsys.readouterr().err
    assert "No space left on device" in told if status == 2 else "interrupted" in told
    assert not list(out.iterdir())


def test_runs_of_the_wrong_kind_are_refused(tmp_path, capsys, fake_segmentation):
    words = ["--classification", str(fake_segmentation), "--out", str(tmp_path / "model")]
    assert main(words) == 2
    assert "segmentation" in capsys.readouterr().err


def test_warmup_records(tmp_path, served):
    """Each record is a request that the model answers."""
    pytest.importorskip("tensorflow_serving.apis", reason="the extra 'serving' is not installed")
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    path = tmp_path / "warmup"
    assert write_warmup(path)
    names = []
    for record in tf.data.TFRecordDataset(str(path)):
        request = PredictionLog.FromString(record.numpy()).predict_log.request
        names.append(request.model_spec.signature_name)
        inputs = {k: tf.constant(tf.make_ndarray(v)) for k, v in request.inputs.items()}
        answer = served[names[-1]](**inputs)
        assert answer["status"].numpy().tolist() in ([b"ok"], [b"no_lung"])
    assert set(names) <= set(SIGNATURES) and "serving_default" in names


def test_without_the_extra_export_says_what_is_left_out(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("cxr_tf.saved.warmup.importlib.util.find_spec", lambda name: None)
    assert not write_warmup(tmp_path / "warmup")
    assert "--no-warmup" in capsys.readouterr().err
    assert not (tmp_path / "warmup").exists()


def saved_model_cli(model, signature, inputs, out):
    words = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli", "run"]
    words += ["--dir", str(model), "--tag_set", "serve", "--signature_def", signature]
    words += ["--inputs", ";".join(f"{name}={path}" for name, path in inputs.items())]
    words += ["--outdir", str(out), "--overwrite"]
    return subprocess.Popen(
        words,
        cwd=REPOSITORY,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_saved_model_cli_runs_signatures_of_bytes_and_of_pixels(exported, served, tmp_path):
    """TensorFlow's own tool answers as Python does: good and bad films in one batch."""
    pixels = film()
    images = np.array([png(pixels), b"junk"])
    arrays = {
        "image_bytes": images,
        "pixels": pixels[None],
        "padding": np.array([-1], np.int32),
        "seed": np.array([3], np.int64),
        "patches": np.array([20], np.int32),
    }
    for name, value in arrays.items():
        np.save(tmp_path / f"{name}.npy", value)
    running = {}
    for name in ("explain", "predict_pixels"):  # the others answer with parts of `explain`
        words = [w for w in arrays if (w == "image_bytes") == (name != "predict_pixels")]
        paths = {word: tmp_path / f"{word}.npy" for word in words}
        expected = served[name](**{word: tf.constant(arrays[word]) for word in words})
        running[name] = saved_model_cli(exported / "1", name, paths, tmp_path / name), expected
    try:
        for name, (process, expected) in running.items():
            text, _ = process.communicate(timeout=300)
            assert process.returncode == 0, text
            # The tool writes strings as objects.
            files = (tmp_path / name).glob("*.npy")
            found = {path.stem: np.load(path, allow_pickle=True) for path in files}
            assert set(found) == set(expected)
            for output, value in expected.items():
                value = value.numpy()
                if value.dtype.kind == "f":
                    np.testing.assert_allclose(found[output], value, atol=1e-4, err_msg=output)
                else:
                    np.testing.assert_array_equal(
                        found[output].astype(str), value.astype(str), err_msg=output
                    )
    finally:
        for process, _ in running.values():
            process.kill()
            process.wait()


def test_card_is_json_for_other_programs(exported):
    text = (exported / "1/assets.extra/model_card.json").read_text()
    assert json.loads(text)["software"].keys() == {"tensorflow", "keras"}
