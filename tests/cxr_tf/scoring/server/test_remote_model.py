"""A served model scores as the same model does when it is loaded here."""

import csv
import os
import socket
from dataclasses import replace

import numpy as np
import pytest

from cxr_tf import score
from cxr_tf.runtime.errors import ServerError, UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.saved.load import load
from cxr_tf.scoring.options import ScoreOptions
from cxr_tf.scoring.server import transport
from cxr_tf.scoring.server.remote_model import connect
from cxr_tf.scoring.server.transport import Unavailable, split_address
from tests.cxr_tf.fake_runs import film, jpeg, png
from tests.cxr_tf.scoring.server.stand_in import Answers, serve_grpc, serve_rest
from tests.samples import dicom_bytes, dicom_dataset

SERVERS = {"grpc": serve_grpc, "http": serve_rest}
NAME = "cxr_fake"


@pytest.fixture(params=SERVERS)
def serve(request, served):
    """Starts a stand-in of one kind; stops it when the test is over."""
    stops = []

    def start(**behaviour):
        answers = Answers(NAME, served, **behaviour)
        address, stop = SERVERS[request.param](answers)
        stops.append(stop)
        return address, answers

    yield start
    for stop in stops:
        stop()


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Films of each format, one that is damaged, and a DICOM film with padding."""
    folder = tmp_path_factory.mktemp("films")
    pixels = film()
    (folder / "a.png").write_bytes(png(pixels))
    (folder / "b.jpg").write_bytes(jpeg(film(1)))
    (folder / "c.png").write_bytes(png(pixels)[:-900])
    dataset = dicom_dataset(pixels // 16, stored_bits=12)
    (folder / "d.dcm").write_bytes(dicom_bytes(dataset))
    padded = (pixels // 16).copy()
    padded[:40] = 4095
    dataset = dicom_dataset(padded, stored_bits=12, PixelPaddingValue=4095)
    (folder / "e.dcm").write_bytes(dicom_bytes(dataset))
    return folder


def run(films, exported, out, **changes):
    options = ScoreOptions(inputs=(films,), model=exported, out=out, **changes)
    status = score.run(options, Reporter(quiet=True))
    with (out / "scores.csv").open(newline="") as file:
        return status, list(csv.DictReader(file))


def close(found, expected):
    """The same rows; in JSON a number keeps seven digits, so that the sixth decimal may differ."""
    assert len(found) == len(expected)
    for left, right in zip(found, expected, strict=True):
        assert left.keys() == right.keys()
        for name in left:
            if name.startswith("p_") or name in ("agreement", "lung_fraction"):
                assert float(left[name]) == pytest.approx(float(right[name]), abs=2e-6), name
            else:
                assert left[name] == right[name], name


def test_the_same_table_comes_from_a_server(serve, films, exported, tmp_path):
    address, answers = serve()
    expected = run(films, exported, tmp_path / "here")
    assert [row["status"] for row in expected[1]] == ["ok", "ok", "unreadable", "ok", "ok"]
    status, rows = run(films, exported, tmp_path / "there", server=address)
    assert status == expected[0] == 1
    close(rows, expected[1])
    # The check at the start, three films as PNG, and the one with padding as pixels.
    assert answers.seen == ["serving_default"] * 4 + ["predict_pixels"]


def test_maps_come_from_a_server_but_not_with_padding(serve, films, exported, tmp_path):
    address, answers = serve()
    run(films, exported, tmp_path / "here", overlays=True)
    status, rows = run(films, exported, tmp_path / "there", server=address, overlays=True)
    assert status == 1 and "no film with padding" in rows[-1]["error"]
    assert rows[-1]["status"] == "ok"
    assert answers.seen[1:] == ["explain"] * 3 + ["predict_pixels"]
    pictures = sorted(path.name for path in (tmp_path / "there" / "overlays").glob("*.png"))
    assert len(pictures) == 3
    here = (tmp_path / "here" / "overlays" / pictures[0]).read_bytes()
    assert (tmp_path / "there" / "overlays" / pictures[0]).read_bytes() == here


def test_seed_and_patches_reach_the_server(serve, exported):
    address, _ = serve()
    remote = connect(address, exported / "1", deadline=60)
    expected = load(exported).predict(film(), seed=5, patches=7)
    found = remote.predict(film(), seed=5, patches=7)
    assert found.patches_used == 7 and found.label == expected.label
    np.testing.assert_array_equal(found.votes, expected.votes)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)
    with pytest.raises(ValueError, match="explains with seed 0"):
        remote.predict(film(), seed=5, explain=True)
    with pytest.raises(ValueError, match="leave out --decision-only"):
        remote.predict(film(), decision_only=True)
    with pytest.raises(ValueError, match="and --fast"):
        remote.predict(film(), fast=True)
    remote.close()


def test_a_server_that_is_not_ready_is_asked_again(serve, exported, monkeypatch):
    waits = []
    monkeypatch.setattr(transport, "wait", waits.append)
    address, answers = serve(refuse=2)
    remote = connect(address, exported / "1", deadline=60)
    assert remote.predict(film()).status == "ok"
    assert len(waits) == 2 and waits[0] < waits[1] < 2
    answers.refuse = 99
    with pytest.raises(Unavailable, match="not yet loaded"):
        remote.predict(film())
    assert len(waits) == 6
    remote.close()


def test_several_films_are_under_way_and_stay_in_order(serve, films, exported, tmp_path):
    address, answers = serve(seconds=0.3)
    expected = run(films, exported, tmp_path / "here")
    status, rows = run(films, exported, tmp_path / "there", server=address, requests=3)
    assert status == expected[0]
    close(rows, expected[1])
    assert 2 <= answers.most_under_way <= 3


def test_another_model_is_refused_before_the_first_film(serve, films, exported, tmp_path):
    address, _ = serve()
    remote = connect(address, exported / "1", deadline=60)
    remote.card = replace(remote.card, model_version="another")
    with pytest.raises(ServerError, match="not another"):
        remote.check()
    remote.close()


def test_a_name_that_is_not_served_says_so(serve, exported):
    address, answers = serve()
    answers.name = "something_else"
    remote = connect(address, exported / "1", deadline=60)
    with pytest.raises(ServerError, match="Servable not found"):
        remote.predict(film())
    remote.close()


@pytest.mark.parametrize("scheme", SERVERS)
def test_no_server_is_wrong_usage(scheme, films, exported, tmp_path, monkeypatch):
    monkeypatch.setattr(transport, "wait", lambda _: None)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"{scheme}://localhost:{free.getsockname()[1]}"
        with pytest.raises(UsageError, match=f"--server {address}"):
            run(films, exported, tmp_path / "out", server=address, deadline=5.0)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("grpc://host", ("grpc", "host", 8500)),
        ("http://10.0.0.1:99", ("http", "10.0.0.1", 99)),
        ("https://some.where/", ("https", "some.where", 443)),
    ],
)
def test_addresses(address, expected):
    assert split_address(address) == expected


@pytest.mark.parametrize(
    "address", ["host:8500", "ftp://host", "grpc://", "http://host:no", "http://host/v1/models"]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValueError, match="grpc://HOST:8500"):
        split_address(address)


@pytest.mark.skipif("TF_SERVING_ADDRESS" not in os.environ, reason="no server to talk to")
def test_a_real_server(research_data):
    """TF_SERVING_ADDRESS names a server that serves saved_models/cxr_triage."""
    from pathlib import Path

    from cxr_tf.saved.model_folders import version_folder
    from pipelines.films import read_film

    folder = version_folder(Path(__file__).parents[4] / "saved_models" / "cxr_triage")
    remote = connect(os.environ["TF_SERVING_ADDRESS"], folder, deadline=120)
    remote.check()
    path = next(iter(sorted(research_data.rglob("*.png"))))
    pixels = read_film(path).pixels
    expected, found = load(folder).predict(pixels), remote.predict(pixels)
    assert (found.status, found.label) == (expected.status, expected.label)
    remote.close()
