"""Two Ray workers write the table that one process writes, whatever dies on the way."""

import contextlib
import dataclasses
import json
import os
import signal
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest

from cxr_tf import score
from cxr_tf.films.inputs import Input
from cxr_tf.films.prediction import Prediction
from cxr_tf.films.rows import score_columns
from cxr_tf.measures.wilson import wilson
from cxr_tf.method.closeness import outputs_of_votes
from cxr_tf.method.vote_options import VoteOptions
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.scoring.options import ScoreOptions
from cxr_tf.scoring.ray import engine
from cxr_tf.scoring.ray.worker import Job, PartScorer
from cxr_tf.scoring.resume import STATE
from pipelines.films import Film
from tests.cards import made_up_card
from tests.cxr_tf.fake_runs import film, jpeg, png

QUIET = Reporter(quiet=True)
CLASSES = ("normal", "ill")


@pytest.fixture(scope="module")
def cluster():
    """Two CPUs of this machine, whoever asks for a cluster."""
    ray = pytest.importorskip("ray")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            object_store_memory=128 << 20,
        )
        yield ray
        ray.shutdown()


@pytest.fixture
def films(tmp_path):
    """Films of two formats, and one that is cut off."""
    folder = tmp_path / "films"
    folder.mkdir()
    for seed in range(4):
        (folder / f"{seed}.png").write_bytes(png(film(seed, 200)))
    (folder / "4.jpg").write_bytes(jpeg(film(5, 200)))
    (folder / "5.png").write_bytes(png(film(6, 200))[:-90])
    return folder


def stub_load(marker="", deadly=-1):
    """A function that loads a model without TensorFlow, which Ray can take to a worker.

    The first worker that sees a film of the grey level `deadly` is killed, once.
    """

    def load(_):
        class Stub:
            def predict(self, pixels, padding, vote):
                patches = vote.patches
                grey = int(pixels[0, 0])
                if grey == deadly and not os.path.exists(marker):
                    with open(marker, "w"):
                        os.kill(os.getpid(), signal.SIGKILL)
                votes = np.array([patches - grey % 3, grey % 3], np.int32)
                means = np.array([0.75, 0.25], np.float32)
                return Prediction(
                    "ok", "normal", 0, votes, means, 1.0, 0.25, patches, "stub-1",
                    -1.0, -1.0, means, np.ones(2, np.int32), False, "",
                    **outputs_of_votes(votes, 0, patches), decision="normal",
                )  # fmt: skip

        return Stub()

    return load


class Watch(Reporter):
    """Interrupts at a film, and looks at what Python's objects hold at every hundredth."""

    def __init__(self, interrupt_at=-1):
        super().__init__(quiet=True)
        self.films, self.interrupt_at, self.kilobytes = 0, interrupt_at, []

    def film(self, *_):
        self.films += 1
        if self.films % 100 == 0:
            self.kilobytes.append(tracemalloc.get_traced_memory()[0] // 1024)
        if self.films == self.interrupt_at:
            raise KeyboardInterrupt


def run_stub(tmp_path, films, load=None, reporter=QUIET, **changes):
    """Score films that are numbers by a stub."""
    folder = tmp_path / "model"
    folder.mkdir(exist_ok=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    options = ScoreOptions(inputs=("x",), model=folder, out=out, engine="ray", workers=2, **changes)
    parts = engine.list_parts((Input(Path(f"{number}.png")) for number in range(films)), out)
    card = made_up_card(CLASSES, model_version="stub-1")

    def read(path):  # here, so that it goes to a worker as it is
        pixels = np.full((2, 2), int(path.stem) % 65536, np.uint16)
        return Film(pixels, -1, "ok", "", "png")

    return engine.score_on_ray(parts, card, folder, options, reporter, load or stub_load(), read)


def expected(films):
    """The table of `run_stub`."""
    lines = [",".join(score_columns(CLASSES))]
    for number in range(films):
        ill = number % 65536 % 3
        votes = f"{100 - ill},{ill},0.750000,0.250000,1.000000,0.250000,100"
        low, high = wilson(100 - ill, 100)
        later = f"{low:.6f},{high:.6f},-1.000000,-1.000000,0.750000,0.250000,normal|ill,0,"
        later += f",{(100 - 2 * ill) / 100:.6f},normal"
        lines.append(f"{number}.png,ok,normal,{votes},0,stub-1,,{later}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def no_ray(monkeypatch):
    """Workers without Ray, in this process: one, which takes part after part."""

    def blocks(parts, done, job, *_):
        scorer = PartScorer(job)
        for number, films in parts.left(done):
            found = scorer({"part": [number], "films": [json.dumps(films)]})
            yield pyarrow.table(found)

    pyarrow = pytest.importorskip("pyarrow")
    monkeypatch.setattr(engine, "_cluster", lambda _: contextlib.nullcontext((1, 1, 0)))
    monkeypatch.setattr(engine, "_blocks", blocks)


@pytest.mark.slow
def test_two_workers_write_what_one_process_writes(cluster, films, exported, tmp_path):
    wanted = ScoreOptions(inputs=(str(films),), model=exported, out=tmp_path / "here", seed=3)
    assert score.run(wanted, QUIET) == 1
    there = dataclasses.replace(wanted, out=tmp_path / "there", engine="ray", workers=2)
    assert score.run(there, QUIET) == 1
    assert (there.out / "scores.csv").read_bytes() == (wanted.out / "scores.csv").read_bytes()
    assert {path.name for path in there.out.iterdir()} == {"scores.csv", "run.json"}
    records = [json.loads((each.out / "run.json").read_text()) for each in (wanted, there)]
    for name in ("counts", "outputs", "inputs", "model", "exit_status"):
        assert records[0][name] == records[1][name]


@pytest.mark.slow
def test_of_a_long_list_a_killed_worker_loses_nothing_and_memory_does_not_grow(cluster, tmp_path):
    films, marker, watch = 10_000, tmp_path / "killed", Watch()
    tracemalloc.start()
    try:
        outcome = run_stub(tmp_path, films, stub_load(str(marker), 3_000), watch)
    finally:
        tracemalloc.stop()
    assert marker.exists() and outcome.complete and outcome.films == watch.films == films
    assert (tmp_path / "out" / "scores.csv").read_text() == expected(films)
    # In KiB. Half of the films as paths alone would take 1,000, their rows 5,000 and more.
    middle = len(watch.kilobytes) // 2
    assert max(watch.kilobytes) - watch.kilobytes[middle] < 300


def test_a_run_that_was_stopped_goes_on_to_the_same_table(no_ray, tmp_path):
    stopped = run_stub(tmp_path, 200, reporter=Watch(interrupt_at=50))
    assert not stopped.complete and 50 <= stopped.films < 60 and stopped.stop_status == 130
    assert stopped.outputs == {"scores.parts": {"rows": stopped.films}}
    watch = Watch()
    outcome = run_stub(tmp_path, 200, reporter=watch)
    assert outcome.complete and outcome.resumed == stopped.films == 200 - watch.films
    assert (tmp_path / "out" / "scores.csv").read_text() == expected(200)
    for each in outcome.kept:
        each.drop()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"scores.csv", STATE}


def test_a_part_that_was_being_written_is_scored_again(no_ray, tmp_path):
    run_stub(tmp_path, 200, reporter=Watch(interrupt_at=50))
    (tmp_path / "out/scores.parts/00000060.new").write_text("180.png,ok")
    assert run_stub(tmp_path, 200).complete
    assert (tmp_path / "out" / "scores.csv").read_text() == expected(200)


@pytest.mark.parametrize("changes", [{"seed": 4}, {"patches": 7}, {"fast": True}])
def test_parts_of_another_run_are_never_mixed_in(no_ray, tmp_path, changes):
    run_stub(tmp_path, 200, reporter=Watch(interrupt_at=50))
    with pytest.raises(UsageError, match=f"differs in {next(iter(changes))}"):
        run_stub(tmp_path, 200, **changes)
    with pytest.raises(UsageError, match="differs in inputs_sha256"):
        run_stub(tmp_path, 201)
    (tmp_path / "model" / "variables").write_bytes(b"other")
    with pytest.raises(UsageError, match="differs in model_sha256"):
        run_stub(tmp_path, 200)
    watch = Watch()
    assert run_stub(tmp_path, 200, reporter=watch, restart=True, **changes).complete
    assert watch.films == 200


def test_a_part_with_other_films_is_refused(no_ray, tmp_path):
    run_stub(tmp_path, 200, reporter=Watch(interrupt_at=50))
    part = tmp_path / "out/scores.parts/00000000.csv"
    part.write_text(part.read_text().replace("1.png", "7.png"))
    with pytest.raises(UsageError, match="00000000.csv has been changed"):
        run_stub(tmp_path, 200)


def test_parts_that_a_complete_run_left_behind_count_for_nothing(no_ray, tmp_path):
    run_stub(tmp_path, 200, seed=9)
    (tmp_path / "out" / STATE).unlink()  # as if killed before its parts were removed
    assert run_stub(tmp_path, 200).resumed == 0
    assert (tmp_path / "out" / "scores.csv").read_text() == expected(200)


def test_another_model_on_a_worker_is_refused(tmp_path):
    job = Job(str(tmp_path), made_up_card(CLASSES), "0" * 64, VoteOptions(), False, 1)
    with pytest.raises(UsageError, match="not the same on every machine"):
        PartScorer(job)


@pytest.mark.parametrize(
    ("workers", "nodes", "expected"),
    [
        (0, [{"CPU": 2}], (1, 2, 0)),
        (0, [{"CPU": 16}], (4, 4, 0)),
        (2, [{"CPU": 2}], (2, 1, 0)),
        (1, [{"CPU": 4}, {"CPU": 4}], (1, 4, 0)),
        (0, [{"CPU": 32, "GPU": 4}, {"CPU": 32, "GPU": 4}], (8, 8, 1)),
        (0, [{"CPU": 4}, {}], (1, 4, 0)),
    ],
)
def test_a_cluster_is_shared_out(workers, nodes, expected):
    found = [{"Alive": True, "Resources": each} for each in nodes]
    found.append({"Alive": False, "Resources": {"CPU": 99}})
    assert engine._shares(workers, found) == expected


def test_more_workers_than_processors_are_refused():
    nodes = [{"Alive": True, "Resources": {"CPU": 2}}]
    with pytest.raises(UsageError, match="the cluster has 2 CPUs"):
        engine._shares(3, nodes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"engine": "ray", "overlays": True}, "writes scores alone"),
        ({"engine": "ray", "report": True}, "writes scores alone"),
        ({"engine": "ray", "patch_table": True}, "writes scores alone"),
        ({"engine": "ray", "keep_identifiers": True}, "writes scores alone"),
        ({"engine": "ray", "server": "http://host"}, "writes scores alone"),
        ({"engine": "ray", "ray_address": "ray://host:1"}, "auto or HOST:PORT"),
        ({"engine": "ray"}, r"cxr-tf\[distributed\]"),
        ({"workers": 2}, "for --engine ray"),
        ({"ray_address": "auto"}, "for --engine ray"),
        ({"engine": "ray", "workers": -1}, "give a number from 1"),
    ],
)
def test_wrong_usage(changes, message, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)  # nothing is installed
    wanted = ScoreOptions(inputs=("x",), model=tmp_path, out=tmp_path / "out", **changes)
    with pytest.raises(UsageError, match=message):
        score.run(wanted, QUIET)
