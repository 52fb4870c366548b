"""The COVID-19 Radiography Database: origins by address, names in any case."""

import pytest

from pipelines.adapters import open_data, radiography
from pipelines.manifest.table import ManifestError
from tools.phantoms.layouts import LAYOUTS

KERMANY = "https://www.kaggle.com/paultimothymooney/chest-xray-pneumonia"
RSNA = "https://www.kaggle.com/c/rsna-pneumonia-detection-challenge/data"


def release(folder, **classes):
    """Classes, with `_` for blanks in their names but one, as lists of (listed name, address)."""
    for key, films in classes.items():
        name = {"Viral": "Viral Pneumonia"}.get(key, key)
        (folder / name / "images").mkdir(parents=True)
        lines = "".join(f"{film},PNG,256*256,{address}\n" for film, address in films)
        table = folder / f"{name}.metadata.csv"
        table.write_text("FILE NAME,FORMAT,SIZE,URL\n" + lines)
    return folder


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("https://bimcv.cipf.es/bimcv-projects/bimcv-covid19/#1590858128006-9e640421", "bimcv"),
        ("https://github.com/ml-workgroup/covid-19-image-repository/tree/master/png", "hannover"),
        ("https://sirm.org/category/senza-categoria/covid-19/", "sirm"),
        ("https://eurorad.org", "eurorad"),
        ("https://github.com/ieee8023/covid-chestxray-dataset", "cohen"),
        ("https://figshare.com/articles/COVID-19_Chest_X-Ray_Image_Repository/12580328", "cxnet"),
        ("https://github.com/armiro/COVID-CXNet", "cxnet"),
        (RSNA, "rsna"),
        (KERMANY, "kermany"),
        ("https://twitter.com/ChestImaging", "radiography"),
        ("", "radiography"),
    ],
)
def test_addresses_tell_origins(address, source):
    assert radiography.origin_of(address).source == source


def test_classes_names_and_children(tmp_path):
    release(
        tmp_path,
        COVID=[("COVID-1", "https://eurorad.org"), ("COVID-2.png", "https://x.example")],
        Normal=[("NORMAL-1", RSNA), ("NORMAL-2", KERMANY)],
        Lung_Opacity=[("Lung_Opacity-1", RSNA)],
        Viral=[("Viral Pneumonia-1", KERMANY)],
    )
    film = tmp_path / "Normal" / "images" / "Normal-1.png"
    mask = tmp_path / "Normal" / "masks" / "Normal-1.png"
    mask.parent.mkdir()
    film.touch()
    mask.touch()
    rows = list(open_data(tmp_path))
    assert [(row.path.name, row.label, row.source, row.age_group) for row in rows] == [
        ("COVID-1.png", "covid19", "eurorad", ""),
        ("COVID-2.png", "covid19", "radiography", ""),
        ("Normal-1.png", "normal", "rsna", ""),
        ("NORMAL-2.png", "normal", "kermany", "child"),
        ("Lung_Opacity-1.png", "pneumonia", "rsna", ""),
        ("Viral Pneumonia-1.png", "viral", "kermany", "child"),
    ]
    assert (rows[2].path, rows[2].masks) == (film, {"lung": mask})
    assert not any(row.masks for row in rows if row != rows[2])
    taken = [row.path.name for row in rows if row.split_classification]
    assert taken == ["COVID-1.png", "COVID-2.png", "Normal-1.png"]
    assert {row.split_segmentation for row in rows} == {""}


def test_a_class_that_is_not_there_is_left_out_and_a_table_that_is_not_is_told(tmp_path):
    release(tmp_path, COVID=[("COVID-1", "")], Normal=[("NORMAL-1", "")])
    assert len(open_data(tmp_path)) == 2
    (tmp_path / "COVID.metadata.csv").unlink()
    with pytest.raises(ManifestError, match="COVID.metadata.xlsx: is not there"):
        radiography.adapt(tmp_path)
    (tmp_path / "Normal.metadata.csv").unlink()
    assert not radiography.recognises(tmp_path)


def test_masks_lie_on_their_films(tmp_path):
    LAYOUTS["radiography"](tmp_path, 8, 0, 96)
    rows = radiography.adapt(tmp_path)
    assert all(row.path.is_file() and row.mask_lung.is_file() for row in rows)
    assert {row.path.stem for row in rows} == {row.mask_lung.stem for row in rows}
