import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.folder_lock import LOCK, held

HOLD = """
import pathlib, sys, time
from cxr_tf.runtime.folder_lock import held
with held(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the folder."""
    words = [sys.executable, "-c", HOLD, str(tmp_path)]
    root = Path(__file__).parents[3]
    process = subprocess.Popen(words, cwd=root, stdout=subprocess.PIPE, text=True)
    with process.stdout:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()
        process.wait()


def test_a_second_process_is_refused_and_the_lock_of_a_dead_one_is_taken_over(other, tmp_path):
    message = f"in use by process {other.pid} on {socket.gethostname()}"
    with pytest.raises(UsageError, match=message), held(tmp_path):
        raise AssertionError("two hold it")
    other.kill()
    other.wait()
    assert (tmp_path / LOCK).exists()  # as a killed process leaves it
    with held(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    assert not (tmp_path / LOCK).exists()


def test_a_lock_whose_file_was_just_removed_is_no_lock(tmp_path, monkeypatch):
    """Between our opening the file and our locking it, its holder ends and another begins."""
    lock, calls = fcntl.flock, []

    def late(file, how):
        if not calls:
            (tmp_path / LOCK).unlink()
            (tmp_path / LOCK).touch()
        calls.append(file)
        lock(file, how)

    monkeypatch.setattr("fcntl.flock", late)
    with held(tmp_path), (tmp_path / LOCK).open() as seen:
        assert len(calls) == 2
        with pytest.raises(BlockingIOError):
            lock(seen, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_where_the_file_system_knows_no_locks_host_and_process_decide(tmp_path, monkeypatch):
    def unknown(*_):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr("fcntl.flock", unknown)
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True)  # fmt: skip
    here, gone = socket.gethostname(), int(dead.stdout)
    for pid, host, taken in (
        (gone, here, True),
        (os.getppid(), here, False),
        (gone, f"not-{here}", False),
    ):
        (tmp_path / LOCK).write_text(json.dumps({"pid": pid, "host": host}))
        if taken:
            with held(tmp_path):
                pass
            continue
        with pytest.raises(UsageError, match=f"process {pid} on {host}.*remove"), held(tmp_path):
            pass
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == pid


def test_a_folder_that_is_left_empty_goes_only_where_it_was_made(tmp_path):
    for folder in (tmp_path / "made" / "below", tmp_path):
        with held(folder):
            assert (folder / LOCK).is_file()
    assert list(tmp_path.iterdir()) == [tmp_path / "made"]
    assert not list((tmp_path / "made").iterdir())
    with held(tmp_path / "kept"):
        (tmp_path / "kept" / "result").touch()
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["result"]
