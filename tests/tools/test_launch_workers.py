"""Workers of one training, started together: all end, or none is left behind."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cxr_tf.runtime.stopping import Stops
from tools.launch_workers import configurations, launch, main

ROOT = Path(__file__).parents[2]


def script(text):
    return [sys.executable, "-c", f"import json, os, sys, time\n{text}"]


def test_every_worker_knows_the_cluster_and_its_own_place():
    texts = [json.loads(text) for text in configurations([5, 6])]
    for index, text in enumerate(texts):
        assert text["cluster"] == {"worker": ["localhost:5", "localhost:6"]}
        assert text["task"] == {"type": "worker", "index": index}


def test_what_workers_write_carries_their_number(capfd):
    text = "print('I am', json.loads(os.environ['TF_CONFIG'])['task']['index'])"
    assert launch(2, script(text), os.environ) == 0
    assert sorted(capfd.readouterr().err.splitlines()) == ["[0] I am 0", "[1] I am 1"]


def test_when_one_fails_the_others_are_stopped(capfd):
    text = "number = json.loads(os.environ['TF_CONFIG'])['task']['index']\n"
    wait = "sys.exit(7) if number else (time.sleep(60), print('slept to the end'))"
    assert launch(2, script(text + wait), os.environ, grace=5) == 7
    told = capfd.readouterr().err
    assert "worker 1 ended with status 7" in told and "slept to the end" not in told
    killed = "os.kill(os.getpid(), 9) if number else time.sleep(60)"
    assert launch(2, script(text + killed), os.environ, grace=5) == 1
    assert "worker 1 ended with SIGKILL" in capfd.readouterr().err


def test_a_signal_leaves_no_worker_behind(capfd):
    # Once both run: a signal while one is being started may leave it behind.
    text = "print(os.getpid(), flush=True); time.sleep(2)\n"
    text += "os.kill(os.getppid(), 15); time.sleep(60)"
    with Stops():
        assert launch(2, script(text), os.environ, grace=5) == 143
    told = capfd.readouterr().err
    assert "interrupted; stopping the workers" in told
    for line in told.splitlines():
        if line.startswith("["):
            assert not Path("/proc", line.split()[1]).exists()


def test_wrong_usage(capsys):
    for arguments in ([], ["2"], ["none", "segmentation"], ["0", "segmentation"]):
        assert main(arguments) == 2
    assert "launch_workers 2" in capsys.readouterr().err


@pytest.mark.slow
def test_a_training_whose_worker_dies_goes_on(tmp_path):
    """Two workers; one is killed in the middle; the same command finishes the run."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""}
    data, run = tmp_path / "data", tmp_path / "run"
    command = [
        sys.executable, "-m", "tools.launch_workers", "2", "segmentation", "--preset", "demo",
        "--data", str(data), "--out", str(run), "--size", "64", "--epochs", "1",
        "--checkpoint-steps", "1", "--no-tensorboard",
    ]  # fmt: skip
    subprocess.run(
        [sys.executable, "-m", "tools.phantoms", str(data), "--films", "16", "--size", "128"],
        cwd=ROOT, env=environment, check=True,
    )  # fmt: skip
    first = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 200
        while not list(run.glob("checkpoints/*.index")):
            assert time.monotonic() < deadline and first.poll() is None, first.stderr.read()
            time.sleep(0.1)
        os.kill(_worker(1, str(run)), signal.SIGKILL)
        _, text = first.communicate(timeout=120)
    finally:
        first.kill()
    assert first.returncode == 1
    assert "worker 1 ended with SIGKILL" in text
    again = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert again.returncode == 0, again.stderr
    assert "[0]" in again.stderr and "going on from epoch" in again.stderr
    with (run / "history.csv").open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0"]


def _worker(number, run):
    """Process of one worker of a run, found by its TF_CONFIG."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text().split("\0")
            variables = (folder / "environ").read_text().split("\0")
        except OSError:
            continue
        if run in command and "cxr_tf.train" in command:
            texts = [x.removeprefix("TF_CONFIG=") for x in variables if x.startswith("TF_CONFIG=")]
            if texts and json.loads(texts[0])["task"]["index"] == number:
                return int(folder.name)
    raise AssertionError(f"worker {number} is not running")
