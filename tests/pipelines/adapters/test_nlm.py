"""Montgomery and Shenzhen."""

from collections import Counter

import pytest

from pipelines.adapters import montgomery, open_data, shenzhen
from pipelines.manifest.table import ManifestError, validate
from tools.phantoms.layouts import LAYOUTS


def film(release, name, reading=None, masks=()):
    for folder in ("CXR_png", *masks):
        (release / folder).mkdir(parents=True, exist_ok=True)
        (release / folder / f"{name}.png").touch()
    if reading is not None:
        (release / "ClinicalReadings").mkdir(exist_ok=True)
        (release / "ClinicalReadings" / f"{name}.txt").write_text(reading)


MASKS = ("ManualMask/leftMask", "ManualMask/rightMask")


def test_montgomery_has_the_release_counts(tmp_path):
    for number in range(138):
        name = f"MCUCXR_{number + 1:04d}_{int(number >= 80)}"
        film(tmp_path / "MontgomerySet", name, "Patient's Sex: F\nPatient's Age: 040Y\n", MASKS)
    manifest = montgomery.adapt(tmp_path)
    assert Counter(row.label for row in manifest) == {"normal": 80, "tuberculosis": 58}
    assert {row.split_segmentation for row in manifest} == {"crossdb"}
    assert Counter(row.split_classification for row in manifest) == {
        "train": 56 + 42, "validation": 8 + 5, "test": 16 + 11,
    }  # fmt: skip
    assert {len(row.masks) for row in manifest} == {2}


def test_montgomery_reads_sex_and_age_and_leaves_children_out(tmp_path):
    film(tmp_path, "MCUCXR_0001_0", "Patient's Sex: F \nPatient's Age: 027Y\nnormal\n")
    film(tmp_path, "MCUCXR_0002_1", "Patient's Sex: M\nPatient's Age: 004Y\n3 cavities\n")
    film(tmp_path, "MCUCXR_0003_1")
    grown, child, unknown = montgomery.adapt(tmp_path)
    assert (grown.sex, grown.age, grown.cohort) == ("F", "27", "adult")
    assert (child.sex, child.age, child.cohort) == ("M", "4", "paediatric")
    assert (unknown.sex, unknown.age, unknown.cohort) == ("", "", "")
    assert [row.age_group for row in (grown, child, unknown)] == ["adult", "child", ""]
    assert [row.split_classification != "" for row in (grown, child, unknown)] == [
        True,
        False,
        True,
    ]
    assert [row.patient_id for row in (grown, child)] == ["MCUCXR_0001", "MCUCXR_0002"]
    assert not any(row.masks or row.split_segmentation for row in (grown, child))


def test_a_montgomery_mask_that_is_missing_is_named(tmp_path):
    LAYOUTS["montgomery"](tmp_path, 4, 0, 64)
    lost = tmp_path / "MontgomerySet" / "ManualMask" / "leftMask" / "MCUCXR_0001_0.png"
    lost.unlink()
    with pytest.raises(ManifestError, match=f"{lost}: left_lung mask is missing"):
        validate(open_data(tmp_path), "segmentation", need=("crossdb",))


@pytest.mark.parametrize(
    ("reading", "known"),
    [
        ("male 45yrs\nnormal", ("M", "45", "adult")),
        ("Female, 28yrs\nPTB in both upper fields", ("F", "28", "adult")),
        ("femal 17 yrs\n", ("F", "17", "paediatric")),
        ("male 16month\nright PTB", ("M", "1", "paediatric")),
        ("female 64days", ("F", "0", "paediatric")),
        ("", ("", "", "")),
    ],
)
def test_shenzhen_reads_every_spelling_of_sex_and_age(tmp_path, reading, known):
    film(tmp_path / "ChinaSet_AllFiles", "CHNCXR_0001_0", reading)
    (row,) = shenzhen.adapt(tmp_path)
    assert (row.sex, row.age, row.cohort) == known
    assert (row.split_classification == "") == (row.cohort == "paediatric")


@pytest.mark.parametrize("folder", ["mask", "masks", "ChinaSet_AllFiles/mask"])
def test_shenzhen_films_with_a_mask_test_segmentation(tmp_path, folder):
    for name in ("CHNCXR_0001_0", "CHNCXR_0327_1"):
        film(tmp_path / "ChinaSet_AllFiles", name)
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "CHNCXR_0327_1_mask.png").touch()
    normal, ill = shenzhen.adapt(tmp_path)
    assert (normal.label, normal.masks, normal.split_segmentation) == ("normal", {}, "")
    assert (ill.label, set(ill.masks), ill.split_segmentation) == (
        "tuberculosis", {"lung"}, "crossdb",
    )  # fmt: skip


def test_other_folders_are_not_theirs(tmp_path):
    film(tmp_path, "XYZCXR_0001_0")
    for adapter in (montgomery, shenzhen):
        assert not adapter.recognises(tmp_path)
        with pytest.raises(ManifestError, match="no films; looked for"):
            adapter.adapt(tmp_path)
