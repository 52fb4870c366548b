import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipelines.dicom.frontal import reason_against
from pipelines.dicom.reading import read_dicom
from pipelines.dicom.refusals import refusing_attribute
from pipelines.film_error import FilmError
from pipelines.films import read_film
from pipelines.status import FAILURES, NOT_CHEST_FILM
from tests.samples import dicom_bytes, dicom_dataset, ramp

# pydicom warns where the tests write what DICOM does not allow.
pytestmark = pytest.mark.filterwarnings("ignore:(Invalid|The) value:UserWarning")

MAMMOGRAPHY = "1.2.840.10008.5.1.4.1.1.1.2"
STORAGE = "1.2.840.10008.5.1.4.1.1."


def header(**attributes):
    dataset = Dataset()
    for name, value in attributes.items():
        setattr(dataset, name, value)
    return dataset


def view_code(value, meaning=""):
    return Sequence([header(CodeValue=value, CodeMeaning=meaning, CodingSchemeDesignator="SCT")])


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"Modality": "CR", "ViewPosition": "PA", "BodyPartExamined": "CHEST"},
        {"Modality": "DX", "ViewPosition": "AP"},
        {"Modality": "RG", "ViewPosition": ""},
        {"Modality": "", "ViewPosition": None, "BodyPartExamined": ""},
        {"Modality": "DX", "ViewPosition": "ap supine", "BodyPartExamined": "THORAX"},
        {"Modality": "CR", "ViewPosition": "CHEST"},
        {"Modality": "CR", "BodyPartExamined": "CHEST_ABDOMEN"},
        {"Modality": "CR", "BodyPartExamined": "Brustkorb"},
        {"Modality": "CR", "SOPClassUID": STORAGE + "7"},  # as RSNA's films: secondary capture
        {"SOPClassUID": STORAGE + "1"},
        {"SOPClassUID": STORAGE + "1.1"},
        {"SOPClassUID": STORAGE + "1.1.1"},
        {"SOPClassUID": STORAGE + "7"},
        {"Modality": "DX", "ViewCodeSequence": view_code("399348003")},
        {"Modality": "DX", "ViewCodeSequence": view_code("R-10206")},
        {"Modality": "DX", "ViewCodeSequence": view_code("local-17")},
        {"Modality": "DX", "ViewCodeSequence": Sequence([])},
        {"Modality": "dx2"},
        {"Modality": "XR", "ViewPosition": "POSTEROANTERIOR", "BodyPartExamined": "UNKNOWN"},
        {"ViewPosition": ["AP", "SUPINE"]},
        {"ViewPosition": "PA", "ViewCodeSequence": view_code("399067008")},
        {"ViewPosition": "PA", "PatientOrientation": ["A", "F"]},
        {"ViewCodeSequence": view_code("272479007"), "PatientOrientation": ["A", "F"]},
        {"PatientOrientation": ["L", "F"]},
        {"PatientOrientation": ["R", "FP"]},
        {"PatientOrientation": ""},
        {"BodyPartExamined": "SHOULDER", "AnatomicRegionSequence": view_code("x", "Chest")},
        {"BodyPartExamined": "CHEST", "AnatomicRegionSequence": view_code("85562004", "Hand")},
        {"AnatomicRegionSequence": view_code("816094009", "Chest")},
    ],
)
def test_frontal_chest_films_and_headers_that_do_not_say_pass(attributes):
    assert reason_against(header(**attributes)) == ""


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"Modality": "CT"}, "modality CT"),
        ({"Modality": "MG"}, "modality MG"),
        ({"Modality": "SR"}, "modality SR"),
        ({"Modality": "OT"}, "modality OT"),
        ({"SOPClassUID": MAMMOGRAPHY}, "another modality"),
        ({"SOPClassUID": STORAGE + "2"}, "another modality"),
        ({"SOPClassUID": STORAGE + "6.1"}, "another modality"),
        ({"Modality": "DX", "ViewPosition": "LL"}, "view LL"),
        ({"Modality": "CR", "ViewPosition": "LATERAL"}, "view LATERAL"),
        ({"Modality": "CR", "ViewPosition": "PA OBLIQUE"}, "view OBLIQUE"),
        ({"Modality": "CR", "ViewPosition": "AP LORDOTIC"}, "view LORDOTIC"),
        ({"Modality": "CR", "ViewPosition": "schraeg"}, "view OBLIQUE"),
        ({"ViewPosition": ["PA", "LL"]}, "view LL"),
        ({"ViewPosition": "AP KNEE"}, "view KNEE"),
        ({"ViewPosition": "UNKNOWN", "ViewCodeSequence": view_code("399182000")}, "view code"),
        ({"ViewCodeSequence": view_code("local-17", "de profil")}, "view PROFIL"),
        ({"PatientOrientation": ["A", "F"]}, "from the side"),
        ({"ViewPosition": "NA", "PatientOrientation": ["PR", "FA"]}, "from the side"),
        ({"AnatomicRegionSequence": view_code("85562004", "x")}, "another body part"),
        ({"AnatomicRegionSequence": view_code("T-D9200", "")}, "another body part"),
        ({"AnatomicRegionSequence": view_code("local-1", "Becken")}, "body part PELVIS"),
        ({"BodyPartExamined": "Genou droit"}, "body part KNEE"),
        ({"Modality": "DX", "ViewCodeSequence": view_code("399173006")}, "view code"),
        ({"Modality": "DX", "ViewCodeSequence": view_code("R-10232")}, "view code"),
        ({"Modality": "DX", "ViewPosition": "AP", "BodyPartExamined": "PELVIS"}, "PELVIS"),
        ({"Modality": "CR", "BodyPartExamined": "T-SPINE"}, "TSPINE"),
        ({"Modality": "CR", "BodyPartExamined": "hand"}, "HAND"),
    ],
)
def test_others_are_refused_with_the_reason(attributes, words):
    reason = reason_against(header(**attributes))
    assert words in reason and "give a" in reason and "\n" not in reason


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ViewPosition", "SECRET^LATERAL"),
        ("ViewPosition", "SECRETLATERAL"),
        ("ViewPosition", "LL SECRET"),
        ("ViewPosition", "KNEE SECRET"),
        ("BodyPartExamined", "SECRETSPINE"),
        ("BodyPartExamined", "HAND^SECRET"),
    ],
)
def test_reasons_repeat_nothing_but_defined_terms(name, text):
    reason = reason_against(header(Modality="CR", **{name: text}))
    assert reason and "SECRET" not in reason


@pytest.mark.parametrize(
    ("attributes", "attribute"),
    [
        ({"Modality": "CT"}, "Modality"),
        ({"SOPClassUID": MAMMOGRAPHY}, "SOPClassUID"),
        ({"ViewPosition": "LL"}, "ViewPosition"),
        ({"ViewCodeSequence": view_code("399173006")}, "ViewCodeSequence"),
        ({"PatientOrientation": ["P", "F"]}, "PatientOrientation"),
        ({"BodyPartExamined": "HAND"}, "BodyPartExamined"),
        ({"AnatomicRegionSequence": view_code("1", "hand")}, "AnatomicRegionSequence"),
    ],
)
def test_the_attribute_that_refused_is_found_again(attributes, attribute):
    assert refusing_attribute(reason_against(header(**attributes))) == attribute
    assert refusing_attribute("this does not look like a frontal chest film") == ""


@pytest.mark.parametrize(
    "attributes", [{"Modality": "CT"}, {"ViewPosition": "LL"}, {"BodyPartExamined": "HAND"}]
)
def test_without_the_check_a_film_is_read_whatever_its_header_names(attributes, tmp_path):
    path = tmp_path / "film.dcm"
    path.write_bytes(dicom_bytes(dicom_dataset(ramp(), **attributes)))
    assert read_film(path).status == NOT_CHEST_FILM
    assert read_film(path, header_check=False).status == "ok"


def test_the_status_comes_before_size_frames_and_pixels_and_is_no_failure(tmp_path):
    frames = dicom_dataset(np.zeros((3, 9, 8), np.uint8), NumberOfFrames=3, Modality="US")
    report = header(Modality="SR", SOPClassUID=STORAGE + "88.11")
    report.file_meta = frames.file_meta
    large = dicom_dataset(ramp(), Rows=12000, Columns=12000, Modality="MG")
    for dataset in (frames, report, large):
        with pytest.raises(FilmError) as refusal:
            read_dicom(dicom_bytes(dataset))
        assert refusal.value.status == NOT_CHEST_FILM
    path = tmp_path / "side.dcm"
    path.write_bytes(dicom_bytes(dicom_dataset(ramp(), Modality="DX", ViewPosition="LL")))
    film = read_film(path)
    assert (film.status, film.pixels, film.kind, film.transient) == (
        NOT_CHEST_FILM, None, "dicom", False
    )  # fmt: skip
    assert "view LL" in film.error and NOT_CHEST_FILM not in FAILURES


def test_the_real_films_are_frontal(research_data):
    films = sorted((research_data / "dicom").glob("*.dcm"))
    assert [read_film(path).status for path in films] == ["ok"] * max(1, len(films))
