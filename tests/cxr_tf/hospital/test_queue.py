import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from cxr_tf.hospital.queue import Queue, seconds_of, timestamp

RECORD = {"status": "ok", "label": "viral", "error": "", "p_viral": 0.5}


@pytest.fixture
def queue(tmp_path):
    with Queue(tmp_path) as found:
        yield found


def add(queue, key="a"):
    return queue.add(key, f"{key}.dcm", f"{key}.dcm")


def test_a_film_goes_through_its_states_with_their_times(queue, tmp_path):
    number = add(queue)
    assert queue.oldest_waiting() is not None
    film = queue.take()
    assert (film.number, film.state, film.tries) == (number, "scoring", 1)
    assert queue.take() is None
    queue.answer(film, RECORD, 3, None)
    [waiting] = queue.to_send(5)
    assert waiting.row() == RECORD and waiting.tries == 0
    queue.sent(waiting)
    assert queue.to_send(5) == [] and queue.oldest_waiting() is None
    assert queue.counts() == {"received": 0, "scoring": 0, "answered": 0, "sent": 1, "failed": 0}
    with sqlite3.connect(tmp_path / "queue.sqlite") as other:  # as any tool reads it
        times = other.execute("SELECT received, scoring, answered, sent, failed FROM films")
        *passed, failed = times.fetchone()
    assert passed == sorted(passed) and failed is None
    assert abs(seconds_of(passed[0]) - time.time()) < 60


def test_the_same_key_is_one_row_until_it_failed_or_was_pruned(queue):
    first = add(queue)
    assert add(queue) == 0 and queue.add("a", "a.dcm", "a.dcm", again=True) == 0
    assert queue.waits_for("a") and not queue.waits_for("b")
    queue.fail(queue.take(), "broken")
    assert add(queue) == 0 and not queue.waits_for("a")
    assert queue.add("a", "a.dcm", "a.dcm", again=True) == first
    film = queue.take()
    assert film.tries == 1 and film.error == ""
    queue.answer(film, RECORD, 0, '["x"]')
    queue.prune(queue.film(first))
    assert queue.pruned("a") and queue.film(first).record is None
    assert queue.film(first).identifiers is None
    assert add(queue) == 0
    assert queue.add("a", "a.dcm", "a.dcm", again=True) == first


def test_films_come_in_the_order_of_arrival_and_wait_where_they_must(queue):
    for key in "abc":
        add(queue, key)
    first = queue.take()
    queue.wait_again(first, 60, "the server is away", counted=False)
    assert queue.film(first.number).tries == 0
    assert [queue.take().key for _ in "bc"] == ["b", "c"]
    assert queue.take() is None
    assert queue.film(first.number).error == "the server is away"


def test_what_was_being_scored_is_taken_back_but_not_for_ever(queue):
    add(queue)
    for _ in range(3):
        film = queue.take()
        assert queue.recover(3, (0.0,)) == 1
    assert queue.film(film.number).state == "failed"
    assert "ended 3 times" in queue.film(film.number).error
    add(queue, "b")
    queue.take()
    queue.recover(3, (60.0, 0.0))
    assert queue.take() is None  # it waits behind the others


def test_finished_films_are_found_by_age(queue):
    for key in "abc":
        add(queue, key)
    a, b, c = (queue.take() for _ in range(3))
    queue.answer(a, RECORD, 3, None)
    queue.answer(b, RECORD, 0, None)
    queue.fail(c, "broken")
    later = time.time() + 10
    assert [film.key for film in queue.finished_before(later, sends=True)] == ["b", "c"]
    assert [film.key for film in queue.finished_before(later, sends=False)] == ["a", "b", "c"]
    assert queue.finished_before(time.time() - 10, sends=False) == []
    assert queue.answered_since(time.time() - 10) == 2


def test_many_threads_enter_a_film_once(queue):
    numbers = []
    threads = [threading.Thread(target=lambda: numbers.append(add(queue))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [0] * 7 + [1]


def test_what_was_entered_survives_a_kill(tmp_path):
    code = (
        "import os, sys, pathlib; from cxr_tf.hospital.queue import Queue\n"
        "queue = Queue(pathlib.Path(sys.argv[1]))\n"
        "queue.add('a', 'a.dcm', 'a.dcm'); os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)]).returncode == -9
    with Queue(tmp_path, create=False) as queue:
        assert queue.counts()["received"] == 1


def test_the_sqlite_shell_reads_it(queue, tmp_path):
    if shutil.which("sqlite3") is None:
        pytest.skip("no sqlite3 on the PATH")
    add(queue)
    command = ["sqlite3", "-json", str(tmp_path / "queue.sqlite"), "SELECT state FROM films"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(found) == [{"state": "received"}]


def test_there_must_be_a_queue_to_look_at(tmp_path):
    with pytest.raises(FileNotFoundError):
        Queue(tmp_path, create=False)


def test_times_are_written_so_that_they_sort(queue):
    assert timestamp(0.0) == "1970-01-01T00:00:00.000Z"
    assert seconds_of(timestamp(1e9 + 0.25)) == 1e9 + 0.25
