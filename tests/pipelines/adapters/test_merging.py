import dataclasses
from pathlib import Path

import pytest

from pipelines.adapters import open_data
from pipelines.adapters.__main__ import main
from pipelines.adapters.merging import merge
from pipelines.classes import PAPER_CLASSES, parse_classes
from pipelines.manifest.table import Manifest, ManifestRow, read_manifest, validate
from tools.phantoms.layouts import LAYOUTS


def manifest(folder, source, *names, **values):
    rows = (
        ManifestRow(path=Path(folder) / name, label="viral", source=source, **values)
        for name in names
    )
    return Manifest(Path(folder), tuple(rows))


def names(rows):
    return [row.path.as_posix() for row in rows]


def test_a_film_stands_once():
    first = manifest("/a", "jsrt", "1.png", "2.png")
    same_bytes = manifest("/b", "x", "3.png", sha256="AB" * 32)
    again = manifest("/c", "y", "4.png", sha256="ab" * 32)
    merged, dropped = merge([first, same_bytes, first, again])
    assert names(merged) == ["/a/1.png", "/a/2.png", "/b/3.png"]
    assert names(dropped) == ["/a/1.png", "/a/2.png", "/c/4.png"]
    assert merged.root == Path("/a")


@pytest.mark.parametrize("order", [1, -1])
def test_coronahack_gives_way_to_cohen_from_which_it_took_films(order):
    copy = manifest("/hack", "coronahack", "SARS-1.jpeg", "own.jpeg")
    original = manifest("/cohen", "cohen", "sars-1.jpg")
    other = manifest("/other", "jsrt", "own.jpeg")
    merged, dropped = merge([copy, original, other][::order])
    assert names(dropped) == ["/hack/SARS-1.jpeg"]
    assert set(names(merged)) == {"/hack/own.jpeg", "/cohen/sars-1.jpg", "/other/own.jpeg"}


def test_films_of_an_unknown_source_are_kept_and_push_no_other_out():
    unknown = manifest("/clinic", "", "1.png", "2.png")
    known = manifest("/jsrt", "jsrt", "1.png", "3.png")
    for parts in ([unknown, known], [known, unknown]):
        merged, dropped = merge(parts)
        assert (len(merged), dropped) == (4, [])


def test_cohen_gives_way_to_hannover_from_which_it_took_films():
    copy = manifest("/cohen", "cohen", "b343e657.jpg", "own.jpg")
    original = manifest("/hannover", "hannover", "b343e657.png")
    merged, dropped = merge([copy, original])
    assert names(dropped) == ["/cohen/b343e657.jpg"]
    assert names(merged) == ["/cohen/own.jpg", "/hannover/b343e657.png"]


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    root = tmp_path_factory.mktemp("releases")
    for name, films in {"jsrt": 8, "montgomery": 10, "coronahack": 15, "cohen": 16}.items():
        LAYOUTS[name](root / name, films, 0, 64)
    return root


def test_the_four_sources_of_table_ii_make_one_manifest(releases, tmp_path, capsys):
    out = tmp_path / "all.csv"
    folders = [str(releases / name) for name in ("jsrt", "montgomery", "coronahack", "cohen")]
    assert main([*folders, str(out), "--split", "patient", "--seed", "3"]) == 0
    merged = read_manifest(out)
    assert len(merged) == 49
    need = ("train", "validation", "test")
    validate(merged, "segmentation", need=(*need[::2], "crossdb"), verify=True)
    validate(merged, "classification", PAPER_CLASSES, need=need)
    printed = capsys.readouterr().out
    assert "49 films" in printed
    assert "10 crossdb" in printed
    assert main([*folders[::-1], str(tmp_path / "turned.csv"), "--split", "patient"]) == 0
    seeds = {row.path: row.split_classification for row in read_manifest(tmp_path / "turned.csv")}
    assert any(seeds[row.path] != row.split_classification for row in merged)
    assert main([*folders, str(tmp_path / "straight.csv"), "--split", "patient"]) == 0
    for row in read_manifest(tmp_path / "straight.csv"):
        assert seeds[row.path] == row.split_classification


def test_doubled_folders_are_counted_once(releases, tmp_path, capsys):
    folder = str(releases / "montgomery")
    assert main([folder, folder, str(tmp_path / "out.csv"), "--no-hash"]) == 0
    assert "10 films left out" in capsys.readouterr().out
    assert read_manifest(tmp_path / "out.csv").rows == open_data(folder).rows


def test_splits_by_image_and_none(releases, tmp_path):
    folder = releases / "cohen"
    rows = {}
    for split in ("patient", "image", "none"):
        out = tmp_path / f"{split}.csv"
        assert main([str(folder), str(out), "--no-hash", "--split", split]) == 0
        rows[split] = read_manifest(out).rows
    assert rows["patient"] != rows["image"]
    assert {row.split_classification for row in rows["none"]} == {""}
    bare = [dataclasses.replace(row, split_classification="") for row in rows["patient"]]
    assert list(rows["none"]) == bare


@pytest.mark.parametrize("option", [("--seed", "1"), ("--take", "pneumonia")])
def test_what_belongs_to_a_split_is_wrong_usage_without_one(releases, tmp_path, capsys, option):
    with pytest.raises(SystemExit) as caught:
        main([str(releases / "cohen"), str(tmp_path / "out.csv"), *option])
    assert caught.value.code == 2
    assert f"{option[0]} belongs to --split" in capsys.readouterr().err


def test_a_class_of_unknown_cause_is_taken_when_it_is_asked_for(tmp_path):
    LAYOUTS["nih"](tmp_path / "nih", 120, 0, 64)
    out, split = tmp_path / "out.csv", ["--no-hash", "--split", "patient"]
    assert main([str(tmp_path / "nih"), str(out), *split]) == 0
    without = {row.path: row.split_classification for row in read_manifest(out)}
    assert main([str(tmp_path / "nih"), str(out), *split, "--take", "pneumonia"]) == 0
    rows = read_manifest(out).rows
    of_class = [row for row in rows if row.label == "pneumonia"]
    assert {row.split_classification for row in of_class} == {"train", "validation", "test", ""}
    for row in rows:
        taken = row.label == "pneumonia" and row.age_group != "child"
        assert bool(row.split_classification) == (taken or bool(without[row.path]))
    classes = parse_classes("normal,pneumonia")
    validate(read_manifest(out), "classification", classes, need=("train", "validation", "test"))
