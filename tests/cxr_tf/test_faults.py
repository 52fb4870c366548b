"""What goes wrong around a scoring run: disk, rights, memory, signals, a second process."""

import dataclasses
import errno
import os
import resource
import shutil
import signal
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf import score
from cxr_tf.films.reading import read_ahead
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.folder_lock import held
from pipelines.films import is_film, read_film
from tests.cxr_tf.test_score import FakeModel, options, run, table
from tests.gathered import gather
from tests.samples import encode, ramp


@pytest.fixture
def films(tmp_path):
    """Six films that are answered."""
    folder = tmp_path / "films"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.png").write_bytes(encode(ramp(40 + number, 56), "PNG"))
    return folder


@pytest.fixture
def saved_model(tmp_path):
    folder = tmp_path / "model" / "3"
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    return folder.parent


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr("cxr_tf.films.reading.RETRY_AFTER", (0.0, 0.0))


@pytest.fixture
def unprivileged():
    """A folder, and a user whom file modes stop: root is not stopped, and becomes nobody."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    root = os.getuid() == 0
    if root:
        os.setresuid(65534, 65534, 0)
    try:
        yield folder
    finally:
        if root:
            os.setresuid(0, 0, 0)
        for path in folder.rglob("*"):
            path.chmod(0o700)
        shutil.rmtree(folder)


class ActingModel(FakeModel):
    """Does something before its answer to one film."""

    def __init__(self, at, act):
        super().__init__()
        self.at, self.act = at, act

    def predict(self, *args, **kwargs):
        answer = super().predict(*args, **kwargs)
        if len(self.calls) == self.at:
            self.act()
        return answer


def assert_goes_on(wanted, rows):
    """The run holds some rows now, and a second start ends as if nothing had happened."""
    partial = wanted.out / "scores.csv.partial"
    assert partial.read_bytes().count(b"\n") == 1 + rows
    assert not (wanted.out / "scores.csv").exists()
    model, whole = FakeModel(), dataclasses.replace(wanted, out=wanted.out.with_name("whole"))
    assert run(whole) == 0 and run(wanted, model) == 0
    assert len(model.calls) == 6 - rows
    written = [
        {path.relative_to(out): path.read_bytes() for path in out.rglob("*.[cp][sn][vg]")}
        for out in (wanted.out, whole.out)
    ]
    assert written[0] == written[1] and len(written[0]) > 0
    assert {path.name for path in wanted.out.iterdir()} == {p.name for p in whole.out.iterdir()}


def test_a_disk_that_is_full_in_the_middle_of_a_row_loses_nothing(saved_model, tmp_path, films):
    wanted = options(saved_model, tmp_path, films)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill():
        room = (wanted.out / "scores.csv.partial").stat().st_size + 20
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))

    try:
        with pytest.raises(OSError, match="too large"):
            run(wanted, ActingModel(4, fill))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    left = (wanted.out / "scores.csv.partial").read_bytes()
    assert left and not left.endswith(b"\n"), "the row is not cut"
    assert_goes_on(wanted, 3)


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_is_full_at_an_overlay_stops_the_run(
    saved_model, tmp_path, films, monkeypatch, fault
):
    from cxr_tf.drawing import overlays

    wanted = options(saved_model, tmp_path, films, overlays=True)
    drawn = []

    def write(path, picture, really=overlays.write_png):
        drawn.append(path)
        if len(drawn) == 3:
            raise OSError(fault, os.strerror(fault))
        really(path, picture)

    with monkeypatch.context() as patch, pytest.raises(OSError, match=os.strerror(fault)):
        patch.setattr(overlays, "write_png", write)
        run(wanted)
    assert_goes_on(wanted, 2)


def test_a_full_disk_is_told_with_exit_status_1(saved_model, tmp_path, films, monkeypatch, capsys):
    monkeypatch.setattr("cxr_tf.saved.load.load", lambda _: FakeModel())

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("cxr_tf.films.table.Table.add", full)
        arguments = ["--model", str(saved_model), "--out", str(tmp_path / "out"), str(films)]
        assert score.main(arguments) == 1
    told = capsys.readouterr().err
    assert "No space left on device" in told and "the same command goes on" in told
    assert_goes_on(options(saved_model, tmp_path, str(films)), 0)


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_model_is_loaded(
    saved_model, unprivileged
):
    out = unprivileged / "out"
    out.mkdir(mode=0o555)
    for place in (out, out / "below"):
        with pytest.raises(UsageError, match="out.*cannot be"), held(place):
            pass
    assert not list(out.iterdir())


def test_what_cannot_be_read_is_named_and_the_rest_is_read(unprivileged):
    for name in ("a/film.png", "closed/film.png", "hidden.png", "z.png"):
        (unprivileged / name).parent.mkdir(exist_ok=True)
        (unprivileged / name).write_bytes(encode(ramp(40, 56), "PNG"))
    (unprivileged / "closed").chmod(0)
    (unprivileged / "hidden.png").chmod(0)
    inputs = gather([unprivileged], is_film).inputs
    found = {Path(item.path).name: reading for item, reading in read_ahead(inputs, read_film)}
    assert {name: reading.status for name, reading in found.items()} == {
        "film.png": "ok",
        "hidden.png": "unreadable",
        "z.png": "ok",
        "closed": "unreadable",
    }
    assert found["closed"].error == "the folder cannot be listed: Permission denied"
    assert found["hidden.png"].error == "the file cannot be read: Permission denied"


def test_a_film_that_goes_away_while_others_are_scored_gets_a_row(saved_model, tmp_path, films):
    wanted = options(saved_model, tmp_path, films)
    assert run(wanted, ActingModel(1, (films / "5.png").unlink)) == 1
    rows = table(wanted.out / "scores.csv")
    assert [row["status"] for row in rows] == ["ok"] * 5 + ["unreadable"]
    assert rows[5]["error"] == "the file cannot be read: No such file or directory"


@pytest.mark.parametrize(
    "fault", [MemoryError("14 GB"), tf.errors.ResourceExhaustedError(None, None, "OOM: 14 GB")]
)
def test_memory_that_runs_out_costs_one_film(saved_model, tmp_path, films, fault):
    def run_out():
        raise fault

    wanted = options(saved_model, tmp_path, films)
    assert run(wanted, ActingModel(3, run_out)) == 1
    rows = table(wanted.out / "scores.csv")
    assert [row["status"] for row in rows] == ["ok", "ok", "failed", "ok", "ok", "ok"]
    assert type(fault).__name__ in rows[2]["error"] and "14 GB" in rows[2]["error"]


def send_within_tensorflow():
    """As TensorFlow does with an exception that comes while it makes one of its own."""
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except KeyboardInterrupt:
        raise RuntimeError("MISMATCH of original and normalized active exception types") from None


@pytest.mark.parametrize(
    ("act", "status"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGTERM), 143),
        (lambda: os.kill(os.getpid(), signal.SIGINT), 130),
        (send_within_tensorflow, 143),
    ],
)
def test_a_signal_ends_a_run_that_goes_on_later(
    saved_model, tmp_path, films, monkeypatch, capsys, act, status
):
    model = ActingModel(4, act)
    monkeypatch.setattr("cxr_tf.saved.load.load", lambda _: model)
    wanted = options(saved_model, tmp_path, str(films))
    arguments = ["--model", str(saved_model), "--out", str(wanted.out), str(films)]
    assert score.main(arguments) == status
    assert "interrupted after 3 films" in capsys.readouterr().err
    record = (wanted.out / "run.json.partial").read_text()
    assert f'"exit_status": {status}' in record
    assert_goes_on(wanted, 3)


def test_two_runs_never_share_a_folder(saved_model, tmp_path, films):
    wanted = options(saved_model, tmp_path, films)
    refused = []

    def second():
        with pytest.raises(UsageError, match=f"in use by process {os.getpid()}") as error:
            run(wanted)
        refused.append(error)

    assert run(wanted, ActingModel(2, second)) == 0
    assert len(refused) == 1
    assert np.unique([row["path"] for row in table(wanted.out / "scores.csv")]).size == 6
