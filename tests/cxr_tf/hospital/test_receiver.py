"""The storage SCP, spoken to by pynetdicom and by dcmtk."""

import io
import json
import shutil
import socket
import ssl
import subprocess
import threading

import pytest
from pydicom import dcmread
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    EncapsulatedPDFStorage,
    SecondaryCaptureImageStorage,
)

from cxr_tf.hospital.connections import networks, server_tls
from cxr_tf.hospital.events import Events
from cxr_tf.hospital.films_folder import FilmsFolder, key_of
from cxr_tf.hospital.options import NodeOptions
from cxr_tf.hospital.queue import Queue
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from tests.cxr_tf.hospital.sending import storescu
from tools.node.other_side import send, write_films
from tools.node.running import until

new_entity = pytest.importorskip("cxr_tf.hospital.entity").new_entity
Receiver = pytest.importorskip("cxr_tf.hospital.receiver").Receiver


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return write_films(tmp_path_factory.mktemp("phantoms"), 3)


class Place:
    """A receiver's surroundings."""

    def __init__(self, root):
        self.log = io.StringIO()
        self.events = Events(Reporter(as_json=True, stream=self.log))
        self.folder = FilmsFolder(root)
        self.folder.make()
        self.queue = Queue(root)
        self.options = {"model": root, "folder": root, "port": 0, "min_free_megabytes": 1}

    def receiver(self, **changes):
        options = NodeOptions(**self.options | changes)
        allowed = networks(options.allow_address)
        return Receiver(options, self.folder, self.queue, self.events, server_tls(options), allowed)

    def events_said(self):
        return [json.loads(line)["event"] for line in self.log.getvalue().splitlines()]


@pytest.fixture
def place(tmp_path):
    found = Place(tmp_path / "node")
    with found.queue:
        yield found


def kept(place):
    return sorted(path.name for path in place.folder.films.iterdir())


def test_films_are_kept_as_they_were_sent(place, films):
    with place.receiver() as receiver:
        assert send(receiver.port, films) == [0, 0, 0]
    sent = [dcmread(path) for path in films]
    assert kept(place) == sorted(f"{key_of(each.SOPInstanceUID)}.dcm" for each in sent)
    for each in sent:
        found = dcmread(place.folder.films / f"{key_of(each.SOPInstanceUID)}.dcm")
        assert (
            found == each and found.file_meta.TransferSyntaxUID == each.file_meta.TransferSyntaxUID
        )
    assert place.queue.counts()["received"] == 3
    assert list(place.folder.receiving.iterdir()) == []
    said = place.log.getvalue()
    assert "PHANTOM" not in said and not any(each.SOPInstanceUID in said for each in sent)
    assert (place.folder.films.stat().st_mode & 0o777) == 0o700


def test_the_same_instance_twice_is_one_film_also_at_once(place, films):
    results = []
    with place.receiver() as receiver:
        threads = [
            threading.Thread(target=lambda: results.append(send(receiver.port, films[:1] * 2)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [[0, 0]] * 4
    assert place.queue.counts()["received"] == 1 and len(kept(place)) == 1
    assert place.events.received_films == 1 and place.events.repeats == 7


def test_every_kind_of_object_is_taken(place, films):
    """What is no film is for the worker to note: on the wire nothing of a study is refused."""
    datasets = []
    for number, kind in enumerate(
        (DigitalXRayImageStorageForPresentation, SecondaryCaptureImageStorage,
         EncapsulatedPDFStorage)
    ):  # fmt: skip
        each = dcmread(films[0])
        each.SOPClassUID = each.file_meta.MediaStorageSOPClassUID = kind
        each.SOPInstanceUID = each.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
        datasets.append(each)
    with place.receiver() as receiver:
        assert send(receiver.port, datasets) == [0, 0, 0]


def test_dcmtk_sends_and_is_answered(place, films):
    with place.receiver() as receiver:
        done = storescu(receiver.port, *films)
        assert done.returncode == 0, done.stderr
        echo = subprocess.run(["echoscu", "-aec", "CXRTF", "127.0.0.1", str(receiver.port)])
    assert echo.returncode == 0 and place.queue.counts()["received"] == 3


@pytest.mark.parametrize(
    ("changes", "calling", "called"),
    [
        ({"allow_ae": ("ARCHIVE",)}, "SENDER", "CXRTF"),
        ({"allow_ae": ("ARCHIVE",)}, "ARCHIVE", "OTHER"),
        ({"allow_address": ("10.0.0.0/8",)}, "SENDER", "CXRTF"),
    ],
)
def test_who_is_not_allowed_is_turned_away(place, films, changes, calling, called):
    with place.receiver(**changes) as receiver:
        assert send(receiver.port, films, calling, called) == []
    assert kept(place) == [] and place.events.refusals.total() == 1


def test_who_is_allowed_is_not(place, films):
    changes = {"allow_ae": ("OTHER", "ARCHIVE"), "allow_address": ("10.0.0.0/8", "127.0.0.1")}
    with place.receiver(**changes) as receiver:
        assert send(receiver.port, films, "ARCHIVE") == [0, 0, 0]


def test_a_full_disk_is_told_before_and_while_films_come(place, films, monkeypatch):
    with place.receiver() as receiver:
        entity = new_entity("SENDER")
        film = dcmread(films[0])
        entity.add_requested_context(film.SOPClassUID)
        association = entity.associate("127.0.0.1", receiver.port)
        assert association.send_c_store(film).Status == 0
        monkeypatch.setattr(FilmsFolder, "free", lambda _: 0)
        assert association.send_c_store(dcmread(films[1])).Status == 0xA700
        association.release()
        refused = entity.associate("127.0.0.1", receiver.port)
        assert refused.is_rejected and not refused.is_established
        monkeypatch.undo()
        assert send(receiver.port, films[1:]) == [0, 0]
    assert place.queue.counts()["received"] == 3
    assert place.events.refusals["disk"] == 2


def test_a_disk_that_is_full_in_earnest_loses_no_acknowledged_film(tmp_path, films):
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        place = Place(disk / "node")
        answers = []
        with place.queue, place.receiver(min_free_megabytes=0) as receiver:
            for _ in range(2):
                for film in write_films(tmp_path / "more", 6):
                    answers += send(receiver.port, [film]) or [None]
            assert 0 in answers and set(answers) != {0}
            acknowledged = place.queue.counts()["received"]
            assert len([name for name in kept(place) if name[0] != "."]) == acknowledged >= 1
            subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
            assert send(receiver.port, write_films(tmp_path / "more", 6)) == [0] * 6
            assert place.queue.counts()["received"] == 6
        for film in place.folder.films.iterdir():
            assert dcmread(film).PixelData
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_films_above_the_limit_are_refused(place, tmp_path):
    large = write_films(tmp_path / "large", 1, size=1024)
    small = write_films(tmp_path / "small", 1)
    with place.receiver(max_megabytes=1) as receiver:
        assert send(receiver.port, [*large, *small]) == [0xA700, 0]
    assert place.events.refusals["size"] == 1


def test_a_connection_that_sends_without_end_is_broken(place, tmp_path, monkeypatch):
    monkeypatch.setattr("cxr_tf.hospital.receiver._SLACK", 0)
    large = write_films(tmp_path / "large", 1, size=1024)
    with place.receiver(max_megabytes=1) as receiver:
        assert send(receiver.port, large) == [None]
        assert send(receiver.port, write_films(tmp_path / "small", 1)) == [0]
    assert len(kept(place)) == 1


def test_bad_connections_cost_nobody_else(place, films, monkeypatch):
    monkeypatch.setattr("cxr_tf.hospital.receiver._PATIENCE", 3)
    with place.receiver(max_associations=2) as receiver:
        address = ("127.0.0.1", receiver.port)
        idle = [socket.create_connection(address) for _ in range(2)]
        # Such as end at once, and such as would be waited for.
        for junk in (b"GET / HTTP/1.1\r\n\r\n", bytes(64), b"\x01\x00\xff\xff\xff\xff"):
            with socket.create_connection(address) as broken:
                broken.sendall(junk)
        film = dcmread(films[0])
        entity = new_entity("SENDER")
        entity.add_requested_context(film.SOPClassUID)
        for each in idle:
            each.close()

        def established():
            found = entity.associate(*address)
            return found if found.is_established else None

        cut = until(established, "room for an association", 20)
        wire = cut.dul.socket.socket
        wire.sendall(b"\x04\x00\x00\x10\x00\x00" + bytes(100))  # and no more of a film
        wire.close()
        until(lambda: not receiver._server.active_associations, "connections ended", 20)
        assert send(receiver.port, films) == [0, 0, 0]
    assert len(kept(place)) == 3


def test_a_message_without_end_is_not_gathered_in_memory(place, films):
    with place.receiver() as receiver:
        entity = new_entity("SENDER")
        entity.add_requested_context(dcmread(films[0]).SOPClassUID)
        association = entity.associate("127.0.0.1", receiver.port)
        wire = association.dul.socket.socket
        wire.sendall(b"\x04\x00\xff\xff\xff\xff")  # 4 GiB of a film, it says
        # Nothing of them is waited for.
        until(lambda: not receiver._server.active_associations, "broken", 10)
        association.abort()
        assert send(receiver.port, films) == [0, 0, 0]


def test_more_associations_than_allowed_are_turned_away(place, films):
    with place.receiver(max_associations=1) as receiver:
        entity = new_entity("SENDER")
        entity.add_requested_context("1.2.840.10008.1.1")
        first = entity.associate("127.0.0.1", receiver.port)
        assert first.is_established
        assert send(receiver.port, films) == []
        first.release()
        until(lambda: not receiver._server.active_associations, "connections ended", 20)
        assert send(receiver.port, films) == [0, 0, 0]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
               "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
               "-keyout", "key.pem", "-out", "cert.pem"]  # fmt: skip
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


def test_over_tls_both_sides_show_certificates(place, films, certificate):
    cert, key = certificate
    tls = {"tls_certificate": cert, "tls_key": key, "tls_ca": cert}
    with (
        place.receiver(**tls) as receiver,
        socket.create_connection(("127.0.0.1", receiver.port)),  # no handshake at all
    ):
        context = ssl.create_default_context(cafile=str(cert))
        assert send(receiver.port, films[:1], context=context) == []  # shows none
        context.load_cert_chain(cert, key)
        assert send(receiver.port, films, context=context) == [0, 0, 0]
        assert send(receiver.port, films) == []  # plain
        done = storescu(
            receiver.port,
            films[0],
            options=["-aec", "CXRTF", "+tls", str(key), str(cert), "+cf", str(cert)],
        )
        assert done.returncode == 0, done.stderr
    assert place.events.refusals["tls"] >= 1


def test_wrong_usage_is_told(place, films, tmp_path):
    with place.receiver() as receiver, pytest.raises(UsageError, match="cannot be listened on"):
        place.receiver(port=receiver.port).__enter__()
    with pytest.raises(UsageError, match="give an address or a network"):
        networks(("10.0.0.0/40",))
    with pytest.raises(UsageError, match="give PEM files"):
        server_tls(NodeOptions(**place.options, tls_certificate=tmp_path / "none.pem"))
    with pytest.raises(UsageError, match="needs --tls-certificate"):
        server_tls(NodeOptions(**place.options, tls_key=films[0]))


def test_films_that_were_kept_but_not_entered_are_adopted(place, films):
    for path in films:
        shutil.copy(path, place.folder.films / f"{key_of(dcmread(path).SOPInstanceUID)}.dcm")
    (place.folder.films / ".x.new.dcm").write_bytes(b"half")
    assert place.folder.adopt(place.queue) == 3
    assert place.queue.counts()["received"] == 3 and len(kept(place)) == 3
    assert place.folder.adopt(place.queue) == 0
