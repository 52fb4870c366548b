import dataclasses
import json
import logging
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from pipelines.faults import FileFault
from pipelines.film_files import FIXED_POINT
from pipelines.films import read_film
from pipelines.manifest.table import read_manifest
from pipelines.normalise import normalise
from pipelines.normalised_films import stored_films
from tools.phantoms.__main__ import main

FILMS, SIDE = 5, 256  # of the twelve phantoms that a manifest needs


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms")
    assert main([str(folder), "--films", "12", "--seed", "5", "--size", "96"]) == 0
    return read_manifest(folder / "manifest.csv").rows[:FILMS]


def files(folder):
    """Files of a folder, each with what changes when it is written again."""
    return {x: x.stat().st_ino for x in folder.rglob("[!.]*.npy")}


def whole(films, index):
    middle = np.array([[films.side // 2] * 2], np.int32)
    return films.windows(index, middle, films.side)[0] / FIXED_POINT


@pytest.mark.slow
def test_films_are_made_once_in_the_order_of_the_rows(rows, tmp_path):
    first = stored_films(rows, tmp_path, SIDE)
    made = files(tmp_path)
    again = stored_films(rows[::-1], tmp_path, SIDE)
    assert len(first) == len(again) == len(made) == FILMS and files(tmp_path) == made
    for index, row in enumerate(rows):
        (expected,), _ = normalise(read_film(row.path).pixels, -1, (SIDE,))
        for films, place in ((first, index), (again, FILMS - 1 - index)):
            np.testing.assert_allclose(whole(films, place), expected, rtol=0, atol=3e-3)


@pytest.mark.slow
def test_a_changed_film_or_option_makes_other_files(rows, tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(rows[0].path.read_bytes())
    one = [dataclasses.replace(rows[0], path=path)]
    cache = tmp_path / "cache"
    for number, options in enumerate(
        ({}, {"resolution_limit": 40}, {"jpeg_seed": 0}, {"jpeg_seed": 3}), 1
    ):
        stored_films(one, cache, SIDE, **options)
        stored_films(one, cache, SIDE, **options)
        assert len(files(cache)) == number
    stored_films(one, cache, 2 * SIDE)
    assert len(files(cache)) == 5
    # Neither its name nor its size or time, but what is in it: a film with another one's bytes.
    stat = path.stat()
    path.write_bytes(rows[1].path.read_bytes())
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    (expected,), _ = normalise(read_film(rows[1].path).pixels, -1, (SIDE,))
    np.testing.assert_allclose(whole(stored_films(one, cache, SIDE), 0), expected, atol=3e-3)


@pytest.mark.slow
def test_a_damaged_film_is_named_and_made_again(rows, tmp_path, caplog):
    films = stored_films(rows, tmp_path, SIDE)
    before, kept = files(tmp_path), whole(films, 2)
    damaged = sorted(before)[2]
    content = bytearray(damaged.read_bytes())
    content[1000] ^= 1
    damaged.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        films = stored_films(rows, tmp_path, SIDE)
    assert [x.getMessage() for x in caplog.records] == [
        f"{damaged}: this normalised film is damaged; it is made again"
    ]
    changed = {path for path, mark in files(tmp_path).items() if before[path] != mark}
    assert changed == {damaged}
    np.testing.assert_array_equal(whole(films, 2), kept)


@pytest.mark.slow
def test_films_ahead_of_one_that_cannot_be_read_stay(rows, tmp_path):
    path = tmp_path / "culprit.png"
    path.write_bytes(b"no image")
    bad = [*rows[:3], dataclasses.replace(rows[3], path=path), rows[4]]
    with pytest.raises(FileFault, match="culprit.png: unreadable"):
        stored_films(bad, tmp_path, SIDE)
    made = files(tmp_path)
    assert len(made) == 3
    stored_films(rows, tmp_path, SIDE)
    assert made.items() < files(tmp_path).items()


def test_a_film_that_is_gone_is_named(rows, tmp_path):
    gone = dataclasses.replace(rows[0], path=tmp_path / "gone.png")
    with pytest.raises(FileFault, match="gone.png: the file cannot be read: No such file"):
        stored_films([gone], tmp_path, SIDE)


def test_too_small_a_disk_is_told_ahead(rows, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage())
    with pytest.raises(OSError, match="0.0 GB more, and 0.0 GB are free; .*--cache"):
        stored_films(rows, tmp_path, SIDE)
    assert not files(tmp_path)


class Usage:
    free = 1000


SCRIPT = """
import json, sys, threading, time
from pathlib import Path
import numpy as np
from pipelines.classification_examples import read_classification
from pipelines.manifest.table import read_manifest

def held():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(x.split()[1]) for x in lines if x.startswith("RssAnon")) / 1024

def use(rows):
    maps = np.zeros((len(rows), 256, 256), np.uint8)
    maps[:, 60:200, 60:200] = 2
    examples = read_classification(rows, maps, [0] * len(rows), 224, cache, jpeg_seed=1)
    places = np.arange(len(rows))
    for _ in examples.batches(places, places, 4, 0, 0, True, 0.5, 0.5):
        pass
    for _ in examples.fixed_patches(16, 0):
        pass
    return examples

rows, cache = read_manifest(Path(sys.argv[1])).rows, Path(sys.argv[2])
use(rows[:16])
most = first = held()
done = threading.Event()

def watch():
    global most
    while not done.wait(0.02):
        most = max(most, held())

watching = threading.Thread(target=watch)
watching.start()
kept = use(rows)
done.set()
watching.join()
print(json.dumps({"first": first, "most": most, "films": len(rows) - 16}))
"""


def start(manifest, cache):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    words = [sys.executable, "-c", SCRIPT, str(manifest), str(cache)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, env=environment, text=True)


@pytest.mark.slow
def test_a_killed_process_leaves_whole_films_and_the_next_one_little_in_memory(tmp_path):
    films = 64
    assert main([str(tmp_path), "--films", str(films), "--seed", "5", "--size", "96"]) == 0
    cache = tmp_path / "cache"
    first = start(tmp_path / "manifest.csv", cache)
    while len(files(cache)) < 20:
        assert first.poll() is None
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    made = files(cache)
    assert 20 <= len(made) < 2 * films
    second = start(tmp_path / "manifest.csv", cache)
    output, _ = second.communicate(timeout=300)
    assert second.returncode == 0
    assert made.items() <= files(cache).items() and len(files(cache)) == 2 * films
    found = json.loads(output.splitlines()[-1])
    # Each film lies on disk twice, with 2 MiB each.
    assert (found["most"] - found["first"]) / found["films"] < 2.5
