import json
from importlib import metadata
from pathlib import Path

import pytest

from cxr_tf import info
from cxr_tf.runtime import provenance
from cxr_tf.runtime.provenance import PHANTOM_NOTICE, package_versions
from cxr_tf.saved.model_folders import CARD
from pipelines.classes import PAPER_CLASSES
from tests.cards import made_up_card
from tests.processor_time import timed_python

REPOSITORY = Path(info.__file__).parent.parent
COMPLETE = made_up_card(
    ("normal", "ill"),
    name="cxr_triage",
    model_version="abc",
    signatures=("serving_default", "segment"),
    phantom=True,
)


def make_models(root):
    for version, card in ((1, json.dumps(COMPLETE.record())), (2, None), (3, "{")):
        folder = root / "cxr_triage" / str(version)
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"")
        if card is not None:
            (folder / CARD).parent.mkdir()
            (folder / CARD).write_text(card)
    return root


def test_json_lists_versions_classes_and_models(tmp_path, capsys):
    assert info.main(["--json", "--models", str(make_models(tmp_path))]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["classes"] == list(PAPER_CLASSES.names)
    assert answer["packages"]["numpy"] == metadata.version("numpy")
    assert "Not a medical device" in answer["notice"]
    first, second, third = answer["models"]
    assert (first["name"], first["model_version"]) == ("cxr_triage", "abc")
    assert first["classes"] == ["normal", "ill"]
    assert first["signatures"] == ["serving_default", "segment"]
    assert first["phantom"] is True and first["fault"] is None
    assert second["version"] == "2" and "has no model card" in second["fault"]
    assert (second["name"], second["classes"]) == ("cxr_triage", None)
    assert "is not JSON" in third["fault"]


def test_text_says_what_comes_from_phantoms(tmp_path, capsys):
    assert info.main(["--models", str(make_models(tmp_path))]) == 0
    text = capsys.readouterr().out
    assert text.count(PHANTOM_NOTICE) == 1
    assert "serving_default, segment" in text and "normal, ill" in text
    assert info.main(["--models", str(tmp_path / "cxr_triage")]) == 0
    assert "none found" in capsys.readouterr().out


def test_missing_package_is_said(monkeypatch):
    monkeypatch.setattr(provenance, "PACKAGES", ("numpy", "no-such-distribution"))
    assert package_versions()["no-such-distribution"] is None


def test_models_must_be_a_folder(tmp_path, capsys):
    with pytest.raises(SystemExit) as leaving:
        info.main(["--models", str(tmp_path / "gone")])
    assert leaving.value.code == 2
    assert "gone is no folder" in capsys.readouterr().err


def test_no_tensorflow_is_imported_and_the_answer_is_quick():
    """Importing NumPy, which takes about as long, measures how fast this machine is."""
    code = (
        "import sys; from cxr_tf.info import main; main(['--json']); "
        "heavy = {'tensorflow', 'keras', 'numpy', 'cv2'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    seconds, references = [], []
    for _ in range(5):
        answer, taken = timed_python("-c", code)
        assert json.loads(answer)["cxr_tf"]
        seconds.append(taken)
        references.append(timed_python("-c", "import numpy")[1])
    assert min(seconds) < 3 * min(references)


def test_outputs_of_a_model_stand_by_its_signatures(tmp_path, capsys):
    models = str(make_models(tmp_path))
    assert info.main(["--json", "--models", models]) == 0
    first, second, _ = json.loads(capsys.readouterr().out)["models"]
    assert set(first["outputs"]) == {"serving_default", "segment"} and second["outputs"] is None
    assert first["outputs"]["serving_default"][:3] == ["status", "label", "class_index"]
    assert first["outputs"]["segment"][-2:] == ["probabilities", "uncertainty"]
    info.main(["--models", models])
    assert "segment give status, film_score, mask_quality, mask, prob" in capsys.readouterr().out


def test_extras_formats_and_devices_are_listed(monkeypatch, capsys):
    """Here with a pylibjpeg that is not installed."""

    def version(name):
        if name == "pylibjpeg-openjpeg" or name == "highdicom":
            raise metadata.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(metadata, "version", version)
    assert info.main(["--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    dicom = found["extras"]["dicom"]
    assert dicom == {"brings": "score --dicom-out", "installed": False, "missing": ["highdicom"]}
    assert found["extras"]["parquet"]["installed"] is True
    readable = {each["name"]: each["readable"] for each in found["formats"]}
    assert readable["DICOM, JPEG 2000"] is False and readable["DICOM, RLE Lossless"] is True
    assert readable["PNG, 8 and 16 bit"] and readable["raw JSRT (.IMG)"]
    assert {"processor", "cpus", "instructions", "nvidia"} == found["devices"].keys()
    info.main([])
    text = capsys.readouterr().out
    assert "DICOM, JPEG 2000: NOT readable, pylibjpeg-openjpeg is missing" in text
    assert "dicom                   not installed  score --dicom-out" in text
