"""DICOM results: read back by pydicom and highdicom, and checked by dciodvfy."""

import csv
import json
import shutil
import subprocess

import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from cxr_tf import score
from cxr_tf.measures.biomarkers import biomarkers
from cxr_tf.measures.metrics import enlarge_labels
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE, PHANTOM_NOTICE
from cxr_tf.runtime.stopping import INTERRUPTED
from cxr_tf.scoring.options import ScoreOptions
from pipelines.films import read_film
from tests.cxr_tf.scoring.dicom.dicom_films import (
    CLASSES,
    VERSION,
    TrueModel,
    answer,
    oblong,
    true_labels,
    write_film,
)

hd = pytest.importorskip("highdicom")
report = pytest.importorskip("cxr_tf.scoring.dicom.report")

KINDS = ("segmentation", "saliency", "report")
PATIENT = {
    "PatientID": "SECRET-7", "PatientName": "Secret^Name", "PatientBirthDate": "19700102",
    "PatientSex": "F", "StudyDate": "20200304", "StudyTime": "101112", "StudyID": "S-1",
    "AccessionNumber": "A-9", "PatientOrientation": ["L", "F"], "BurnedInAnnotation": "NO",
}  # fmt: skip


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "cxr" / "3"
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    return folder.parent


@pytest.fixture(scope="module")
def drawn():
    return oblong()


@pytest.fixture(scope="module")
def run(model_folder, drawn):
    """Scores with the true masks; returns exit status and the rows of `scores.csv`."""

    def start(out, *inputs, model=None, reporter=None, **changes):
        options = ScoreOptions(
            inputs=tuple(map(str, inputs)), model=model_folder, out=out, dicom_out=True, **changes
        )
        load = lambda _: model or TrueModel(drawn)  # noqa: E731
        status = score.run(options, reporter or Reporter(quiet=True), load=load)
        table = out / ("scores.csv" if status < 2 else "scores.csv.partial")
        with table.open(newline="", encoding="utf-8") as file:
            return status, list(csv.DictReader(file))

    return start


@pytest.fixture(scope="module")
def film_path(tmp_path_factory, drawn):
    return write_film(tmp_path_factory.mktemp("film") / "a.b.dcm", drawn, **PATIENT)


@pytest.fixture(scope="module")
def written(run, film_path, drawn, tmp_path_factory):
    """Folder of one film's objects."""
    out = tmp_path_factory.mktemp("written")
    status, rows = run(out, film_path, model=TrueModel(drawn, phantom_notice=True), overlays=True)
    assert status == 0 and rows[0]["error"] == ""
    return out


def of(folder, kind, name="a.b"):
    return folder / "dicom" / f"{name}_{kind}.dcm"


def test_masks_lie_on_the_film_and_left_is_the_patients_left(written, film_path, drawn):
    source = pydicom.dcmread(film_path)
    found = hd.seg.segread(of(written, "segmentation"))
    assert (found.Rows, found.Columns) == (source.Rows, source.Columns) == (400, 350)
    numbers = [1, 2, 3]
    masks = found.get_pixels_by_source_instance([source.SOPInstanceUID], segment_numbers=numbers)
    masks = masks[0].astype(bool)
    for number, truth in enumerate((drawn.heart, drawn.left_lung, drawn.right_lung)):
        mask = masks[..., number]
        exact = enlarge_labels(true_labels(drawn), 400, 350) == number + 1
        np.testing.assert_array_equal(mask, exact)
        assert (mask & truth).sum() / (mask | truth).sum() > 0.95
    columns = [np.nonzero(masks[..., number])[1].mean() for number in range(3)]
    assert source.PatientOrientation[0] == found.PatientOrientation[0] == "L"
    assert columns[1] > columns[0] > columns[2]  # columns run to the patient's left
    described = [found.get_segment_description(number) for number in numbers]
    coded = [(x.segmented_property_type.value, x.segment_label) for x in described]
    assert coded == [("80891009", "Heart"), ("44029006", "Left lung"), ("3341006", "Right lung")]
    for each in described:
        assert each.segmented_property_type.scheme_designator == "SCT"
        assert each.algorithm_identification[0].AlgorithmVersion == VERSION


def test_the_report_holds_the_record_and_the_biomarkers(written, film_path, drawn):
    found = hd.sr.srread(of(written, "report"))
    decision, organs = found.content.get_image_measurement_groups()
    figures = {x.name.value: x.value for x in decision.get_measurements()}
    with (written / "scores.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert figures.pop("AGREEMENT") == float(row["agreement"]) == 0.85
    assert figures.pop("PATCHES") == int(row["patches_used"]) == 100
    codes_of = {name: report.class_code(name, "V_").value for name in CLASSES}
    assert {n: figures[codes_of[n]] for n in CLASSES} == {
        n: int(row[f"votes_{n}"]) for n in CLASSES
    }
    (decided,) = decision.get_qualitative_evaluations(report.DECIDED)
    assert decided.value.meaning == row["label"] == "viral"
    from cxr_tf.films.normalised import raw_and_normalised_at

    read = read_film(film_path)
    _, normalised, _ = raw_and_normalised_at(256, None)(read.pixels, read.padding)
    truth = biomarkers(normalised, true_labels(drawn))
    (ratio,) = organs.get_measurements(report.RATIO)
    assert ratio.value == pytest.approx(truth.cardiothoracic_ratio, abs=1e-6) and ratio.value > 0.3
    mean, sd = organs.get_measurements(report.INTENSITY)
    assert (mean.derivation, sd.derivation) == (codes.SCT.Mean, codes.SCT.StandardDeviation)
    assert mean.value == pytest.approx(truth.lung_mean, abs=1e-6)
    assert sd.value == pytest.approx(truth.lung_sd, abs=1e-6)
    assert {x.name.scheme_designator for x in decision.get_measurements()} == {report.SCHEME}
    said = found.to_json()
    assert VERSION in said and NOTICE in said and PHANTOM_NOTICE in said
    assert found.VerificationFlag == "UNVERIFIED" and found.PreliminaryFlag == "PRELIMINARY"
    source = pydicom.dcmread(film_path)
    assert decision.source_images[0].referenced_sop_instance_uid == source.SOPInstanceUID


def test_the_picture_is_the_overlay_without_a_name(written):
    found = pydicom.dcmread(of(written, "saliency"))
    picture = found.pixel_array
    assert picture.shape == (found.Rows, found.Columns, 3) and picture.dtype == np.uint8
    colourful = np.ptp(picture.astype(int), axis=-1).max()
    assert colourful > 100 and PHANTOM_NOTICE in found.DerivationDescription
    assert found.BurnedInAnnotation == "NO"


def test_objects_belong_to_the_study_and_nothing_else_names_the_patient(written, film_path):
    source = pydicom.dcmread(film_path)
    series = {str(source.SeriesInstanceUID)}
    for kind in KINDS:
        found = pydicom.dcmread(of(written, kind))
        for name in PATIENT.keys() - {"PatientOrientation", "BurnedInAnnotation"}:
            assert found[name].value == source[name].value, (kind, name)
        assert found.StudyInstanceUID == source.StudyInstanceUID
        assert found.ContentQualification == "RESEARCH" and NOTICE[:12] in found.SeriesDescription
        assert source.SOPInstanceUID in str(found)
        series.add(str(found.SeriesInstanceUID))
    assert len(series) == 4
    others = [x for x in written.rglob("*") if x.is_file() and x.suffix != ".dcm"]
    assert {"scores.csv", "run.json", "index.csv"} <= {x.name for x in others}
    for path in others:
        content = path.read_bytes()
        for secret in (b"SECRET", b"Secret", source.StudyInstanceUID.encode()):
            assert secret not in content, path


def test_dciodvfy_finds_no_error(written):
    """The validator of dicom3tools, by the tables of the standard."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("no dciodvfy: apt-get install dicom3tools")
    for kind in KINDS:
        command = ["dciodvfy", "-new", of(written, kind)]
        said = subprocess.run(command, capture_output=True, text=True).stderr.splitlines()
        # Of codes it knows only some, and a private scheme never.
        wrong = [x for x in said if not x.endswith("<99CXRTF>") and x.startswith(("Err", "Warn"))]
        assert said and wrong == []


def uids(folder):
    return [pydicom.dcmread(of(folder, kind)).SOPInstanceUID for kind in KINDS]


def test_equal_results_have_equal_uids_and_others_have_others(
    run, written, film_path, drawn, tmp_path
):
    same = TrueModel(drawn, phantom_notice=True)
    run(tmp_path / "again", film_path, model=same)
    assert uids(tmp_path / "again") == uids(written)
    same.found = answer(drawn, label="normal")
    run(tmp_path / "other", film_path, model=same)
    assert not set(uids(tmp_path / "other")) & set(uids(written))


def test_what_has_no_study_is_told_once_and_faults_cost_no_row(run, drawn, tmp_path, capsys):
    """Films that are no DICOM files, without a study, mirrored, or without an answer."""
    films = tmp_path / "films"
    films.mkdir()
    (films / "a.png").write_bytes(png := _png(drawn))
    (films / "b.png").write_bytes(png)
    write_film(films / "c.dcm", drawn, StudyInstanceUID="", **{**PATIENT, "StudyID": "1"})
    write_film(films / "d.dcm", drawn, **{**PATIENT, "PatientOrientation": ["R", "F"]})
    write_film(films / "e.dcm", drawn, **{**PATIENT, "PatientSex": "SECRET"})
    write_film(films / "f.dcm", drawn, PatientName="Müller^Jörg", SpecificCharacterSet="ISO_IR 100")
    write_film(
        films / "g.dcm", drawn, PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう",
        SpecificCharacterSet=["", "ISO 2022 IR 87"],
    )  # fmt: skip
    status, rows = run(tmp_path / "out", films, reporter=Reporter())
    assert status == 1 and {row["status"] for row in rows} == {"ok"}
    errors = {row["path"][-5:]: row["error"] for row in rows}
    assert errors.pop("c.dcm").startswith("no DICOM objects: the header lacks StudyInstanceUID")
    assert "PatientOrientation is not L\\F" in errors.pop("d.dcm")
    assert set(errors.values()) == {""}
    said = capsys.readouterr().err
    assert said.count("2 films with an answer are no DICOM files") == 1
    assert "SECRET" not in said and "Secret" not in said
    for name, expected in {"f": "Müller^Jörg", "g": "Yamada^Tarou=山田^太郎=やまだ^たろう"}.items():
        for kind in KINDS:
            found = pydicom.dcmread(of(tmp_path / "out", kind, name))
            assert found.PatientName == expected, (kind, name)
    index = (tmp_path / "out" / "dicom" / "index.csv").read_text().splitlines()
    assert len(index) == 4
    assert len(list((tmp_path / "out" / "dicom").iterdir())) == 1 + 3 * len(KINDS)
    # What was written is a result, and no film of a later run over the same folder.
    shutil.move(tmp_path / "out", films / "out")
    (films / "out" / "scores.csv").unlink()
    assert len(run(films / "out", films)[1]) == len(rows)


def _png(drawn):
    from tests.cxr_tf.fake_runs import png

    return png(drawn.pixels)


def test_a_run_that_was_stopped_goes_on_without_doubles(run, drawn, tmp_path):
    paths = [write_film(tmp_path / f"{name}.dcm", drawn) for name in "abc"]
    out = tmp_path / "out"
    status, rows = run(out, *paths, model=TrueModel(drawn, interrupt_at=3))
    assert status == INTERRUPTED and len(rows) == 2
    before = [of(out, kind, "a").read_bytes() for kind in KINDS]
    status, rows = run(out, *paths)
    assert status == 0 and len(rows) == 3
    assert [of(out, kind, "a").read_bytes() for kind in KINDS] == before
    with (out / "dicom" / "index.csv").open(newline="") as file:
        index = list(csv.DictReader(file))
    assert [row["path"] for row in index] == [str(path) for path in paths]
    listed = {row[kind] for row in index for kind in KINDS}
    assert listed == {path.name for path in (out / "dicom").glob("*.dcm")} and len(listed) == 9
    outputs = json.loads((out / "run.json").read_text())["outputs"]
    assert outputs["dicom/index.csv"]["rows"] == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decision_only": True}, "give no maps"),
        ({"engine": "ray"}, "--dicom-out"),
        ({"server": "http://localhost:1", "seed": 3}, "explains with seed 0"),
    ],
)
def test_wrong_usage(run, film_path, tmp_path, changes, message):
    with pytest.raises(UsageError, match=message):
        run(tmp_path, film_path, **changes)


def test_without_highdicom_the_extra_is_named(run, film_path, tmp_path, monkeypatch):
    monkeypatch.setattr("cxr_tf.scoring.checks.importlib.util.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"cxr-tf\[dicom\]"):
        run(tmp_path, film_path)
