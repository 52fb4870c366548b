"""TF_CONFIG before TensorFlow gets it."""

import json
import os
import subprocess
import sys

import pytest

from cxr_tf.runtime.errors import UsageError
from cxr_tf.train import main
from cxr_tf.training.cluster import read_cluster

TWO = ["localhost:29511", "localhost:29512"]


def config(cluster=None, **task):
    return {
        "cluster": {"worker": TWO} if cluster is None else cluster,
        "task": {"type": "worker", "index": 0} | task,
    }


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_blank_counts_as_unset(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    assert read_cluster() is None
    assert "TF_CONFIG" not in os.environ, "TensorFlow would take it for JSON"
    assert read_cluster() is None


@pytest.mark.parametrize(
    "given",
    [
        config(),
        config(index=1),
        config(index="1"),
        config({"chief": ["a:1"], "worker": ["b:1"]}, type="chief"),
        config({"worker": ["[::1]:2222"]}),
        config() | {"environment": "cloud"},
    ],
)
def test_workers_are_read(monkeypatch, given):
    monkeypatch.setenv("TF_CONFIG", json.dumps(given))
    assert read_cluster() == given["cluster"]
    assert json.loads(os.environ["TF_CONFIG"]) == given


FAULTS = [
    ('{"cluster": ', "no JSON"),
    ("worker:0", "no JSON"),
    ("[" * 100_000, "no JSON"),
    ("[]", r"no object but \[\]"),
    ("null", "no object but null"),
    ('"worker"', "no object"),
    ("3", "no object but 3"),
    ({}, "no 'cluster'"),
    ({"cluster": {"worker": TWO}}, "no 'task'"),
    ({"task": {"type": "worker", "index": 0}}, "no 'cluster'"),
    ({"cluster": {"worker": TWO}, "task": []}, "'task' is no object"),
    ({"cluster": TWO, "task": {}}, "'cluster' is no object"),
    (config({}), "names nobody"),
    ({"cluster": {"worker": TWO}, "task": {"index": 0}}, "no 'type'"),
    ({"cluster": {"worker": TWO}, "task": {"type": "worker"}}, "no 'index'"),
    (config(type="boss"), 'task type "boss" is unknown'),
    (config(type="evaluator"), 'task type "evaluator" is unknown'),
    (config(type=None), "task type null is unknown"),
    (config(type="chief"), "the task is a chief, but 'cluster' names none"),
    (config({"ps": ["a:1"], "worker": TWO}), 'task type "ps" is unknown'),
    (config({"chief": TWO, "worker": ["a:1"]}), "more than one chief"),
    (config(index=2), "index of the task is 2, but 'cluster' names 2 workers"),
    (config({"worker": TWO[:1]}, index=1), "is 1, but 'cluster' names 1 worker, counted"),
    (config(index=-1), "index of the task is -1"),
    (config(index="one"), 'index "one" of the task is no integer'),
    (config(index=0.5), "index 0.5 of the task is no integer"),
    (config(index=True), "index true of the task is no integer"),
    (config(index=None), "index null of the task is no integer"),
    (config(index=[0]), r"index \[0\] of the task is no integer"),
    (config({"worker": []}), "addresses of 'worker' are no list"),
    (config({"worker": "localhost:1"}), "addresses of 'worker' are no list"),
    (config({"worker": ["localhost"]}), '"localhost" of a worker is not HOST:PORT'),
    (config({"worker": ["localhost:port"]}), "is not HOST:PORT"),
    (config({"worker": ["localhost:99999"]}), "is not HOST:PORT"),
    (config({"worker": [1]}), "address 1 of a worker is not HOST:PORT"),
    (config({"worker": ["a:1", "a:1"]}), "'a:1' stands in it twice"),
]


@pytest.mark.parametrize(("given", "message"), FAULTS)
def test_what_cannot_be_used_is_one_line_and_status_2(monkeypatch, capsys, given, message):
    monkeypatch.setenv("TF_CONFIG", given if isinstance(given, str) else json.dumps(given))
    with pytest.raises(UsageError, match=message):
        read_cluster()
    assert main(["segmentation", "--data", "films", "--out", "run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "TF_CONFIG cannot be used: " in line and "unset it" in line and len(line) < 700


def test_it_is_told_before_tensorflow_is_there():
    code = (
        "import sys; from cxr_tf.train import main\n"
        "assert main(['segmentation', '--data', 'x', '--out', 'y']) == 2\n"
        "assert 'tensorflow' not in sys.modules"
    )
    environment = os.environ | {"TF_CONFIG": "[]"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
