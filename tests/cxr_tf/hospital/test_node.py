"""A node in a process of its own, from the wire to its report."""

import csv
import json
import os
import shutil
import signal
import threading
import time
import urllib.error
import urllib.request

import pytest
from pydicom import dcmread

from cxr_tf.hospital.queue import Queue
from cxr_tf.node import main
from tests.cxr_tf.fake_runs import film, png
from tools.node.other_side import Archive, send, write_films
from tools.node.running import Node, free_port, until

pytest.importorskip("pynetdicom")
pytest.importorskip("cxr_tf.hospital.metrics")
pytest.importorskip("highdicom")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return write_films(tmp_path_factory.mktemp("phantoms"), 6)


def films_of(node):
    """The rows of the queue."""
    with Queue(node.folder, create=False) as queue:
        return queue._films("ORDER BY number")


@pytest.fixture
def archive():
    found = Archive()
    yield found
    found.close()


def test_films_are_answered_sent_and_shown(tmp_path, exported, films, archive, capsys):
    """Good films, one sent twice, a lateral one, a result that came back, and a broken one."""
    others = [dcmread(path) for path in films[:3]]
    for number, each in enumerate(others):
        each.SOPInstanceUID = each.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
    others[0].ViewPosition, others[1].Manufacturer = "LL", "cxr-tf"
    others[2].PixelData = b"1234"
    status = free_port()
    options = {"send_to": archive.address, "status_port": status, "keep_identifiers": True}
    node = Node(tmp_path / "node", exported, **options)
    with node.start(ready="listening"):
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(f"http://127.0.0.1:{status}/health")
        assert send(node.port, [*films, films[0], *others]) == [0] * 10
        node.until_state("sent", 6)
        node.until_state("failed", 1)
        node.until_state("answered", 2)
        health = json.load(urllib.request.urlopen(f"http://127.0.0.1:{status}/health"))
        assert health == {"healthy": True, "wrong": []}
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{status}/metrics").read().decode()
        assert 'cxr_tf_films{state="sent"} 6.0' in metrics
        assert "cxr_tf_received_total 9.0" in metrics and "cxr_tf_repeated_total 1.0" in metrics
        assert "cxr_tf_scoring_seconds_count 8.0" in metrics
        assert main(["status", "--folder", str(node.folder), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["films"]["sent"] == 6 and told["films_last_hour"] == 8
        assert main(["run", "--model", str(exported), "--folder", str(node.folder)]) == 2
        assert "is in use" in capsys.readouterr().err
        assert node.stop() == 143
    assert len(archive.got) == len(set(archive.got)) == 18
    with (node.folder / "worklist.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["rank"]) for row in rows] == list(range(1, 10))
    order = ["suspect", "uncertain", "rest", "undecided"]
    groups = [order.index(row["group"]) for row in rows]
    assert groups == sorted(groups)
    uids = {str(dcmread(path).SOPInstanceUID) for path in films}
    assert {row["SOPInstanceUID"] for row in rows} == uids | {f"1.2.3.{n}" for n in range(3)}
    page = (node.folder / "report" / "worklist.js").read_text()
    assert page.count('"pictures":true') == 6
    said = node.log.read_text()
    assert not any(uid in said for uid in uids) and "PHANTOM" not in said
    errors = [row.error for row in films_of(node) if row.status == "not_chest_film"]
    assert len(errors) == 2 and any("a result of this software" in each for each in errors)


def test_a_folder_is_watched_and_its_films_stay(tmp_path, exported, films):
    watched = tmp_path / "watched"
    (watched / "sub").mkdir(parents=True)
    shutil.copy(films[0], watched / "sub" / "Müller.dcm")
    (watched / "a.png").write_bytes(png(film()))
    (watched / "same.png").write_bytes(png(film()))
    (watched / "notes.txt").write_text("no film")
    node = Node(tmp_path / "node", exported, watch=watched)
    with node.start():
        node.until_state("answered", 2)
        assert send(node.port, films[:1]) == [0]  # known from the folder
        bad = watched / "bad.png"
        bad.write_bytes(b"no picture")
        node.until_state("failed", 1)
        bad.write_bytes(png(film(1)))  # mended
        node.until_state("answered", 3)
        assert node.stop() == 143
    assert sorted(path.name for path in watched.rglob("*.*")) == [
        "Müller.dcm", "a.png", "bad.png", "notes.txt", "same.png",
    ]  # fmt: skip
    assert {row.name for row in films_of(node)} >= {"sub/Müller.dcm", "a.png"}
    with node.start():
        time.sleep(3)
        assert node.counts()["answered"] == 3 and len(films_of(node)) == 4
    assert "Müller" not in node.log.read_text()


def test_old_films_are_pruned_and_may_come_again(tmp_path, exported, films):
    node = Node(tmp_path / "node", exported)
    with node.start():
        send(node.port, films[:2])
        node.until_state("answered", 2)
        node.stop()
    node.options["prune_days"] = 1e-6
    with node.start():
        until(lambda: not list((node.folder / "films").iterdir()), "pruned")
        until(lambda: "[]" in (node.folder / "report" / "worklist.js").read_text(), "report")
        assert list((node.folder / "report" / "cases").iterdir()) == []
        assert list((node.folder / "results").iterdir()) == []
        assert node.stop() == 143
    assert node.counts()["answered"] == 2 and {row.record for row in films_of(node)} == {None}
    node.options["prune_days"] = 0
    with node.start():
        assert send(node.port, films[:1]) == [0]
        until(lambda: [row.record is None for row in films_of(node)] == [False, True], "again")


def test_a_destination_that_is_away_or_refuses_costs_nothing(tmp_path, exported, films):
    port = free_port()
    node = Node(tmp_path / "node", exported, send_to=f"dicom://ARCHIVE@127.0.0.1:{port}")
    with node.start():
        send(node.port, films[:2])
        node.until_state("answered", 2)
        until(lambda: any(x.get("event") == "retry" for x in node.said()), "retry")
        archive = Archive(port)
        archive.answer = 0xA900
        try:
            until(lambda: any(row.tries for row in films_of(node)), "refused")
            archive.answer = 0x0000
            node.until_state("sent", 2)
        finally:
            archive.close()
    assert len(archive.got) == len(set(archive.got)) == 6


def test_sigterm_ends_after_the_film_in_work(tmp_path, exported, films):
    node = Node(tmp_path / "node", exported)
    with node.start():
        send(node.port, films)
        until(lambda: node.counts()["scoring"], "scoring")
        assert node.stop() == 143
        counts = node.counts()
        assert counts["scoring"] == 0 and counts["answered"] >= 1
        assert any(line.get("event") == "stopped" for line in node.said())
    with node.start():
        node.until_state("answered", 6)


@pytest.mark.parametrize("moment", ["received", "scoring", "answered"])
def test_a_kill_loses_and_doubles_nothing(tmp_path, exported, films, archive, moment):
    """Killed while films come, while one is scored, and while results are sent."""
    node = Node(tmp_path / "node", exported, send_to=archive.address)
    acknowledged = []
    with node.start(ready="listening" if moment == "received" else "ready"):
        sender = threading.Thread(
            target=lambda: acknowledged.extend(
                status for path in films for status in send(node.port, [path])
            )
        )
        sender.start()
        until(lambda: node.counts()[moment] or node.counts()["sent"], moment)
        os.kill(node.process.pid, signal.SIGKILL)
        node.process.wait()
        sender.join()
        kept = sum(node.counts().values())
        assert kept >= acknowledged.count(0) >= 1
        node.start()
        assert send(node.port, films) == [0] * 6  # as an archive does with what was not answered
        node.until_state("sent", 6)
    assert len(films_of(node)) == 6
    assert len(set(archive.got)) == 18


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--port", "0"], "leaves no way in"),
        (["--send-to", "ftp://host"], "give dicom://AET@HOST:PORT"),
        (["--watch", "/no/such/folder"], "is no folder"),
        (["--max-associations", "0"], "give a number from 1"),
        (["--allow-address", "host"], "give an address or a network"),
        (["--decision-only"], "give no maps"),
    ],
)
def test_wrong_usage_is_told(tmp_path, exported, capsys, words, message):
    folder = ["--folder", str(tmp_path / "node")]
    assert main(["run", "--model", str(exported), *folder, *words]) == 2
    assert message in json.loads(capsys.readouterr().err.splitlines()[-1])["message"]
    assert main(["status", "--folder", str(tmp_path / "none")]) == 2
