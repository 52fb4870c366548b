"""The Wingspan set, as the repository has it and in full."""

import shutil

import numpy as np
import pytest

from pipelines.adapters import open_data, wingspan
from pipelines.manifest.mask_checks import misfits
from pipelines.manifest.table import ManifestError, validate
from tools.phantoms.chest import phantom
from tools.phantoms.files import write_dicom, write_image
from tools.phantoms.layouts import LAYOUTS

ORGANS = ("heart", "left_lung", "right_lung")


def test_films_of_one_study_stay_together(tmp_path):
    LAYOUTS["wingspan"](tmp_path, 40, 0, 64)
    manifest = open_data(tmp_path)
    validate(manifest, "segmentation", need=("train", "validation", "test"))
    rows = list(manifest)
    assert len({row.patient_id for row in rows}) == 30
    assert rows[2].patient_id == rows[3].patient_id == "wingspan-1.2.410.200048.7902"
    assert {(row.label, row.split_classification, len(row.masks)) for row in rows} == {
        ("unlabelled", "", 3)
    }
    assert open_data(tmp_path / "wingspan")[0].path == rows[0].path


def test_another_name_is_its_own_patient_and_a_film_without_heart_is_not_split(tmp_path):
    LAYOUTS["wingspan"](tmp_path, 4, 0, 64)
    name = "1.2.392.200046.100.2.1.116528309041.170205083606.png"
    for file in tmp_path.rglob("1.2.410.200048.7900.*"):
        shutil.copy(file, file.with_name(name))
    (tmp_path / "wingspan/mask/heart" / name).unlink()
    row = next(row for row in wingspan.adapt(tmp_path) if row.path.name == name)
    assert row.patient_id == f"wingspan-{name[:-4]}"
    assert (row.mask_heart, row.split_segmentation) == (None, "")


def test_the_full_set_tells_view_and_patient_by_its_headers(tmp_path):
    for number in range(12):
        folder = tmp_path / f"1.2.840.113619.2.{number}"
        drawn = phantom("normal", np.random.default_rng(number), 96)
        for organ in ORGANS:
            write_image(folder / f"{organ}.png", getattr(drawn, organ).astype(np.uint8) * 255)
        who = {"PatientAge": f"{10 + number:03d}Y", "PatientSex": "F"}
        write_dicom(folder / "original.dcm", drawn.pixels, key=str(number), **who)
        masks = {organ: getattr(drawn, organ) for organ in ORGANS}
        assert list(misfits((96, 96), masks)) == []
    assert wingspan.recognises(tmp_path)
    rows = list(wingspan.adapt(tmp_path))
    assert sorted(row.age_group for row in rows) == ["adult"] * 4 + ["child"] * 8
    assert {(row.view, row.sex) for row in rows} == {("PA", "F")}
    assert {row.split_segmentation for row in rows} == {"train", "validation", "test"}


def test_an_empty_folder_is_told(tmp_path):
    assert not wingspan.recognises(tmp_path)
    with pytest.raises(ManifestError, match="no films; looked for wingspan/png"):
        wingspan.adapt(tmp_path)
