import pytest

from pipelines.adapters import ADAPTERS, open_data
from pipelines.adapters.__main__ import main
from pipelines.manifest.table import ManifestError, read_manifest

OURS = "path,class,split_segmentation,split_classification,source\na.png,normal,,train,{}\n"


def test_a_csv_and_a_folder_with_one_are_opened(tmp_path):
    (tmp_path / "manifest.csv").write_text(OURS.format("jsrt"))
    (tmp_path / "other.csv").write_text(OURS.format("cohen"))
    assert open_data(tmp_path)[0].source == "jsrt"
    assert open_data(str(tmp_path / "other.csv"))[0].source == "cohen"
    assert open_data(tmp_path)[0].path == tmp_path / "a.png"


def test_a_folder_marked_as_phantoms_gives_phantoms(tmp_path):
    (tmp_path / "manifest.csv").write_text(OURS.format("jsrt"))
    (tmp_path / "PHANTOM.txt").write_text("generated")
    assert open_data(tmp_path).phantom


def test_a_folder_nobody_recognises_says_what_was_looked_for(tmp_path):
    with pytest.raises(ManifestError) as caught:
        open_data(tmp_path)
    for name, adapter in ADAPTERS.items():
        assert name in str(caught.value)
        assert adapter.LOOKS_FOR in str(caught.value)
    with pytest.raises(ManifestError, match="does not exist"):
        open_data(tmp_path / "none")


def test_a_manifest_csv_in_no_known_form_names_the_missing_columns(tmp_path):
    (tmp_path / "manifest.csv").write_text("path,class\na.png,normal\n")
    for path in (tmp_path, tmp_path / "manifest.csv"):
        with pytest.raises(ManifestError, match="no column 'split_segmentation'"):
            open_data(path)


def test_the_command_writes_a_hashed_manifest(tmp_path, capsys):
    (tmp_path / "manifest.csv").write_text(OURS.format("jsrt"))
    (tmp_path / "a.png").write_bytes(b"film")
    assert main([str(tmp_path), str(tmp_path / "out.csv")]) == 0
    assert len(read_manifest(tmp_path / "out.csv")[0].sha256) == 64
    assert "1 train" in capsys.readouterr().out
    assert main([str(tmp_path), str(tmp_path / "plain.csv"), "--no-hash"]) == 0
    assert read_manifest(tmp_path / "plain.csv")[0].sha256 == ""


def test_the_command_refuses_what_it_cannot_read_or_write(tmp_path, capsys):
    (tmp_path / "manifest.csv").write_text(OURS.format("jsrt"))
    assert main([str(tmp_path), str(tmp_path / "out.csv")]) == 2
    assert "a.png: cannot be read" in capsys.readouterr().err
    assert main([str(tmp_path), str(tmp_path / "no" / "out.csv"), "--no-hash"]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert main([str(tmp_path / "none"), str(tmp_path / "out.csv")]) == 2
