"""Two devices and two workers take the same steps as one device."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tools.launch_workers import configurations, free_ports
from tools.phantoms.layouts import write_manifest_layout

REPOSITORY = Path(__file__).parents[3]
SCRIPT = Path(__file__).with_name("three_steps.py")
SECONDS = 400


def start(kind, devices, out, **variables):
    """Start the helper in a process of its own; TensorFlow fixes its devices once a process."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "CUDA_VISIBLE_DEVICES": ""}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "2", **variables}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), kind, str(devices), str(out)],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(processes):
    """Wait for the processes; where one fails show what it wrote, and leave none behind."""
    try:
        for process in processes:
            text, _ = process.communicate(timeout=SECONDS)
            assert process.returncode == 0, text
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module", params=["segmentation", "classification"])
def kind(request):
    return request.param


def read(out):
    with np.load(out) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def alone_and_two(kind, tmp_path_factory):
    """What one device and two devices came to."""
    outs = [tmp_path_factory.mktemp(kind) / f"{devices}.npz" for devices in (1, 2)]
    finish([start(kind, devices, out) for devices, out in zip((1, 2), outs, strict=True)])
    return tuple(map(read, outs))


def relative(difference, whole):
    return np.linalg.norm(difference) / np.linalg.norm(whole)


def assert_same_training(one, several):
    assert set(one) == set(several)
    assert one["replicas"] == 1 and several["replicas"] == 2
    np.testing.assert_allclose(several["losses"], one["losses"], rtol=0, atol=1e-5)
    for name in one:
        kind, _, path = name.partition(" ")
        if kind == "first":
            np.testing.assert_array_equal(several[name], one[name], err_msg=name)
        elif kind in ("weight", "average", "evaluated"):
            np.testing.assert_allclose(several[name], one[name], 0, 1e-4, err_msg=name)
        elif kind == "gradient":
            # Adam hides a wrong factor in the gradient; its momentum does not.
            assert relative(several[name] - one[name], one[name]) < 0.05, name
        if kind == "weight":
            # The way gone is shorter than that bound, so it is compared itself as well. One
            # rectifier that rounding switches may turn it by a few per cent.
            moved = one[name] - one[f"first {path}"]
            assert relative(several[name] - one[name], moved) < 0.3, name


@pytest.mark.slow
def test_two_devices_against_one(alone_and_two):
    assert_same_training(*alone_and_two)


@pytest.mark.slow
def test_two_workers_against_one(kind, alone_and_two, tmp_path):
    outs = [tmp_path / f"worker{index}.npz" for index in range(2)]
    texts = configurations(free_ports(2))
    finish([start(kind, 1, out, TF_CONFIG=text) for out, text in zip(outs, texts, strict=True)])
    results = [read(out) for out in outs]
    for index, result in enumerate(results):
        assert_same_training(alone_and_two[0], result)
        assert result["worker"].tolist() == [index, 2]
    for name in results[0]:
        if name.startswith(("weight", "average")) or name == "losses":
            np.testing.assert_array_equal(results[0][name], results[1][name], err_msg=name)


@pytest.mark.slow
def test_an_overflow_on_one_device_skips_the_step_on_both():
    """In float16 the step is not taken, and the scale of the loss is halved."""
    found = subprocess.run(
        [sys.executable, "-m", "tests.cxr_tf.training.one_overflow"],
        cwd=REPOSITORY,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert found.returncode == 0, found.stderr
    before, after, kept = json.loads(found.stdout.splitlines()[-1])
    assert after == before / 2 and kept


@pytest.mark.slow
def test_two_workers_end_at_the_step_whose_loss_is_not_finite(tmp_path):
    write_manifest_layout(tmp_path / "data", 12, 0, 160)
    words = ["segmentation", "--preset", "demo", "--data", str(tmp_path / "data"), "--size", "64"]
    words += ["--batch-size", "2", "--learning-rate", "1e38", "--schedule", "constant"]
    words += ["--out", str(tmp_path / "run")]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "cxr_tf.train", *words],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TF_CONFIG": text},
            cwd=REPOSITORY,
            stderr=subprocess.PIPE,
            text=True,
        )
        for text in configurations(free_ports(2))
    ]
    try:
        said = [process.communicate(timeout=SECONDS)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    for process, text in zip(processes, said, strict=True):
        assert process.returncode == 1 and "Traceback" not in text, text
        (line,) = [x for x in text.splitlines() if x.startswith("error: ")]
        assert "in step 2 of epoch 1, at a learning rate of 1e+38" in line
    assert list((tmp_path / "run" / "checkpoints").glob("*.index"))
