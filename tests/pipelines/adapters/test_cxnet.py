"""COVID-CXNet: the marks of its names, and the films it has from Hannover."""

import pytest

from pipelines.adapters import cxnet
from pipelines.manifest.table import ManifestError


def release(folder, *names):
    place = folder / "chest_xray_images" / "covid19"
    place.mkdir(parents=True)
    for name in names:
        (place / name).touch()
    return folder


def test_names_tell_children_and_hannovers_films(tmp_path):
    names = ("001.jpeg", "280-.jpg", "374.PNG", "484p.png", "509.png", "510.png", "527-.png",
             "600.jpg", "708.png", "709.png", "244.jfif", "465.webp", "notes.txt")  # fmt: skip
    rows = {row.path.name: row for row in cxnet.adapt(release(tmp_path, *names))}
    assert set(names) - set(rows) == {"465.webp", "notes.txt"}
    copied = {name for name, row in rows.items() if row.source == "hannover"}
    assert copied == {"510.png", "527-.png", "708.png"}
    assert {name for name, row in rows.items() if row.age_group == "child"} == {"484p.png"}
    without = {name for name, row in rows.items() if not row.split_classification}
    assert without == copied | {"484p.png"}
    assert {row.label for row in rows.values()} == {"covid19"}
    assert rows["280-.jpg"].patient_id == "cxnet-280"
    assert "3.0" in rows["510.png"].licence and "4.0" in rows["001.jpeg"].licence


def test_the_folder_of_films_will_do_and_an_empty_one_not(tmp_path):
    release(tmp_path, "001.jpeg")
    images = tmp_path / "chest_xray_images"
    assert cxnet.recognises(images) and len(cxnet.adapt(images)) == 1
    (images / "covid19" / "001.jpeg").unlink()
    assert not cxnet.recognises(tmp_path)
    with pytest.raises(ManifestError, match="no films; looked for chest_xray_images"):
        cxnet.adapt(tmp_path)
