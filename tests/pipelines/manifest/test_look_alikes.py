"""Films of different patients that show the same picture are found, counted and written down."""

import csv
import dataclasses

import cv2
import numpy as np
import pytest

from pipelines.adapters.__main__ import main
from pipelines.manifest.look_alikes import look_alikes, near_places, summary, write_pairs
from pipelines.manifest.rows import Manifest, ManifestRow
from pipelines.manifest.table import write_manifest
from tools.phantoms.chest import phantom


def row(path, pixels, patient, source, label="viral", split="train"):
    assert cv2.imwrite(str(path), pixels)
    return ManifestRow(path, label, patient_id=patient, source=source, split_classification=split)


@pytest.fixture
def films(tmp_path):
    """Three people; the first stands in three collections, the second twice in one."""
    drawn = [phantom("normal", np.random.default_rng(n), 192).pixels for n in range(3)]
    small = cv2.resize(drawn[0], (128, 128), interpolation=cv2.INTER_AREA)
    rows = [
        row(tmp_path / "a.png", drawn[0], "cohen-1", "cohen"),
        row(tmp_path / "b.png", drawn[1], "cohen-2", "cohen"),
        row(tmp_path / "c.png", small, "radiography-1", "radiography", split="test"),
        row(tmp_path / "d.png", small[:, ::-1], "radiography-2", "radiography"),
        row(tmp_path / "e.jpg", (drawn[0] >> 8).astype(np.uint8), "x", "", "normal", ""),
        row(tmp_path / "f.png", drawn[1][:190, :190], "cohen-2", "cohen"),
        row(tmp_path / "g.png", drawn[2], "", "cohen"),
        row(tmp_path / "h.png", np.full((64, 64), 7, np.uint8), "h", "cohen"),
    ]
    (tmp_path / "i.png").write_bytes(b"no film")
    return [*rows, dataclasses.replace(rows[-1], path=tmp_path / "i.png", patient_id="i")]


def test_pairs_of_different_patients_are_found_the_most_alike_first(films):
    found = look_alikes(films)
    names = {tuple(film.path.name for film in pair[:2]) for pair in found.pairs}
    assert names == {("a.png", "c.png"), ("a.png", "e.jpg"), ("c.png", "e.jpg")}
    bits = [pair[2] for pair in found.pairs]
    assert bits == sorted(bits)
    assert (found.films, found.unread) == (7, 2)


def test_the_summary_says_which_collections_and_what_matters(films):
    head, *lines = summary(look_alikes(films))
    assert "3 pairs of films of different patients" in head
    assert "among 7 films; 2 could not be read" in head
    assert lines == [
        "  cohen and radiography: 1",
        "  cohen and unknown source: 1",
        "  radiography and unknown source: 1",
        "  in two splits of classification: 1; keep one film, or give both one patient_id",
        "  of two classes: 2; look at both films",
    ]
    assert list(summary(look_alikes(films[6:7]))) == [
        "near-duplicates: 0 pairs of films of different patients with at most 24 bits of "
        "difference, among 1 films"
    ]


def test_the_table_tells_both_films_of_a_pair(films, tmp_path):
    write_pairs(look_alikes(films), tmp_path / "pairs.csv")
    with open(tmp_path / "pairs.csv", newline="") as file:
        pairs = {(line["path"], line["other_path"]): line for line in csv.DictReader(file)}
    told = pairs["a.png", "c.png"]
    assert (told["patient_id"], told["other_patient_id"]) == ("cohen-1", "radiography-1")
    assert (told["split_classification"], told["other_split_classification"]) == ("train", "test")
    assert int(told["bits"]) <= 24


def test_the_command_searches_all_folders_together(films, tmp_path, capsys):
    for part, rows in (("one", films[:2]), ("two", films[2:5])):
        write_manifest(Manifest(tmp_path, tuple(rows)), tmp_path / f"{part}.csv")
    parts = [str(tmp_path / f"{part}.csv") for part in ("one", "two")]
    out, pairs = str(tmp_path / "all.csv"), str(tmp_path / "pairs.csv")
    assert main([*parts, out, "--no-hash", "--near-duplicates", pairs]) == 0
    printed = capsys.readouterr().out
    assert "3 pairs of films" in printed and f"pairs: {pairs}" in printed
    assert main([*parts, out, "--no-hash"]) == 0
    assert "near-duplicates" not in capsys.readouterr().out
    nowhere = str(tmp_path / "no" / "pairs.csv")
    assert main([*parts, out, "--no-hash", "--near-duplicates", nowhere]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_no_films_have_no_pairs():
    assert list(near_places({})) == []
    assert look_alikes([]).pairs == ()
