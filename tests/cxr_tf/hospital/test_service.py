"""The node as a whole, beside what goes wrong around it."""

import errno
import os
import shutil
import urllib.error
import urllib.request
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from cxr_tf.hospital.films_folder import FilmsFolder
from tests.cxr_tf.fake_runs import film, png
from tests.cxr_tf.hospital.here import NodeHere, films_of
from tests.cxr_tf.scoring.server.stand_in import Answers, serve_rest
from tools.node import bench
from tools.node.other_side import Archive, send, write_films
from tools.node.running import free_port, until

pytest.importorskip("pynetdicom")
pytest.importorskip("cxr_tf.hospital.metrics")
pytest.importorskip("highdicom")


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return write_films(tmp_path_factory.mktemp("phantoms"), 2)


@pytest.fixture
def make(tmp_path, exported, from_python, monkeypatch):
    """Make a node that does not wait long before it tries again."""
    for module in ("sender", "work"):
        monkeypatch.setattr(f"cxr_tf.hospital.{module}.WAITS", (0.1,) * 5)
    monkeypatch.setattr("cxr_tf.hospital.keeper.INTERVAL", 0.1)
    nodes = []

    def made(**options):
        nodes.append(NodeHere(tmp_path / "node", exported, from_python, **options))
        return nodes[-1]

    yield made
    for node in nodes:
        node.__exit__(None, None, None)


def until_retried(node, cause):
    until(lambda: any(line.get("cause") == cause for line in node.said()), cause)


def test_a_folder_is_watched_and_its_films_stay(make, tmp_path, films, monkeypatch):
    monkeypatch.setattr("cxr_tf.hospital.watcher.INTERVAL", 0.2)
    watched = tmp_path / "watched"
    (watched / "sub").mkdir(parents=True)
    shutil.copy(films[0], watched / "sub" / "Müller.dcm")
    (watched / "a.png").write_bytes(png(film()))
    (watched / "same.png").write_bytes(png(film()))
    (watched / "notes.txt").write_text("no film")
    node = make(watch=watched)
    with node:
        node.until_state("answered", 2)
        assert send(node.port, films[:1]) == [0]  # known from the folder
        bad = watched / "bad.png"
        bad.write_bytes(b"no picture")
        node.until_state("failed", 1)
        bad.write_bytes(png(film(1)))  # mended
        node.until_state("answered", 3)
    assert sorted(path.name for path in watched.rglob("*.*")) == [
        "Müller.dcm", "a.png", "bad.png", "notes.txt", "same.png",
    ]  # fmt: skip
    assert {row.name for row in films_of(node)} >= {"sub/Müller.dcm", "a.png"}
    (watched / "new.png").write_bytes(png(film(2)))
    with node.start():
        node.until_state("answered", 4)
    assert len(films_of(node)) == 5  # those that were known have not come again
    assert "Müller" not in node.log.read_text()


def test_old_films_are_pruned_and_may_come_again(make, films):
    with make() as node:
        send(node.port, films)
        node.until_state("answered", 2)
    node.options["prune_days"] = 1e-6
    with node.start():
        until(lambda: not list((node.folder / "films").iterdir()), "pruned")
        until(lambda: "[]" in (node.folder / "report" / "worklist.js").read_text(), "report")
        assert list((node.folder / "report" / "cases").iterdir()) == []
        assert list((node.folder / "results").iterdir()) == []
    assert node.counts()["answered"] == 2 and {row.record for row in films_of(node)} == {None}
    node.options["prune_days"] = 0
    with node.start():
        assert send(node.port, films[:1]) == [0]
        until(lambda: [row.record is None for row in films_of(node)] == [False, True], "again")


def test_a_destination_that_is_away_or_refuses_costs_nothing(make, films):
    port = free_port()
    with make(send_to=f"dicom://ARCHIVE@127.0.0.1:{port}") as node:
        send(node.port, films)
        until_retried(node, "the destination is away")
        archive = Archive(port)
        archive.answer = 0xA900
        try:
            until_retried(node, "the destination refused")
            archive.answer = 0x0000
            node.until_state("sent", 2)
        finally:
            archive.close()
    assert len(archive.got) == len(set(archive.got)) == 6


def test_what_the_destination_never_takes_fails_alone(make, films, monkeypatch):
    monkeypatch.setattr("cxr_tf.hospital.sender.TRIES", 2)
    archive = Archive()
    archive.answer = 0xA900
    try:
        with make(send_to=archive.address) as node:
            send(node.port, films[:1])
            node.until_state("failed", 1)
            archive.answer = 0x0000
            send(node.port, films[1:])
            node.until_state("sent", 1)
        assert "0xA900" in films_of(node)[0].error and len(archive.got) == 3
    finally:
        archive.close()


def test_a_full_disk_stops_the_work_for_a_while(make, films, monkeypatch):
    status = free_port()
    with make(status_port=status) as node:
        with monkeypatch.context() as full:
            # Full between a film's arrival and its turn, then while its results are written.
            held = FilmsFolder.take_cases
            full.setattr(FilmsFolder, "take_cases", _raise_full)
            assert send(node.port, films) == [0, 0]
            until_retried(node, "the disk is full")
            full.setattr(FilmsFolder, "free", lambda _: 0)
            full.setattr(FilmsFolder, "take_cases", held)
            with pytest.raises(urllib.error.HTTPError, match="503") as caught:
                urllib.request.urlopen(f"http://127.0.0.1:{status}/health")
            assert b"the disk is full" in caught.value.read()
            caught.value.close()
            assert send(node.port, films) == []
            assert node.counts()["answered"] == node.counts()["failed"] == 0
        node.until_state("answered", 2)
    assert [row.tries for row in films_of(node)] == [0, 0]


def _raise_full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.slow
def test_a_server_answers_and_may_be_away(make, exported, served, films, monkeypatch):
    monkeypatch.setattr("cxr_tf.scoring.server.transport.wait", lambda _: None)
    answers = Answers(exported.name, served)
    address, stop = serve_rest(answers)
    try:
        node = make(server=address)
        node.loaded = None  # no model is loaded here
        with node:
            answers.refuse = 10**6
            assert send(node.port, films[:1]) == [0]
            until_retried(node, "the server is away")
            answers.refuse = 0
            node.until_state("answered", 1)
        [row] = films_of(node)
        assert row.status == "ok" and row.objects == 3 and row.tries == 0
    finally:
        stop()


@pytest.mark.slow
def test_a_burst_and_kills_are_counted(tmp_path, exported, from_python, monkeypatch):
    """By the measurements of tools.node, which kill in earnest; here a kill is a stop."""
    monkeypatch.setattr(bench, "_WITHIN", 0.5)

    class Measured(NodeHere):
        running = SimpleNamespace(pid=os.getpid())

    @dataclass(frozen=True)
    class Here(bench.Load):
        def node(self, name, archive):
            return Measured(self.place / name, self.model, from_python, send_to=archive.address)

    load = Here(tmp_path, exported, write_films(tmp_path / "films", 3), 2)
    one, other = bench.burst(load), bench.kills(load, 1)
    assert one["acknowledged"] == one["answered"] == 3
    assert one["objects"] == one["different_objects"] == 9 and one["memory_mib"] > 100
    assert other["sent"] == other["rows"] == 3 and other["lost"] == other["doubled"] == 0
    assert other["kills"] == len(other["after_each_kill"]) == 1


class _Asked:
    """A model that notes how it is asked, and may break."""

    def __init__(self, model, broken=False):
        self.model, self.broken, self.asked = model, broken, []

    def __getattr__(self, name):
        return getattr(self.model, name)

    def predict(self, pixels, *args, **options):
        self.asked.append((np.shape(pixels), options["explain"]))
        if self.broken and len(self.asked) == 1:
            raise MemoryError("large")
        return self.model.predict(pixels, *args, **options)


@pytest.mark.parametrize("broken", [False, True])
def test_a_node_that_is_ready_has_answered_as_it_will_be_asked(make, films, broken):
    node = make()
    node.loaded = asked = _Asked(node.loaded, broken)
    with node.start():
        assert len(asked.asked) == 1
        assert send(node.port, films[:1]) == [0]
        node.until_state("answered", 1)
        node.stop()
    assert len(asked.asked) == 2
    assert asked.asked[0][1] == asked.asked[1][1]
    faults = [line["where"] for line in node.said() if line.get("event") == "fault"]
    assert faults == (["warm-up"] if broken else [])
