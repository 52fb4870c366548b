import csv
from collections import Counter

import pytest

from pipelines.adapters import development, open_data
from pipelines.classes import COVID_NET_CLASSES, PAPER_CLASSES
from pipelines.manifest.table import ManifestError, validate

HEADER = (
    "path", "source_repo", "original_path", "class", "patient_id", "view", "width", "height",
    "bits", "license", "split_hint", "orig_width", "orig_height", "masks", "paper_list", "note",
    "age_group",
)  # fmt: skip


def write(folder, *rows):
    with open(folder / "manifest.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, HEADER, restval="")
        writer.writeheader()
        writer.writerows(rows)


def nodule(number, **values):
    row = {
        "path": f"seg/jsrt/images/JPCLN{number:03d}.png",
        "class": "lung_nodule",
        "patient_id": f"JPCLN{number:03d}",
        "view": "PA",
        "split_hint": "seg_train",
        "masks": "left_lung;right_lung;heart",
    }
    return {**row, **values}


def test_rows_are_translated(tmp_path):
    for mask in ("heart", "left_lung", "right_lung"):
        (tmp_path / "seg/jsrt" / f"masks_{mask}").mkdir(parents=True)
    write(
        tmp_path,
        nodule(1, split_hint="seg_test"),
        {
            "path": "cls/normal/jsrt__JPCNN002.png",
            "class": "normal",
            "patient_id": "JPCNN002",
            "split_hint": "cls_val",
            "masks": "see seg/jsrt/*/JPCNN002.png",
        },
        {
            "path": "cls/covid19/cohen__x-1.jpg",
            "class": "covid19",
            "patient_id": "cohen-1",
            "view": "AP Supine",
            "license": "CC BY-NC-ND",
            "split_hint": "cls_train",
            "masks": "lung:seg/cohen_v7/masks_lung/cohen__x-1.png",
            "paper_list": "Y:COVID-19",
        },
        {
            "path": "seg/montgomery/images/MCUCXR_0001_0.png",
            "class": "normal",
            "patient_id": "MCUCXR_0001",
            "split_hint": "seg_test_crossdb|cls_test",
            "masks": "lung;left_lung;right_lung",
        },
        {
            "path": "cls/viral/kermany__person1_virus_2.jpeg",
            "class": "viral",
            "split_hint": "cls_test",
            "note": "original bytes; paediatric",
        },
        {"path": "dicom/siim_a.dcm", "class": "unlabelled", "split_hint": "dicom_io_test"},
        nodule(9, split_hint="exclude_degraded"),
    )
    jsrt, copy, cohen, montgomery, kermany, dicom, degraded = open_data(tmp_path)
    assert jsrt.path == tmp_path / "seg/jsrt/images/JPCLN001.png"
    assert jsrt.masks == {
        mask: tmp_path / "seg/jsrt" / f"masks_{mask}" / "JPCLN001.png"
        for mask in ("heart", "left_lung", "right_lung")
    }
    assert (jsrt.split_segmentation, jsrt.split_classification) == ("test", "")
    assert (jsrt.source, jsrt.view, jsrt.cohort, jsrt.paper_list) == ("jsrt", "PA", "adult", "")
    assert copy.source == "jsrt"
    assert copy.mask_heart == tmp_path / "seg/jsrt/masks_heart/JPCNN002.png"
    assert copy.mask_lung is None
    assert (copy.split_segmentation, copy.split_classification) == ("", "validation")
    assert cohen.masks == {"lung": tmp_path / "seg/cohen_v7/masks_lung/cohen__x-1.png"}
    assert (cohen.source, cohen.view, cohen.trainable) == ("cohen", "AP Supine", False)
    assert cohen.on_paper_list
    assert set(montgomery.masks) == {"lung", "left_lung", "right_lung"}
    assert (montgomery.split_segmentation, montgomery.split_classification) == ("crossdb", "test")
    assert (kermany.source, kermany.cohort, kermany.masks) == ("kermany", "paediatric", {})
    assert (kermany.age_group, cohen.age_group) == ("child", "")
    assert dicom.source == "siim"
    for row in (dicom, degraded):
        assert (row.split_segmentation, row.split_classification) == ("", "")


def test_age_groups_are_the_folders_own_where_it_has_them(tmp_path):
    groups = ("child", "adult", "adult?", "")
    write(tmp_path, *(nodule(n, age_group=group) for n, group in enumerate(groups)))
    assert [row.age_group for row in open_data(tmp_path)] == ["child", "adult", "unknown", ""]
    write(tmp_path, nodule(1, age_group="grown"))
    with pytest.raises(ManifestError, match="JPCLN001.png: unknown age group 'grown'; use child"):
        open_data(tmp_path)


def test_a_tenth_of_the_training_patients_validates_and_always_the_same(tmp_path):
    rows = [nodule(number) for number in range(1000)]
    write(tmp_path, *rows)
    first = {row.patient_id: row.split_segmentation for row in open_data(tmp_path)}
    assert 70 < sum(split == "validation" for split in first.values()) < 130
    write(tmp_path, *rows[::-1][:500])
    assert all(first[row.patient_id] == row.split_segmentation for row in open_data(tmp_path))


def test_unknown_hints_and_masks_are_listed_at_once(tmp_path):
    write(
        tmp_path,
        nodule(1, split_hint="seg_dev"),
        nodule(2),
        nodule(3, masks="heart;clavicle"),
        nodule(4, masks="see elsewhere"),
    )
    with pytest.raises(ManifestError) as caught:
        open_data(tmp_path)
    assert len(caught.value.faults) == 3
    for fault, number, cause in zip(
        caught.value.faults, (1, 3, 4), ("seg_dev", "clavicle", "see elsewhere"), strict=True
    ):
        assert f"JPCLN00{number}.png" in fault
        assert cause in fault


def test_other_folders_are_not_recognised(tmp_path):
    assert not development.recognises(tmp_path)
    (tmp_path / "manifest.csv").write_text("path,class\n")
    assert not development.recognises(tmp_path)


def test_the_research_data_passes_every_check(research_data):
    manifest = open_data(research_data)
    validate(manifest, "segmentation", need=("train", "validation", "test", "crossdb"))
    for classes in (PAPER_CLASSES, COVID_NET_CLASSES):
        validate(manifest, "classification", classes, need=("train", "validation", "test"))
    counts = Counter(row.split_segmentation for row in manifest)
    assert counts["train"] + counts["validation"] == 196
    assert 10 <= counts["validation"] <= 30
    assert (counts["test"], counts["crossdb"]) == (44, 138)
    assert len(manifest.select("classification", "test")) == 116
    assert {row.source for row in manifest} == {
        "jsrt", "montgomery", "cohen", "kermany", "siim", "nema",
    }  # fmt: skip
    assert sum(not row.trainable for row in manifest) == 10
    assert all(row.cohort == "paediatric" for row in manifest if row.source == "kermany")
    assert not manifest.phantom
