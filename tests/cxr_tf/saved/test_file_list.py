import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cxr_tf.export import ExportOptions, export
from cxr_tf.extract import main as extract
from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved import file_list
from cxr_tf.saved.file_list import LIST, check_files, write_list
from cxr_tf.saved.load import load
from cxr_tf.saved.model_folders import CARD, model_digest, version_folder
from cxr_tf.score import main as score
from pipelines.manifest.checks import file_sha256

ROOT = Path(__file__).parents[3]
SHIPPED = version_folder(ROOT / "saved_models" / "cxr_triage")
INDEX = Path("variables") / "variables.index"


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "cxr" / "1"
    for name, content in (("saved_model.pb", b"graph"), (INDEX, b"index"), (CARD, b"{}")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    write_list(folder)
    return folder


@pytest.fixture
def changed(exported, tmp_path):
    """A copy of the exported model of which one digit of the graph is another."""
    folder = tmp_path / "copy" / "1"
    shutil.copytree(exported / "1", folder)
    content = bytearray((folder / "saved_model.pb").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "saved_model.pb").write_bytes(content)
    return folder


def sha256sum(folder):
    command = ["sha256sum", "--check", "--strict", "--quiet", str(LIST)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_sha256sum_checks_the_list(model):
    assert sha256sum(model).returncode == 0
    (model / INDEX).write_bytes(b"other")
    assert "variables.index: FAILED" in sha256sum(model).stdout


def test_the_list_names_every_file_of_the_shipped_model_but_itself():
    lines = (SHIPPED / LIST).read_text().splitlines()
    files = {path.relative_to(SHIPPED) for path in SHIPPED.rglob("*") if path.is_file()}
    assert {Path(line[66:]) for line in lines} == files - {LIST} and len(lines) == 9
    check_files(SHIPPED, pytest.fail)


def test_an_export_carries_its_list(exported, capsys):
    assert (exported / "1" / LIST).is_file()
    check_files(exported / "1")
    assert capsys.readouterr().err == ""


def test_the_digest_in_records_does_not_count_the_list(model):
    digest = model_digest(model)
    (model / LIST).unlink()
    assert model_digest(model) == digest
    (model / CARD).write_bytes(b"[]")
    assert model_digest(model) != digest


def test_what_differs_is_missing_or_too_much_is_named_with_the_remedy(model):
    (model / "saved_model.pb").write_bytes(b"Graph")
    (model / INDEX).unlink()
    (model / "assets").mkdir()
    (model / "assets" / "new.txt").write_bytes(b"")
    (model / ".DS_Store").write_bytes(b"of a file browser")
    with pytest.raises(UsageError) as caught:
        check_files(model)
    message = str(caught.value)
    named = (
        "assets/new.txt is not in the list, saved_model.pb differs, variables/variables.index is "
        "missing"
    )
    assert message.startswith(f"{model} does not hold") and named in message
    assert "DS_Store" not in message and "export the model again" in message
    assert f"python -m cxr_tf.saved.file_list {model}" in message


def test_many_faults_are_counted(model):
    for number in range(8):
        (model / f"{number}.txt").write_bytes(b"")
    with pytest.raises(UsageError, match=r"4\.txt is not in the list, and 3 more \("):
        check_files(model)


@pytest.mark.parametrize("text", ["\n", "abc  saved_model.pb\n", f"{'0' * 64}\n", "\xff\n"])
def test_a_damaged_list_names_file_and_line(model, text):
    whole = (model / LIST).read_text()
    (model / LIST).write_text(whole + text, encoding="latin-1")
    with pytest.raises(UsageError, match=r"sha256sum\.txt, line 4: not a SHA-256"):
        check_files(model)


def test_a_model_without_a_list_is_warned_of_once(model, capsys):
    (model / LIST).unlink()
    check_files(model)
    warning = capsys.readouterr().err
    assert warning.count("\n") == 1 and warning.startswith("warning: ")
    assert "has no list" in warning and f"python -m cxr_tf.saved.file_list {model}" in warning
    check_files(model)
    assert capsys.readouterr().err == ""


def test_a_file_is_hashed_once_until_size_or_time_change(model, monkeypatch):
    hashed = []

    def counted(path):
        hashed.append(path)
        return file_sha256(path)

    monkeypatch.setattr(file_list, "file_sha256", counted)
    file_list._hashed.cache_clear()
    check_files(model)
    assert len(hashed) == 3
    check_files(model)
    model_digest(model)
    assert len(hashed) == 3
    (model / INDEX).write_bytes(b"INDEX")
    os.utime(model / INDEX, ns=(1, 1))
    with pytest.raises(UsageError, match=r"variables\.index differs"):
        check_files(model)
    assert hashed[3:] == [model / INDEX]


def test_the_list_is_written_anew_by_a_command(model, monkeypatch, capsys):
    (model / "saved_model.pb").write_bytes(b"my own")
    monkeypatch.setattr("sys.argv", ["", str(model)])
    assert file_list.main() == 0
    check_files(model)
    monkeypatch.setattr("sys.argv", ["", str(model / "assets.extra")])
    assert file_list.main() == 2
    assert "assets.extra holds no SavedModel" in capsys.readouterr().err


def test_load_and_score_and_extract_refuse_a_changed_model(changed, tmp_path, capsys):
    with pytest.raises(ValueError, match=r"saved_model\.pb differs"):
        load(changed)
    given = [str(tmp_path), "--model", str(changed), "--out", str(tmp_path / "out")]
    for server in ([], ["--server", "http://127.0.0.1:9"]):
        assert score([*given, *server]) == 2
        assert "saved_model.pb differs" in capsys.readouterr().err
    assert extract([str(changed), "--out", str(tmp_path / "runs")]) == 2
    assert "saved_model.pb differs" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_export_and_evaluation_refuse_a_changed_model(changed, tmp_path):
    from cxr_tf.evaluation.evaluated_model import load_subject
    from cxr_tf.evaluation.options import SegmentationEvaluationOptions

    with pytest.raises(UsageError, match=r"saved_model\.pb differs"):
        export(ExportOptions(model=str(changed), out=str(tmp_path / "new")))
    options = SegmentationEvaluationOptions(model=changed, data=tmp_path, out=tmp_path / "out")
    with pytest.raises(UsageError, match=r"saved_model\.pb differs"):
        load_subject(options)
