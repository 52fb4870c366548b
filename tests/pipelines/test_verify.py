import dataclasses
import json

import cv2
import numpy as np
import pytest

from pipelines import verify
from pipelines.manifest.table import Manifest, ManifestRow, hash_films, write_manifest
from tools.phantoms.__main__ import phantom

MASKS = ("heart", "left_lung", "right_lung")


def save(path, pixels):
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
    return path


@pytest.fixture(scope="module")
def phantoms():
    return [phantom("normal", np.random.default_rng(seed), size=192) for seed in range(6)]


@pytest.fixture
def data(tmp_path, phantoms):
    """Two films with masks to train segmentation, one to test it, three to classify."""
    rows = []
    for number, (own, splits) in enumerate(
        zip(phantoms, ("train,", "validation,", "test,", ",train", ",validation", ",test"),
            strict=True)
    ):  # fmt: skip
        segmentation, classification = splits.split(",")
        masks = {
            f"mask_{name}": save(
                tmp_path / name / f"{number}.png", getattr(own, name).astype(np.uint8) * 255
            )
            for name in MASKS
            if segmentation
        }
        rows.append(
            ManifestRow(
                save(tmp_path / "films" / f"{number}.png", own.pixels),
                "normal",
                patient_id=f"p{number}",
                source="phantom",
                split_segmentation=segmentation,
                split_classification=classification,
                **masks,
            )
        )
    return hash_films(Manifest(tmp_path / "manifest.csv", tuple(rows)))


def changed(data, place, **changes):
    rows = list(data.rows)
    rows[place] = dataclasses.replace(rows[place], **changes)
    return Manifest(data.root, tuple(rows))


def kinds(data):
    return [finding.kind for finding in verify.verify(data)]


def run(data, capsys, *arguments):
    write_manifest(data, data.root)
    status = verify.main([str(data.root), *arguments])
    return status, capsys.readouterr().out


def test_good_data_have_no_finding(data, capsys):
    assert verify.verify(data) == []
    assert run(data, capsys) == (0, "6 films: 0 faults, 0 notes\n")
    status, text = run(data, capsys, "--json")
    report = json.loads(text)
    assert status == 0 and report["films"] == 6 and report["findings"] == []
    assert set(report["counts"]) == set(verify.KINDS) and not any(report["counts"].values())


def test_files_that_are_missing_empty_changed_or_broken(data, capsys):
    films = [row.path for row in data]
    films[0].unlink()
    films[1].write_bytes(b"")
    films[2].write_bytes(films[2].read_bytes()[:-40])
    save(films[3], np.full((40, 40), 9, np.uint8))
    data.rows[2].mask_heart.write_bytes(b"no mask")
    data.rows[2].mask_left_lung.unlink()
    status, text = run(data, capsys)
    assert status == 1
    assert "fault missing_file, 3" in text and "fault changed_film, 2" in text
    assert "fault unreadable_film, 2" in text
    assert "films/3.png: every pixel has the same grey level" in text
    assert str(data.root.parent) not in text  # paths below the data's folder
    faults = json.loads(run(data, capsys, "--json")[1])
    assert faults["faults"] == sum(faults["counts"].values()) == 7


def test_a_broken_mask_and_one_that_does_not_fit(data):
    row = data.rows[0]
    row.mask_heart.write_bytes(b"no mask")
    swapped = changed(
        data, 0, mask_left_lung=row.mask_right_lung, mask_right_lung=row.mask_left_lung
    )
    assert kinds(swapped) == ["unreadable_mask", "misfit_mask"]
    assert "swap" in verify.verify(swapped)[1].text


def test_rows_that_contradict_themselves(data):
    assert kinds(changed(data, 3, split_classification="trial")) == ["unknown_split"]
    assert kinds(changed(data, 3, label="cough")) == ["unknown_class"]
    assert kinds(changed(data, 0, mask_heart=None)) == ["missing_mask"]
    assert kinds(changed(data, 0, age_group="adult?")) == ["wrong_age_group"]
    assert kinds(changed(data, 0, age_group="adult", age="4")) == ["wrong_age_group"]
    for group in ("unknown", "child", ""):
        assert kinds(changed(data, 0, age_group=group, age="4" * (group != "unknown"))) == []
    assert kinds(Manifest(data.root, (*data.rows, data.rows[5]))) == ["doubled_row"]


def test_a_patient_in_two_splits_of_a_task_is_a_fault_and_of_two_tasks_none(data):
    assert kinds(changed(data, 4, patient_id="p3")) == ["patient_in_two_splits"]
    assert kinds(changed(data, 3, patient_id="p0")) == []


def test_the_same_bytes_in_two_splits_are_found_without_hashes_in_the_manifest(data):
    films = [row.path for row in data]
    films[4].write_bytes(films[3].read_bytes())
    plain = Manifest(data.root, tuple(dataclasses.replace(row, sha256="") for row in data))
    assert kinds(plain) == ["film_in_two_splits", "near_duplicate_across_splits"]


def test_test_films_that_segmentation_has_seen_are_noted(data, phantoms, capsys):
    by_patient = changed(data, 5, patient_id="p1")
    assert kinds(by_patient) == ["seen_in_segmentation"]
    film = data.rows[5].path
    film.write_bytes(data.rows[0].path.read_bytes())
    by_content = hash_films(data)
    assert [found.kind for found in verify.verify(by_content)] == ["seen_in_segmentation"]
    assert "identical content as films/0.png" in verify.verify(by_content)[0].text
    save(film, cv2.resize(phantoms[0].pixels, (300, 300), interpolation=cv2.INTER_CUBIC))
    by_picture = hash_films(data)
    status, text = run(by_picture, capsys)
    assert status == 0  # a note
    assert "note seen_in_segmentation, 1" in text and "nearly the same picture" in text


def test_near_duplicates_across_splits_and_sources_are_noted(data, phantoms):
    smaller = cv2.resize(phantoms[3].pixels, (150, 150), interpolation=cv2.INTER_AREA)
    save(data.rows[4].path, smaller)
    data = hash_films(data)
    assert kinds(data) == ["near_duplicate_across_splits"]
    elsewhere = changed(data, 4, source="elsewhere")
    assert kinds(elsewhere) == ["near_duplicate_across_splits", "near_duplicate_across_sources"]
    assert "phantom, elsewhere" in verify.verify(elsewhere)[1].text
    assert kinds(changed(data, 4, split_classification="train")) == []  # one split, one source


def test_wrong_usage(tmp_path, capsys):
    assert verify.main([str(tmp_path / "none.csv")]) == 2
    assert verify.main([str(tmp_path)]) == 2
    assert "looked for" in capsys.readouterr().err
    with pytest.raises(SystemExit) as left:
        verify.main([])
    assert left.value.code == 2


@pytest.mark.slow
def test_the_development_data_have_no_fault(research_data, capsys):
    assert verify.main([str(research_data), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["films"], report["faults"]) == (824, 0)
    found = {kind: count for kind, count in report["counts"].items() if count}
    assert found == {"seen_in_segmentation": 4}  # docs/reference/manifest.md
