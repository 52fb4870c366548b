"""What holds for every release, on phantoms written in its layout."""

import pytest

from pipelines.adapters import ADAPTERS, open_data
from pipelines.classes import COVID_NET_CLASSES, PAPER_CLASSES
from pipelines.decode import decode_mask
from pipelines.films import read_film
from pipelines.manifest.table import ManifestError, read_manifest, validate, write_manifest
from tools.phantoms.layouts import LAYOUTS

RELEASES = [name for name in ADAPTERS if name != "development"]
FILMS = {"jsrt": 6, "covidx": 40, "radiography": 40, "nih": 60}
SEGMENTED = ("jsrt", "wingspan")


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    root = tmp_path_factory.mktemp("releases")
    for name in RELEASES:
        LAYOUTS[name](root / name, FILMS.get(name, 24), 0, 64)
    return root


@pytest.mark.parametrize("name", RELEASES)
def test_one_adapter_recognises_it(releases, name):
    assert [n for n, adapter in ADAPTERS.items() if adapter.recognises(releases / name)] == [name]


@pytest.mark.parametrize("name", RELEASES)
def test_the_manifest_passes_every_check_and_survives_writing(releases, name, tmp_path):
    manifest = open_data(releases / name)
    assert manifest.phantom
    assert len({row.path for row in manifest}) == len(manifest) > 0
    assert all(row.patient_id and row.licence for row in manifest)
    task = "segmentation" if name in SEGMENTED else "classification"
    need = ("train", "validation", "test")
    if name in ("montgomery", "shenzhen"):
        validate(manifest, "segmentation", need=("crossdb",))
    validate(manifest, task, need=need)
    write_manifest(manifest, tmp_path / "out.csv")
    again = read_manifest(tmp_path / "out.csv")
    assert again.rows == manifest.rows
    assert again.fingerprint() == open_data(releases / name).fingerprint()


@pytest.mark.parametrize("name", RELEASES)
def test_films_and_masks_can_be_read(releases, name):
    manifest = open_data(releases / name)
    for row in manifest[:2]:
        film = read_film(row.path)
        assert (film.status, film.error) == ("ok", "")
        for mask in row.masks.values():
            lit = decode_mask(mask.read_bytes()).numpy()
            assert 0.005 < lit.mean() < 0.6


def test_the_classes_of_the_paper_and_of_covid_net(releases):
    four = (
        "cohen",
        "coronahack",
        "montgomery",
        "shenzhen",
        "nih",
        "radiography",
        "hannover",
        "cxnet",
    )
    for name in four:
        rows = open_data(releases / name).select("classification")
        assert {row.label for row in rows} <= set(PAPER_CLASSES.members)
    covidx = open_data(releases / "covidx")
    validate(covidx, "classification", COVID_NET_CLASSES, need=("train", "validation", "test"))
    for split in ("train", "validation", "test"):
        rows = covidx.select("classification", split)
        assert {COVID_NET_CLASSES.index(row.label) for row in rows} == {0, 1, 2}


def test_two_releases_in_one_folder_are_refused(tmp_path):
    LAYOUTS["montgomery"](tmp_path, 2, 0, 64)
    LAYOUTS["shenzhen"](tmp_path, 2, 0, 64)
    with pytest.raises(ManifestError, match="montgomery and shenzhen at once"):
        open_data(tmp_path)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("coronahack", "Chest_xray_Corona_Metadata.csv"),
        ("rsna", "stage_2_train_labels.csv"),
        ("rsna", "stage_2_detailed_class_info.csv"),
        ("radiography", "COVID.metadata.csv"),
    ],
)
def test_a_table_with_another_header_names_the_missing_columns(tmp_path, name, index):
    LAYOUTS[name](tmp_path, 4, 0, 64)
    (tmp_path / index).write_text("patient,label\n1,Normal\n")
    with pytest.raises(ManifestError, match="no column '.*'; use the file as it was released"):
        open_data(tmp_path)


@pytest.mark.parametrize("name", ["coronahack", "cohen", "rsna", "radiography", "hannover"])
def test_a_film_that_the_table_promises_is_missed(tmp_path, name):
    LAYOUTS[name](tmp_path, 24, 0, 64)
    lost = open_data(tmp_path).select("classification")[0].path
    lost.unlink()
    with pytest.raises(ManifestError) as caught:
        validate(open_data(tmp_path), "classification")
    assert caught.value.faults == [
        f"{lost}: film is missing; restore the file or remove it from the manifest"
    ]
