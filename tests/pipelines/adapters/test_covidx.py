import shutil
from collections import Counter

import pytest

from pipelines.adapters import covidx, open_data, rsna
from pipelines.classes import COVID_NET_CLASSES, parse_classes
from pipelines.manifest.table import ManifestError, read_manifest, write_manifest
from tools.phantoms.layouts import LAYOUTS


def test_the_sizes_of_table_iv():
    films = {"normal": 8851, "pneumonia": 6012, "covid19": 180}
    aside = {label: covidx.sizes(label, count) for label, count in films.items()}
    assert aside == {"normal": (100, 100), "pneumonia": (100, 100), "covid19": (10, 10)}
    assert [films[label] - sum(aside[label]) for label in films] == [8651, 5812, 160]


def test_each_part_gives_its_classes(tmp_path):
    LAYOUTS["covidx"](tmp_path, 60, 0, 64)
    manifest = open_data(tmp_path)
    used = manifest.select("classification")
    assert Counter((row.path.suffix == ".dcm", row.label) for row in used) == {
        (True, "normal"): 10,
        (True, "pneumonia"): 10,
        (False, "covid19"): 7,
    }
    left_out = {row.label for row in manifest if not row.split_classification}
    assert left_out == {"unlabelled", "bacterial", "viral", "tuberculosis", "normal"}
    assert len(manifest) == 60


def test_three_classes_go_through_the_manifest_and_their_spec(tmp_path):
    LAYOUTS["covidx"](tmp_path / "data", 40, 0, 64)
    write_manifest(open_data(tmp_path / "data"), tmp_path / "covidx.csv")
    classes = parse_classes(COVID_NET_CLASSES.spec())
    assert classes == COVID_NET_CLASSES
    assert classes.names == ("normal", "pneumonia", "covid19")
    for split in ("train", "validation", "test"):
        rows = read_manifest(tmp_path / "covidx.csv").select("classification", split)
        assert {classes.index(row.label) for row in rows} == {0, 1, 2}


def test_phantoms_in_a_part_count_as_such(tmp_path):
    LAYOUTS["covidx"](tmp_path, 12, 0, 64)
    (tmp_path / "PHANTOM.txt").unlink()
    (tmp_path / "covid-chestxray-dataset" / "PHANTOM.txt").unlink()
    assert {row.source for row in open_data(tmp_path)} == {"phantom", "cohen"}


def test_both_parts_are_needed_and_only_once(tmp_path):
    LAYOUTS["covidx"](tmp_path, 12, 0, 64)
    part = tmp_path / "rsna-pneumonia-detection-challenge"
    assert rsna.recognises(part)
    shutil.copytree(part, tmp_path / "copy")
    with pytest.raises(ManifestError, match="RSNA's challenge in one folder, not in copy, rsna-"):
        open_data(tmp_path)
    shutil.rmtree(part)
    assert covidx.recognises(tmp_path)
    shutil.rmtree(tmp_path / "copy")
    assert not covidx.recognises(tmp_path)
