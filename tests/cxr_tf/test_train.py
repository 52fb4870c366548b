"""The command from its line to the run it leaves, on phantoms."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.config import disable_op_determinism

from cxr_tf.saved.load import from_runs
from cxr_tf.saved.run_folder import trained_model
from cxr_tf.saved.run_options import (
    PRESETS,
    ClassificationTrainingOptions,
    SegmentationTrainingOptions,
    read_run,
)
from cxr_tf.train import main, parse_arguments
from pipelines.film_files import LOST
from pipelines.manifest.checks import validate
from pipelines.manifest.rows import COLUMNS
from pipelines.manifest.table import Manifest, read_manifest, write_manifest
from tests.cxr_tf.fake_runs import film
from tools.phantoms.layouts import write_manifest_layout

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantoms")
    write_manifest_layout(out, 12, 0, 160)
    return out


@pytest.fixture(autouse=True)
def _no_determinism_left():
    """`--deterministic` holds for the whole process; other tests are not to run under it."""
    yield
    disable_op_determinism()


def command(task, data, run, *options):
    """Arguments of a short training of small networks."""
    words = [task, "--preset", "demo", "--data", str(data), "--out", str(run)]
    return [*words, *map(str, options)]


def segmentation(data, run, *options):
    shorter = ("--size", 64, "--batch-size", 2, "--estimate-batch-norm", 2, "--epochs", 2)
    return command("segmentation", data, run, *shorter, *options)


def classification(data, run, segmentation_run, *options):
    shorter = ("--patch-size", 64, "--batch-size", 2, "--validation-patches", 2, "--epochs", 2)
    shorter += ("--segmentation", segmentation_run, "--estimate-batch-norm", 2)
    return command("classification", data, run, *shorter, *options)


def history(run):
    """What was measured in each epoch, without the time it took."""
    with (run / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert float(row.pop("seconds")) > 0.0
    return rows


def assert_same_run(left, right):
    assert (left / "best.safetensors").read_bytes() == (right / "best.safetensors").read_bytes()
    assert history(left) == history(right)


def start(words):
    return subprocess.Popen(
        [sys.executable, "-m", "cxr_tf.train", *words],
        cwd=REPOSITORY,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 0, text
    return text


@pytest.mark.slow
def test_killed_run_goes_on_bit_for_bit(phantoms, tmp_path):
    """SIGKILL in the middle of an epoch, dropout and augmentation on."""
    options = ("--deterministic", "--checkpoint-steps", 1, "--epochs", 3, "--images-every", 0)
    words = {name: segmentation(phantoms, tmp_path / name, *options) for name in ("whole", "cut")}
    whole, cut = start(words["whole"]), start(words["cut"])
    try:
        checkpoint = tmp_path / "cut" / "checkpoints" / "checkpoint"
        end = time.monotonic() + 300
        # One before the first step; an epoch has two steps and writes three: the fifth lies within
        # the second.
        while not (checkpoint.is_file() and "ckpt-5" in checkpoint.read_text()):
            assert cut.poll() is None, cut.communicate()[0]
            assert time.monotonic() < end
            time.sleep(0.01)
        cut.send_signal(signal.SIGKILL)
        assert cut.wait() == -signal.SIGKILL
        finish(whole)
    finally:
        for process in (whole, cut):
            process.kill()
            process.wait()
            process.stdout.close()
    assert len(history(tmp_path / "cut")) < 3, "the run was over before it was killed"
    assert "going on from epoch" in finish(start(words["cut"]))
    assert len(history(tmp_path / "whole")) == 3
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


@pytest.fixture(scope="module")
def trained(phantoms, tmp_path_factory, fake_segmentation):
    """Two finished runs, with pictures in every epoch, histograms and a profile."""
    out = tmp_path_factory.mktemp("runs")
    extra = ("--images-every", 1, "--deterministic")
    runs = {"segmentation": out / "seg", "classification": out / "cls"}
    words = segmentation(phantoms, runs["segmentation"], "--profile", "1:2", *extra)
    words += ["--histograms-every", "1"]
    assert main(words) == 0
    assert main(classification(phantoms, runs["classification"], fake_segmentation, *extra)) == 0
    disable_op_determinism()
    return runs


@pytest.mark.slow
def test_classification_goes_on_bit_for_bit(phantoms, tmp_path, trained, fake_segmentation):
    """Weights, their average, Adam's moments and the order of the films."""
    run = tmp_path / "parts"
    words = classification(phantoms, run, fake_segmentation, "--images-every", 1)
    words += ["--deterministic", "--stop-after-steps", "3"]
    assert main(words) == 0
    # An epoch has two steps.
    assert len(history(run)) == 1
    assert main([*words[:-1], "0"]) == 0
    assert_same_run(trained["classification"], run)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["segmentation", "classification"])
def test_what_a_run_leaves(trained, phantoms, task):
    run = trained[task]
    config = read_run(run)
    assert config.preset == "demo" and config.epochs == 2
    facts = json.loads((run / "data.json").read_text())
    manifest = read_manifest(phantoms / "manifest.csv")
    known = {"fingerprint": manifest.fingerprint(), "films": 12, "phantom": True}
    assert facts == known | {"sources": ["phantom"], "sources_known": True}
    environment = json.loads((run / "environment.json").read_text())
    assert environment["packages"]["tensorflow"] == tf.__version__
    assert {"python", "revision", "platform", "devices"} <= environment.keys()
    assert [row["epoch"] for row in history(run)] == ["0", "1"]
    score = {"segmentation": "jaccard", "classification": "f1"}[task]
    assert all(0.0 <= float(row[f"validation_{score}"]) <= 1.0 for row in history(run))
    assert not list(run.rglob(".*.new*"))


@pytest.mark.slow
def test_runs_answer_without_an_export(trained):
    model = from_runs(None, trained["classification"])
    assert model.card.phantom is True
    assert model.predict(film(), patches=3).status == "ok"


def events(run):
    """Tags of the scalars and the pictures that TensorBoard finds."""
    found = {}
    for path in (run / "tensorboard").glob("events*"):
        for record in tf.data.TFRecordDataset(str(path)):
            for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value:
                found.setdefault(value.tag, []).append(value.tensor)
    return found


def picture(value):
    """The picture that TensorBoard shows."""
    width, height, encoded = value.string_val
    pixels = tf.io.decode_png(encoded).numpy()
    assert pixels.shape == (int(height), int(width), 3)
    return pixels


@pytest.mark.slow
def test_pictures_for_tensorboard(trained):
    """Sides of 64: a film and two outlines; four patches alone, with our map and tf-explain's."""
    expected = {
        "segmentation": {"mask/0": (64, 192), "training/films": (64, 256)},
        "classification": {
            "films/normal": (512, 512),
            "patches/normal": (192, 256),
            "patches/viral": (192, 256),
            "training/patches": (64, 256),
        },
    }
    for task, shapes in expected.items():
        found = events(trained[task])
        for tag, shape in shapes.items():
            assert len(found[tag]) == 2, f"{tag}: one an epoch"
            for value in found[tag]:
                pixels = picture(value)
                assert pixels.shape[:2] == shape and pixels.std() > 5.0, tag
    rows = np.split(picture(found["patches/viral"][-1]), 3)
    assert (rows[0] == rows[0][..., :1]).all(), "the patches alone are grey"
    assert all((row != rows[0]).any() for row in rows[1:])


@pytest.mark.slow
def test_figures_of_each_evaluation(trained):
    curves = ["confusion", "roc", "precision_recall"]
    for task, names in (("segmentation", ["confusion"]), ("classification", curves)):
        found = events(trained[task])
        assert [tag for tag in found if tag.startswith("evaluation/")] == [
            f"evaluation/{name}" for name in names
        ]
        for name in names:
            assert len(found[f"evaluation/{name}"]) == 2, "one an evaluation"
            assert picture(found[f"evaluation/{name}"][0]).std() > 5.0
    for name in ("validation_auc_", "validation_average_precision_"):
        areas = {tag: values for tag, values in found.items() if name in tag}
        assert areas and all(0.0 <= tf.make_ndarray(v) <= 1.0 for vs in areas.values() for v in vs)


@pytest.mark.slow
def test_histograms_of_weights_and_activations(trained):
    """Every kernel and every ReLU; a bucket is its limits and a count."""
    found = events(trained["segmentation"])
    network = trained_model(trained["segmentation"])
    kernels = [w for w in network.trainable_variables if w.path.endswith("/kernel")]
    relus = [layer for layer in network.layers if "ReLU" in type(layer).__name__]
    weights = {tag: tf.make_ndarray(found[tag][-1]) for tag in found if tag.startswith("weights/")}
    assert len(weights) == len(kernels)
    for kernel in kernels:
        buckets = weights[f"weights/{kernel.path.removesuffix('/kernel')}"]
        values = np.asarray(kernel)
        assert buckets[:, 2].sum() == values.size
    activations = [tag for tag in found if tag.startswith("activations/")]
    assert len(activations) == len(relus) + 1
    assert tf.make_ndarray(found[f"activations/{relus[0].name}"][-1])[0, 0] == 0.0
    others = events(trained["classification"])
    assert not any(tag.startswith(("weights/", "activations/")) for tag in others)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["segmentation", "classification"])
def test_scalars_for_tensorboard(trained, task):
    found = events(trained[task])
    score = {"segmentation": "jaccard", "classification": "f1"}[task]
    assert {"step/loss", "step/rate", "epoch/loss", f"epoch/validation_{score}"} <= found.keys()
    assert len(found["epoch/loss"]) == 2
    assert all(np.isfinite(tf.make_ndarray(value)) for value in found["step/loss"])


@pytest.mark.slow
def test_profile_is_written(trained):
    (trace,) = (trained["segmentation"] / "tensorboard").rglob("*.xplane.pb")
    assert traced_steps(trace) == [1, 2]  # first and last are both in it
    assert not list((trained["classification"] / "tensorboard").rglob("*.xplane.pb"))


def traced_steps(path):
    """Numbers of the steps that a profile marks."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace.FromString(path.read_bytes())
    found = set()
    for plane in space.planes:
        for event in (event for line in plane.lines for event in line.events):
            if plane.event_metadata[event.metadata_id].name.startswith("train"):
                names = {plane.stat_metadata[x.metadata_id].name: x for x in event.stats}
                if "step_num" in names:
                    value = names["step_num"]
                    found.add(value.int64_value or value.uint64_value)
    return sorted(found)


@pytest.fixture(scope="module")
def three_sources(tmp_path_factory):
    """Phantoms of three sources; those of one cannot be read. And the same without that one."""
    out = tmp_path_factory.mktemp("sources")
    write_manifest_layout(out / "all", 40, 0, 160, sources=3)
    rows = read_manifest(out / "all" / "manifest.csv").rows
    kept = tuple(row for row in rows if row.source != "phantom-b")
    assert {row.split_classification for row in set(rows) - set(kept)} == {"train", "validation"}
    for row in set(rows) - set(kept):
        for path in (row.path, *row.masks.values()):
            path.write_bytes(b"no film")
    write_manifest(Manifest(out / "kept.csv", kept), out / "kept.csv")
    return out


@pytest.mark.slow
@pytest.mark.parametrize("task", ["segmentation", "classification"])
def test_no_film_of_a_left_out_source_is_learnt_from(
    three_sources, task, tmp_path, fake_segmentation, capfd
):
    """Weights, statistics of batch norm and validation as if these films were not there."""
    words = {"segmentation": segmentation, "classification": classification}[task]
    masks = (fake_segmentation,) if task == "classification" else ()
    options = ("--deterministic", "--images-every", 0, "--epochs", 1, "--steps-per-epoch", 2)
    whole, left = three_sources / "all", ("--leave-out", "phantom-b")
    assert main(words(whole, tmp_path / "refused", *masks, *options)) == 2
    assert "phantom-0" in capfd.readouterr().err
    assert main(words(whole, tmp_path / "left", *masks, *options, *left)) == 0
    assert main(words(three_sources / "kept.csv", tmp_path / "kept", *masks, *options)) == 0
    assert_same_run(tmp_path / "left", tmp_path / "kept")
    facts = json.loads((tmp_path / "left" / "data.json").read_text())
    assert facts["sources"] == ["phantom-a", "phantom-c"] and facts["sources_known"] is True
    assert read_run(tmp_path / "left").leave_out == ("phantom-b",)
    assert main(words(whole, tmp_path / "left", *masks, *options)) == 2
    assert "leave_out" in capfd.readouterr().err


@pytest.mark.slow
def test_run_that_is_over_is_left_alone(trained, phantoms, capsys):
    run = trained["segmentation"]
    before = (run / "best.safetensors").stat()
    assert main(segmentation(phantoms, run, "--images-every", 1, "--deterministic")) == 0
    assert (run / "best.safetensors").stat() == before and len(history(run)) == 2


@pytest.mark.slow
def test_other_options_on_a_run_are_refused(trained, phantoms, capsys):
    run = trained["segmentation"]
    before = (run / "config.json").read_bytes()
    words = segmentation(phantoms, run, "--deterministic", "--learning-rate", "0.5", "--seed", 9)
    assert main(words) == 2
    message = capsys.readouterr().err
    assert "learning_rate: 0.003 -> 0.5" in message and "seed: 0 -> 9" in message
    assert "--out" in message
    assert (run / "config.json").read_bytes() == before


@pytest.mark.slow
def test_other_data_on_a_run_are_refused(trained, phantoms, capsys):
    facts = trained["segmentation"] / "data.json"
    known = facts.read_text()
    try:
        facts.write_text(json.dumps(json.loads(known) | {"fingerprint": "another"}))
        words = segmentation(phantoms, trained["segmentation"], "--deterministic")
        assert main(words) == 2
        assert "other data" in capsys.readouterr().err
    finally:
        facts.write_text(known)


def faulty(manifest, phantoms):
    """Write a manifest with a missing film, an unknown class and a patient in two splits."""
    with (phantoms / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for column in ("path", "mask_heart", "mask_left_lung", "mask_right_lung"):
            row[column] = str(phantoms / row[column])
        row["sha256"] = ""
    by_split = {row["split_classification"]: row for row in rows}
    by_split["train"]["patient_id"] = by_split["test"]["patient_id"] = "seen-twice"
    rows[0]["path"] = str(phantoms / "films" / "not-there.png")
    rows[1]["class"] = "headache"
    with manifest.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def test_faults_of_a_manifest_are_listed_before_training(
    phantoms, tmp_path, capsys, fake_segmentation
):
    manifest = tmp_path / "manifest.csv"
    faulty(manifest, phantoms)
    run = tmp_path / "run"
    assert main(classification(manifest, run, fake_segmentation)) == 2
    message = capsys.readouterr().err
    for fault in ("not-there.png", "headache", "seen-twice"):
        assert fault in message, message
    assert not run.exists()
    assert main(segmentation(manifest, run)) == 2
    message = capsys.readouterr().err
    assert "not-there.png" in message and "seen-twice" in message
    assert not run.exists()


def test_film_that_cannot_be_read_is_named(phantoms, tmp_path, capsys):
    manifest = tmp_path / "manifest.csv"
    text = (phantoms / "manifest.csv").read_text().replace("films/", f"{phantoms}/films/")
    manifest.write_text(text.replace("masks/", f"{phantoms}/masks/"))
    broken = read_manifest(manifest).rows[0]
    (tmp_path / "broken.png").write_bytes(broken.path.read_bytes()[:-300])
    text = manifest.read_text().replace(str(broken.path), str(tmp_path / "broken.png"))
    manifest.write_text(text)
    assert main(segmentation(manifest, tmp_path / "run")) == 2
    assert "broken.png" in capsys.readouterr().err


@pytest.fixture
def own_phantoms(phantoms, tmp_path):
    """A copy of the films, to be spoilt."""
    return Path(shutil.copytree(phantoms, tmp_path / "data"))


#: How a file is spoilt, and what is said of it.
SPOILT = {
    "vanished": lambda path: path.unlink(),
    "changed": lambda path: path.write_bytes(path.read_bytes()[:-300]),
}


@pytest.mark.parametrize(
    ("column", "split", "role", "how"),
    [
        ("path", "train", "film", "vanished"),
        ("path", "validation", "film", "changed"),
        ("mask_heart", "validation", "heart mask", "vanished"),
        ("mask_right_lung", "train", "right lung mask", "changed"),
    ],
)
def test_what_vanishes_or_breaks_during_a_run_is_named_once(
    own_phantoms, tmp_path, monkeypatch, capfd, column, split, role, how
):
    from cxr_tf.training import run as module

    manifest = read_manifest(own_phantoms / "manifest.csv")
    path = getattr(list(manifest.select("segmentation", split))[-1], column)

    def check_then_spoil(*arguments):
        validate(*arguments)
        SPOILT[how](path)

    monkeypatch.setattr(module, "validate", check_then_spoil)
    assert main(segmentation(own_phantoms, tmp_path / "run")) == 1
    told = [line for line in capfd.readouterr().err.splitlines() if path.name in line]
    (line,) = [line for line in told if str(path) in line]
    assert f"{path}: {role} of the split '{split}' {how} during the run: " in line
    assert "restore the file" in line and "the same command goes on" in line
    assert not (tmp_path / "run" / "config.json").exists()


@pytest.mark.parametrize("how", SPOILT)
def test_a_film_that_vanishes_while_masks_are_predicted_is_named(
    own_phantoms, tmp_path, monkeypatch, capfd, fake_segmentation, how
):
    from cxr_tf.training import run as module

    manifest = read_manifest(own_phantoms / "manifest.csv")
    path = list(manifest.select("classification", "train"))[0].path

    def check_then_spoil(*arguments):
        validate(*arguments)
        SPOILT[how](path)

    monkeypatch.setattr(module, "validate", check_then_spoil)
    assert main(classification(own_phantoms, tmp_path / "run", fake_segmentation)) == 1
    (line,) = [line for line in capfd.readouterr().err.splitlines() if str(path) in line]
    assert f"{path}: film of the split 'train' {how} during the run" in line


def test_a_mask_that_was_never_whole_is_a_fault_of_the_data(own_phantoms, tmp_path, capfd):
    path = read_manifest(own_phantoms / "manifest.csv").select("segmentation", "train").rows[0]
    path.mask_left_lung.write_bytes(b"no mask")
    assert main(segmentation(own_phantoms, tmp_path / "run")) == 2
    (line,) = [x for x in capfd.readouterr().err.splitlines() if str(path.mask_left_lung) in x]
    assert "left lung mask of the split 'train'" in line and "take it out of the manifest" in line


@pytest.mark.slow
def test_a_film_that_is_gone_when_a_run_goes_on_is_named(own_phantoms, tmp_path, capfd):
    words = segmentation(own_phantoms, tmp_path / "run", "--stop-after-steps", 1)
    assert main(words) == 0
    path = read_manifest(own_phantoms / "manifest.csv").select("segmentation", "train").rows[0].path
    path.unlink()
    capfd.readouterr()
    assert main(words) == 1
    (line,) = [line for line in capfd.readouterr().err.splitlines() if str(path) in line]
    assert "is gone now" in line and "film is missing" in line


@pytest.mark.slow
def test_a_rate_that_overflows_ends_the_run_with_a_line(phantoms, tmp_path, capfd):
    run = tmp_path / "run"
    words = segmentation(phantoms, run, "--learning-rate", "1e38", "--schedule", "constant")
    for _ in range(2):  # the same command goes on from the checkpoint, and ends there again
        assert main(words) == 1
        (line,) = [x for x in capfd.readouterr().err.splitlines() if x.startswith("error: ")]
        assert "in step 2 of epoch 1, at a learning rate of 1e+38" in line
        assert "--learning-rate (such as 1e+37)" in line and "look at the data" in line
        assert "checkpoint of the start of epoch 1 is kept" in line
    assert list((run / "checkpoints").glob("*.index"))
    assert not (run / "best.safetensors").exists()


@pytest.mark.slow
def test_options_come_from_a_file(trained, phantoms, tmp_path):
    """A run's config.json, then the line: the same training into another folder."""
    file = trained["segmentation"] / "config.json"
    words = ["segmentation", "--config", str(file), "--out", str(tmp_path / "run")]
    pictures = ["--images-every", "0", "--histograms-every", "0", "--profile", ""]
    assert main([*words, *pictures, "--tensorboard"]) == 0
    assert_same_run(trained["segmentation"], tmp_path / "run")


def parsed(*words):
    return parse_arguments([*map(str, words), "--out", "run"])


def test_the_line_wins_over_the_file_and_the_file_over_the_preset(tmp_path):
    file = tmp_path / "my.json"
    file.write_text('{"data": "films", "seed": 4, "l2": 1, "devices": ["GPU:0"], "epochs": 7}')
    found = parsed("segmentation", "--config", file, "--preset", "paper", "--epochs", 9)
    paper = PRESETS["segmentation"]["paper"]
    assert (found.preset, found.data, found.seed, found.epochs) == ("paper", "films", 4, 9)
    assert (found.l2, found.devices, found.config) == (1.0, ("GPU:0",), str(file))
    assert found.schedule == paper.schedule != PRESETS["segmentation"]["improved"].schedule
    file.write_text('{"data": "films", "preset": "demo", "augment": false}')
    found = parsed("classification", f"--config={file}")
    assert found.network == "resnet18_small" and not found.augment
    assert parsed("classification", f"--config={file}", "--augment").augment


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no options can be read"),
        ("{", "no JSON"),
        ("[]", "no JSON object"),
        ('{"epocs": 3}', "unknown options epocs"),
        ('{"task": "classification", "epochs": 3}', "of the task 'classification'"),
        ('{"epochs": "many"}', 'epochs is "many"; give a whole number'),
        ('{"epochs": true}', "epochs is true; give a whole number"),
        ('{"augment": 1}', "augment is 1; give true or false"),
        ('{"learning_rate": null}', "learning_rate is null; give a number"),
        ('{"schedule": "zigzag"}', "give one of constant, plateau, cosine"),
        ('{"class_weights": [1, 2]}', "give a list of 4 numbers"),
        ('{"devices": "GPU:0"}', "give a list of texts"),
        ('{"preset": "best"}', "give one of paper, improved, demo"),
    ],
)
def test_a_file_of_options_that_cannot_be_used_is_named(tmp_path, capsys, content, message):
    file = tmp_path / "options.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SystemExit) as stopped:
        parsed("segmentation", "--config", file, "--data", "x", "--preset", "demo")
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(file) in line and message in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "usage"),
        (["both"], "usage"),
        (["segmentation", "--out", "run"], "--data"),
        (["segmentation", "--data", "x"], "--out"),
        (["segmentation", "--data", "x", "--out", "run", "--epocs", "3"], "epocs"),
        (["segmentation", "--data", "x", "--out", "run", "--preset", "best"], "preset"),
    ],
)
def test_wrong_usage(words, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    captured = capsys.readouterr()
    assert message in captured.err + captured.out


def test_what_is_not_there_is_named(tmp_path, capsys, phantoms):
    assert main(segmentation(tmp_path / "none", tmp_path / "run")) == 2
    assert "none" in capsys.readouterr().err
    assert main(command("classification", phantoms, tmp_path / "run")) == 2
    assert "--segmentation" in capsys.readouterr().err
    words = classification(phantoms, tmp_path / "run", tmp_path / "no-run")
    assert main(words) == 2
    assert "no-run" in capsys.readouterr().err
    for size in (0, 500, 4096):
        words = classification(phantoms, tmp_path / "run", tmp_path, "--film-size", size)
        assert main(words) == 2
        assert f"--film-size {size}: give a multiple of 256" in capsys.readouterr().err
    words = segmentation(phantoms, tmp_path / "run", "--start-from", tmp_path / "none.safetensors")
    assert main(words) == 2
    assert "none.safetensors" in capsys.readouterr().err
    assert main(segmentation(phantoms, tmp_path / "run", "--batch-size", 100)) == 2
    assert "--batch-size" in capsys.readouterr().err
    assert not (tmp_path / "run").exists(), "the corrected command is not another run"
    assert main(segmentation(phantoms, tmp_path / "other", "--profile", "late")) == 2
    assert "--profile" in capsys.readouterr().err


LOST_FILM = tf.errors.UnknownError(
    None, None, f"{{{{node}}}} Trace\nOSError: a.npy: {LOST} (No)\n..."
)


@pytest.mark.parametrize(
    ("end", "status", "message"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGTERM), 143, "goes on from the last checkpoint"),
        (lambda: os.kill(os.getpid(), signal.SIGINT), 130, "goes on from the last checkpoint"),
        (lambda: (_ for _ in ()).throw(OSError(28, "disk full")), 1, "disk full; once that is"),
        (lambda: (_ for _ in ()).throw(LOST_FILM), 1, f"error: a.npy: {LOST} (No); the same comm"),
    ],
)
def test_what_ended_a_training_is_its_exit_status(monkeypatch, capsys, end, status, message):
    monkeypatch.setattr("cxr_tf.training.run.train", lambda *_: end())
    assert main(["segmentation", "--data", "x", "--out", "y"]) == status
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_training_that_wrote_its_checkpoint_names_the_signal(monkeypatch, number, status):
    def train(_, stops):
        with stops.deferred():
            os.kill(os.getpid(), number)
        return False

    monkeypatch.setattr("cxr_tf.training.run.train", train)
    assert main(["segmentation", "--data", "x", "--out", "y"]) == status


def test_preset_gives_the_values_of_all_other_options():
    for task, presets in PRESETS.items():
        for name, config in presets.items():
            found = parse_arguments([task, "--preset", name, "--data", "x", "--out", "y"])
            assert found == type(config)(**{**vars(config), "data": "x", "out": "y"})
            assert found.preset == name
    found = parse_arguments(["segmentation", "--preset=paper", "--data=x", "--out=y", "--l2=3"])
    assert found.l2 == 3.0 and found.learning_rate == 1e-4 and not found.augment


def test_paper_preset_has_the_paper_s_numbers():
    segment, classify = PRESETS["segmentation"]["paper"], PRESETS["classification"]["paper"]
    assert isinstance(segment, SegmentationTrainingOptions)
    assert isinstance(classify, ClassificationTrainingOptions)
    assert (segment.network, segment.batch_size) == ("fc_densenet103", 2)
    assert (segment.learning_rate, segment.l2, segment.schedule) == (1e-4, 1e-6, "plateau")
    assert segment.class_weights == (0.5, 1.0, 1.0, 1.0) and segment.dropout == 0.2
    assert (classify.network, classify.batch_size) == ("resnet18", 16)
    assert (classify.learning_rate, classify.epochs, classify.patience) == (1e-5, 100, 50)
    assert (classify.l2, classify.l1, classify.scaling) == (0.1, 1e-5, "raw255")


def test_options_are_read_back(tmp_path):
    config = SegmentationTrainingOptions(
        seed=3, devices=("CPU:0",), class_weights=(1.0, 2.0, 3.0, 4.0)
    )
    config.save(tmp_path / "config.json")
    assert read_run(tmp_path) == config
    values = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(values | {"magic": 1}))
    with pytest.raises(ValueError, match="magic"):
        read_run(tmp_path)


def test_help_answers_without_tensorflow():
    code = (
        "import sys; from cxr_tf.train import main\n"
        "try: main(['segmentation', '--help'])\n"
        "except SystemExit as stop: assert not stop.code\n"
        "assert 'tensorflow' not in sys.modules"
    )
    text = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    assert "--learning-rate" in text and "--deterministic" in text


def test_a_worker_that_is_gone_is_told_in_a_line(monkeypatch, capsys, tmp_path):
    def fails(*_):
        raise tf.errors.UnavailableError(None, None, "Connection reset by peer\nmore of it")

    monkeypatch.setattr("cxr_tf.training.run.train", fails)
    arguments = ["segmentation", "--data", "films", "--out", str(tmp_path / "run")]
    config = {"cluster": {"worker": ["localhost:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert "another worker is gone (Connection reset by peer); start all workers" in told
    monkeypatch.delenv("TF_CONFIG")
    with pytest.raises(tf.errors.UnavailableError):
        main(arguments)
