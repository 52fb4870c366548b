"""Hannover's repository: what the admission offset says, and whose film it is."""

import pytest

from pipelines.adapters import hannover
from pipelines.manifest.table import ManifestError

HEADER = "patient_id,image_id,sex,age,admission_offset,modality,projection,crp_val\n"


def release(folder, *lines):
    (folder / "data.csv").write_text(HEADER + "".join(f"{line}\n" for line in lines))
    return folder


@pytest.mark.parametrize(
    ("offset", "label"),
    [
        ("0", "covid19"), ("-61", "covid19"), ("6", "covid19"), ("7", "unlabelled"),
        ("14", "unlabelled"), ("23", "unlabelled"), ("4.0", "covid19"), ("", "unlabelled"),
    ],
)  # fmt: skip
def test_the_admission_tells_whether_it_is_covid19(tmp_path, offset, label):
    (row,) = hannover.adapt(release(tmp_path, f"88b33741,2c35005f,f,,{offset},DX,pa,"))
    assert row.label == label
    assert bool(row.split_classification) == (label == "covid19")


def test_patients_views_and_other_modalities(tmp_path):
    release(
        tmp_path,
        "042f06a9,b343e657,m,,0,CR,ap,5.0",
        "042f06a9,c9280a30,m,,-2,DX,pa,",
        "0a359802,61bc50d1,f,64,0,CT,,",
        "1c642000,f6575117,f,64,0,CR,pa,",
    )
    rows = list(hannover.adapt(tmp_path))
    assert [row.path for row in rows] == [
        tmp_path / "png" / f"{name}.png" for name in ("b343e657", "c9280a30", "f6575117")
    ]
    assert [row.view for row in rows] == ["AP", "PA", "PA"]
    assert [row.sex for row in rows] == ["M", "M", "F"]
    assert [row.age_group for row in rows] == ["", "", "adult"]
    assert rows[0].patient_id == rows[1].patient_id != rows[2].patient_id
    assert rows[0].split_classification == rows[1].split_classification


def test_an_offset_that_is_no_number_is_told(tmp_path):
    release(tmp_path, "a,b343e657,m,,today,CR,ap,", "b,c9280a30,m,,0,CR,ap,")
    with pytest.raises(ManifestError, match="b343e657: admission_offset 'today' is no number"):
        hannover.adapt(tmp_path)
