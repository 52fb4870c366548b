import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from pipelines.dicom import apart
from pipelines.dicom.apart import DicomProcess, read_dicom_apart, read_identifiers_apart
from pipelines.dicom.reading import read_dicom
from pipelines.film_error import FilmError
from pipelines.films import read_film
from tests.samples import dicom_bytes, dicom_dataset, ramp

PIXELS = ramp(top=4095, dtype=np.uint16)
CONTENT = dicom_bytes(dicom_dataset(PIXELS, stored_bits=12, WindowCenter="9", WindowWidth="9"))


@pytest.fixture
def hostile(monkeypatch):
    """The process that is kept runs the worst of decoders."""
    monkeypatch.setattr(apart, "_WORKER", "tests.pipelines.hostile_decoder")
    apart.close()
    yield
    apart.close()


def test_the_same_levels_and_words_as_in_this_process():
    for voi in (False, True):
        levels, padding, _ = read_dicom_apart(CONTENT, voi)
        np.testing.assert_array_equal(levels, read_dicom(CONTENT, voi)[0])
        assert padding == -1
    for content in (CONTENT[:-1], b"", dicom_bytes(dicom_dataset(PIXELS, Modality="CT"))):
        with pytest.raises(FilmError) as here:
            read_dicom(content)
        with pytest.raises(FilmError) as apart:
            read_dicom_apart(content)
        assert (apart.value.status, str(apart.value)) == (here.value.status, str(here.value))


def test_one_process_without_tensorflow_serves_all_objects_and_threads():
    read_dicom_apart(CONTENT)
    pid = apart._kept.process.pid
    with open(f"/proc/{pid}/maps") as maps:
        assert "tensorflow" not in maps.read()
    films = [dicom_bytes(dicom_dataset(np.roll(PIXELS, i))) for i in range(6)]
    found = [None] * len(films)

    def read(i):
        found[i] = read_dicom_apart(films[i])[0]

    threads = [threading.Thread(target=read, args=(i,)) for i in range(len(films))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, film in enumerate(films):
        np.testing.assert_array_equal(found[i], read_dicom(film)[0])
    assert apart._kept.process.pid == pid


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"abort", "SIGABRT"),
        (b"segmentation fault", "SIGSEGV"),
        (b"x", "exit status 3"),
        (b"memory", "MiB of memory"),
        (b"junk", "no sensible answer"),
    ],
)
def test_a_crash_costs_one_film(hostile, tmp_path, content, words):
    path = tmp_path / "film.dcm"
    path.write_bytes(content + b"\0\1")  # no text, which is told without a decoder
    film = read_film(path)
    assert (film.pixels, film.status, film.transient) == (None, "unreadable", False)
    assert words in film.error and "\n" not in film.error
    levels, padding, _ = read_dicom_apart(b"n", True)
    assert (levels.tolist(), padding) == ([[110] * 3] * 2, 1)


def test_a_deadline_ends_the_process(hostile):
    read_dicom_apart(b"one")
    pid = apart._kept.process.pid
    with pytest.raises(FilmError, match=r"longer than 0\.3 s.*--read-deadline"):
        read_dicom_apart(b"later", deadline=0.3)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert read_dicom_apart(b"one more")[0][0, 0] == ord("o")


def test_a_process_that_was_killed_between_films_is_replaced():
    read_dicom_apart(CONTENT)
    process = apart._kept.process
    os.kill(process.pid, signal.SIGKILL)
    process._process.wait()
    read_dicom_apart(CONTENT)
    assert apart._kept.process is not process


def test_a_process_that_does_not_start_is_no_fault_of_the_film(monkeypatch, tmp_path):
    monkeypatch.setattr(apart, "_WORKER", "pipelines.no_such_module")
    apart.close()
    path = tmp_path / "film.dcm"
    path.write_bytes(CONTENT)
    film = read_film(path)
    assert (film.status, film.transient) == ("unreadable", True) and "not start" in film.error
    monkeypatch.undo()
    assert read_film(path).status == "ok"


def test_identifiers_are_read_there_too(tmp_path):
    path = tmp_path / "film é.dcm"
    path.write_bytes(CONTENT)
    assert read_identifiers_apart(path)["PatientID"] == "SECRET-ID"
    path.write_bytes(b"no film")
    assert read_identifiers_apart(path) is None


def test_a_bomb_of_zeros_does_not_get_the_memory_it_asks_for():
    dataset = dicom_dataset(PIXELS, Modality="CR")
    dataset.add_new((0x0009, 0x0010), "LO", "BOMB")
    dataset.add_new((0x0009, 0x1001), "OB", bytes(256 << 20))
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    content = dicom_bytes(dataset)
    assert len(content) < 1 << 20
    process = DicomProcess(memory=384 << 20)
    try:
        with pytest.raises(FilmError, match="384 MiB of memory"):
            process.read(content)
    finally:
        process.close()


def test_the_process_ends_with_its_parent_and_takes_no_module_from_the_working_folder(tmp_path):
    (tmp_path / "pydicom.py").write_text("raise SystemExit('taken from the working folder')")
    (tmp_path / "film.dcm").write_bytes(CONTENT)
    code = (
        "import sys, os; sys.path.pop(0)\n"
        "from pathlib import Path\n"
        "from pipelines.dicom import apart\n"
        "apart.read_dicom_apart(Path('film.dcm').read_bytes())\n"
        "print(apart._kept.process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True, timeout=60
    )
    pid = int(done.stdout)
    for _ in range(1200):  # a busy machine takes its time
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the process is still there")
