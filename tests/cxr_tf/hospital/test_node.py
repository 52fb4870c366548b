"""A node in a process of its own, from the command line and the wire to its report."""

import csv
import json
import signal
import threading
import urllib.error
import urllib.request

import pytest
from pydicom import dcmread

from cxr_tf.node import main
from tests.cxr_tf.hospital.here import NodeHere, films_of
from tools.node.other_side import Archive, send, write_films
from tools.node.running import Node, free_port, until

pytest.importorskip("pynetdicom")
pytest.importorskip("cxr_tf.hospital.metrics")
pytest.importorskip("highdicom")


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return write_films(tmp_path_factory.mktemp("phantoms"), 6)


@pytest.fixture
def archive():
    found = Archive()
    yield found
    found.close()


@pytest.mark.slow
def test_films_are_answered_sent_and_shown(tmp_path, exported, films, archive, capfd):
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
        told = json.loads(capfd.readouterr().out)
        assert told["films"]["sent"] == 6 and told["films_last_hour"] == 8
        assert main(["run", "--model", str(exported), "--folder", str(node.folder)]) == 2
        assert "is in use" in capfd.readouterr().err
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
    # Also those that came while the model was being loaded; and nothing but JSON.
    assert [line.get("event") for line in node.said()].count("received") == 9
    assert len(node.said()) == len(said.splitlines())
    errors = [row.error for row in films_of(node) if row.status == "not_chest_film"]
    assert len(errors) == 2 and any("a result of this software" in each for each in errors)


@pytest.mark.slow
def test_kills_lose_and_double_nothing(tmp_path, exported, from_python, films, archive):
    """Killed while films come, while one is scored and while results are sent; then a SIGTERM."""
    node = Node(tmp_path / "node", exported, send_to=archive.address)
    acknowledged = []
    node.start(ready="listening")
    sender = threading.Thread(
        target=lambda: acknowledged.extend(
            status for path in films for status in send(node.port, [path])
        )
    )
    sender.start()
    # A film counts as received a moment before its sender hears of it.
    until(lambda: acknowledged, "an answer")
    node.kill()
    sender.join()
    assert sum(node.counts().values()) >= acknowledged.count(0) >= 1
    with node.start():
        assert send(node.port, films) == [0] * 6  # as an archive does with what was not answered
        until(lambda: node.counts()["scoring"], "scoring")
        node.kill()
    archive.seconds = 0.2
    with node.start():
        until(lambda: len(archive.got) % 3, "a film of which some objects are sent")
        node.kill()
    with node.start():
        until(lambda: node.counts()["scoring"], "scoring")
        assert node.stop(signal.SIGTERM) == 143
        assert node.counts()["scoring"] == 0
        assert node.said()[-1]["event"] == "stopped"
    archive.seconds = 0.0
    with NodeHere(node.folder, exported, from_python, **node.options) as last:
        last.until_state("sent", 6)
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
def test_wrong_usage_is_told(tmp_path, exported, capfd, words, message):
    folder = ["--folder", str(tmp_path / "node")]
    assert main(["run", "--model", str(exported), *folder, *words]) == 2
    assert message in json.loads(capfd.readouterr().err.splitlines()[-1])["message"]
    assert main(["status", "--folder", str(tmp_path / "none")]) == 2
