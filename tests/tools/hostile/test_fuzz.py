"""Damaged and hostile files on the reader and the normalisation; `tools.hostile` tries more."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pipelines.films import read_content
from tools.hostile import fuzz
from tools.hostile.bombs import bomb, scans
from tools.hostile.cases import case, examine, most
from tools.hostile.mutation import mutated
from tools.hostile.seeds import seeds
from tools.process_memory import kibibytes

#: Bombs that burst fast enough for every run of the tests.
QUICK = (
    "PNG: 60000 x 60000",
    "JPEG: 65500 x 65500",
    "DICOM: pixels of 4 GiB declared",
    "DICOM: pixels of unknown length declared",
    "DICOM: 50,000 sequences in each other",
    "DICOM JPEG 2000: 60000 x 60000 in the stream",
    "DICOM RLE that is JPEG lossless",
    "DICOM JPEG lossless that is progressive",
)


def test_every_seed_is_read_unless_it_has_two_frames():
    for name, seed in seeds().items():
        film = read_content(seed.content, seed.suffix)
        assert (film.status == "ok") == seed.readable, name


def test_the_same_number_makes_the_same_mutant_and_another_number_another():
    contents = [case("mutants", number, 7).file.content for number in (3, 3, 21)]
    assert contents[0] == contents[1] != contents[2]
    assert case("mutants", 3, 8).file.content != contents[0]
    whole = seeds()["PNG 8 bit"].content
    assert mutated(b"", whole, np.random.default_rng(0)) == b""


@pytest.mark.slow
def test_no_mutant_breaks_a_promise():
    found = Counter(examine(case("mutants", number, 1)) for number in range(2000))
    assert found["unreadable"] > 500 and found["ok"] > 100, found


def test_a_film_cut_off_anywhere_is_refused_or_whole():
    found = Counter(examine(case("cuts", number, 0)) for number in range(0, most("cuts"), 9))
    assert found["unreadable"] > found["ok"], found


def _memory_from_now_on():
    """MiB of this process, which forgets its peak."""
    Path("/proc/self/clear_refs").write_text("5")
    return kibibytes("VmRSS") >> 10


@pytest.mark.parametrize("name", QUICK)
def test_bombs_are_refused_before_they_burst(name):
    file = bomb(name)
    before = _memory_from_now_on()
    film = read_content(file.content, file.suffix)
    if film.pixels is None:
        assert film.status in {"unreadable", "unsupported", "too_large"}
    else:  # the length that is declared is a lie, but the pixels are all there
        assert name.startswith("DICOM: pixels of")
        whole = seeds()["DICOM explicit"]
        np.testing.assert_array_equal(film.pixels, read_content(whole.content, ".dcm").pixels)
    assert (kibibytes("VmHWM") >> 10) - before < 256  # burst, the first of them takes 3.4 GiB
    assert "longer than" not in film.error  # no deadline was needed


def test_scans_over_and_over_are_refused():
    assert read_content(scans(100, 64), ".jpg").status == "ok"
    film = read_content(scans(101, 64), ".jpg")
    assert film.status == "unsupported" and "scans" in film.error


def test_a_file_full_of_marks_takes_a_bounded_multiple_of_its_size():
    before = _memory_from_now_on()
    assert read_content(b"\xff\xd8" + b"\xff" * (16 << 20), ".jpg").status == "unreadable"
    assert (kibibytes("VmHWM") >> 10) - before < 16 * 20


@pytest.mark.slow
def test_the_tool_tells_what_broke_and_what_did_not(tmp_path):
    out = tmp_path / "hostile.json"
    assert fuzz.main([str(out), "--part", "cuts", "--files", "3"]) == 0
    assert fuzz.main([str(out), "--part", "mutants", "--files", "1", "--deadline", "0"]) == 1
    record = json.loads(out.read_text())
    assert record["cuts"]["files"] == 3 and record["cuts"]["faults"] == []
    assert sum(record["cuts"]["statuses"].values()) == 3
    assert record["mutants"]["faults"][0] == "mutants 0: no end within 0 s"
