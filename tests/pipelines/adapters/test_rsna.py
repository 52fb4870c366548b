import json

import pytest

from pipelines.adapters import rsna
from pipelines.manifest.table import ManifestError
from tools.phantoms.layouts import LAYOUTS


def tables(folder, labels, details):
    (folder / rsna.LABELS).write_text("patientId,x,y,width,height,Target\n" + labels)
    (folder / rsna.DETAILS).write_text("patientId,class\n" + details)
    return folder


def test_classes_and_several_boxes_a_film(tmp_path):
    tables(
        tmp_path,
        "a,,,,,0\nb,1,2,3,4,1\nb,5,6,7,8,1\nc,,,,,0\n",
        "a,Normal\nb,Lung Opacity\nb,Lung Opacity\nc,No Lung Opacity / Not Normal\n",
    )
    manifest = rsna.adapt(tmp_path)
    assert [(row.path.name, row.label, row.split_classification) for row in manifest] == [
        ("a.dcm", "normal", "train"),
        ("b.dcm", "pneumonia", "train"),
        ("c.dcm", "unlabelled", ""),
    ]
    assert manifest[0].path.parent == tmp_path / "stage_2_train_images"
    assert [row.patient_id for row in manifest] == ["rsna-a", "rsna-b", "rsna-c"]


def test_view_sex_and_age_come_from_the_headers(tmp_path):
    LAYOUTS["rsna"](tmp_path, 8, 0, 64)
    rows = sorted(rsna.adapt(tmp_path), key=lambda row: int(row.age))
    assert [row.age for row in rows] == [str(20 + 7 * n) for n in range(8)]
    assert [row.sex for row in rows] == ["F", "M"] * 4
    assert [row.view for row in rows] == ["PA", "PA", "PA", "AP"] * 2
    assert {(row.cohort, row.age_group) for row in rows} == {("adult", "adult")}


def test_a_damaged_film_does_not_stop_the_others(tmp_path):
    LAYOUTS["rsna"](tmp_path, 3, 0, 64)
    first, *_ = sorted((tmp_path / rsna.IMAGES).iterdir())
    first.write_bytes(b"no DICOM")
    assert [row.sex == "" for row in rsna.adapt(tmp_path)] == [True, False, False]


def test_the_mappings_tell_patients_apart(tmp_path):
    names = [f"film{number}" for number in range(20)]
    tables(
        tmp_path,
        "".join(f"{name},,,,,0\n" for name in names),
        "".join(f"{name},Normal\n" for name in names),
    )
    entries = [
        {"subset_img_id": name, "img_id": f"{number // 4:08d}_{number % 4:03d}.png"}
        for number, name in enumerate(names[:-1])
    ]
    (tmp_path / rsna.MAPPINGS).write_text(json.dumps(entries))
    manifest = rsna.adapt(tmp_path)
    patients = {row.path.stem: row.patient_id for row in manifest}
    assert patients["film0"] == patients["film3"] == "nih-00000000"
    assert patients["film4"] == "nih-00000001"
    assert patients["film19"] == "rsna-film19"
    for patient in set(patients.values()):
        splits = {row.split_classification for row in manifest if row.patient_id == patient}
        assert len(splits) == 1
    (tmp_path / rsna.MAPPINGS).write_text('[{"img_id": 5}]')
    with pytest.raises(ManifestError, match="no list of films with img_id"):
        rsna.adapt(tmp_path)


@pytest.mark.parametrize(
    ("labels", "details", "fault"),
    [
        ("a,,,,,0\n", "b,Normal\n", "a: stands in stage_2_train_labels.csv only"),
        ("a,,,,,0\n", "a,Sick\n", "a: unknown class 'Sick'"),
        ("a,1,2,3,4,1\n", "a,Normal\n", "a: class 'Normal' contradicts Target 1"),
        ("a,,,,,0\n", "a,Lung Opacity\n", "a: class 'Lung Opacity' contradicts Target 0"),
        ("a,,,,,0\na,1,2,3,4,1\n", "a,Normal\n", "a: both '0' and '1'"),
    ],
)
def test_tables_that_contradict_each_other_are_refused(tmp_path, labels, details, fault):
    with pytest.raises(ManifestError) as caught:
        rsna.adapt(tables(tmp_path, labels, details))
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith(fault)


def test_without_the_detailed_classes_it_says_so(tmp_path):
    tables(tmp_path, "a,,,,,0\n", "a,Normal\n")
    (tmp_path / rsna.DETAILS).unlink()
    with pytest.raises(ManifestError, match="detailed_class_info.csv: .*\n.*cannot be read"):
        rsna.adapt(tmp_path)
