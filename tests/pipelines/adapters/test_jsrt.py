import shutil
from collections import Counter

import numpy as np
import pytest

from pipelines.adapters import jsrt, open_data
from pipelines.decode import decode_mask
from pipelines.films import read_film
from pipelines.manifest.table import ManifestError, validate
from tools.phantoms.layouts import LAYOUTS

ORGANS = ("heart", "left lung", "right lung")


def layout(folder, films):
    """The names of the release, with empty files."""
    (folder / "All247images").mkdir(parents=True)
    for kind, count in films.items():
        for number in range(1, count + 1):
            name = f"JPC{kind}N{number:03d}"
            (folder / "All247images" / f"{name}.IMG").touch()
            for organ in ORGANS:
                masks = folder / "scratch" / f"fold{1 if number % 2 else 2}" / "masks" / organ
                masks.mkdir(parents=True, exist_ok=True)
                (masks / f"{name}.gif").touch()
    return folder


def test_the_release_gives_the_counts_of_table_i(tmp_path):
    manifest = jsrt.adapt(layout(tmp_path, {"L": 154, "N": 93}))
    assert Counter(row.label for row in manifest) == {"lung_nodule": 154, "normal": 93}
    splits = Counter(row.split_segmentation for row in manifest)
    # The paper: 197 and 50 of 247. A fifth of each class, rounded down, tests.
    assert splits["train"] + splits["validation"] == 199
    assert splits["test"] == 30 + 18
    classified = manifest.select("classification")
    assert len(classified) == 18  # the paper: 20 normal films (Table II)
    assert {(row.label, row.split_segmentation) for row in classified} == {("normal", "test")}
    assert all(len(row.masks) == 3 and row.view == "PA" for row in manifest)
    assert all(file.is_file() for row in manifest for file in row.masks.values())


def test_sex_and_age_come_from_the_clinical_files(tmp_path):
    layout(tmp_path, {"L": 3, "N": 2})
    notes = tmp_path / "Clinical_Information"
    notes.mkdir()
    (notes / "CLNDAT_EN.txt").write_bytes(
        b"JPCLN001.IMG\t5\t15\t53\tfemale\t1634\t692\tmalignant\tl.upper lobe\tlung cancer\r"
        b"JPCLN002.IMG\t5\t30\t?\tmale\t1614\t692\tbenign\tl.upper lobe\ttuberculoma\r\r"
    )
    (notes / "CNNDAT_EN.TXT").write_bytes(
        b"JPCNN001.IMG     69     male      non-nodule\r\n"
        b"JPCNN002.IMG     16     female    non-nodule\r\n"
    )
    known = {row.patient_id: (row.sex, row.age, row.cohort) for row in jsrt.adapt(tmp_path)}
    assert known == {
        "JPCLN001": ("F", "53", "adult"),
        "JPCLN002": ("M", "", ""),
        "JPCLN003": ("", "", ""),
        "JPCNN001": ("M", "69", "adult"),
        "JPCNN002": ("F", "16", "paediatric"),
    }


def test_masks_lie_on_the_film_and_the_reader_turns_the_grey_scale(tmp_path):
    LAYOUTS["jsrt"](tmp_path, 2, 0, 64)
    manifest = open_data(tmp_path)
    assert len(manifest) == 2
    for row in manifest:
        pixels = read_film(row.path).pixels[::2, ::2]
        masks = {name: decode_mask(file.read_bytes()).numpy() for name, file in row.masks.items()}
        assert np.median(pixels[masks["heart"]]) > np.median(pixels[masks["right_lung"]])
        columns = {name: np.nonzero(mask)[1].mean() for name, mask in masks.items()}
        assert columns["right_lung"] < columns["left_lung"]
        assert row.sex and row.age


def test_a_missing_mask_is_named_and_without_scr_there_are_none(tmp_path):
    layout(tmp_path, {"L": 4, "N": 4})
    lost = tmp_path / "scratch" / "fold2" / "masks" / "heart" / "JPCLN002.gif"
    lost.unlink()
    with pytest.raises(ManifestError, match=f"{lost}: heart mask is missing"):
        validate(open_data(tmp_path), "segmentation")
    shutil.rmtree(tmp_path / "scratch")
    manifest = open_data(tmp_path)
    assert not any(row.masks or row.split_segmentation for row in manifest)
    assert len(manifest.select("classification")) == 4


def test_it_is_found_one_folder_deeper_and_other_films_are_not(tmp_path):
    layout(tmp_path / "JSRT", {"L": 1})
    assert jsrt.recognises(tmp_path)
    assert len(jsrt.adapt(tmp_path)[0].masks) == 3
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "scan.img").touch()
    assert not jsrt.recognises(tmp_path / "other")
