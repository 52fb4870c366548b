import shutil
import subprocess

import numpy as np
import pytest
from safetensors.numpy import load_file

from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved import weights_record
from cxr_tf.saved.load import from_runs
from cxr_tf.saved.predicted_masks import predicted_masks
from cxr_tf.saved.weights_record import BEST, RECORD, check_best, save_best
from pipelines.manifest.checks import file_sha256

ONE, OTHER = ({"a": np.array([value], np.float32)} for value in (1, 2))


@pytest.fixture
def changed(tmp_path, fake_segmentation):
    """A run of segmentation whose weights were exchanged."""
    run = tmp_path / "changed"
    shutil.copytree(fake_segmentation, run)
    save_best(load_file(run / BEST) | ONE, tmp_path / "other")
    shutil.copy(tmp_path / "other" / BEST, run / BEST)
    return run


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_sha256sum_checks_the_record(tmp_path):
    save_best(ONE, tmp_path, {"epoch": "3"})
    command = ["sha256sum", "--check", "--strict", RECORD]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0


def test_new_weights_get_a_new_record(tmp_path):
    save_best(ONE, tmp_path)
    save_best(OTHER, tmp_path)
    check_best(tmp_path / BEST)
    assert (tmp_path / RECORD).read_text() == f"{file_sha256(tmp_path / BEST)}  {BEST}\n"


@pytest.mark.parametrize("moment", ["replace", "the second record"])
def test_a_run_killed_while_it_writes_is_not_refused(tmp_path, monkeypatch, moment):
    save_best(ONE, tmp_path)
    old = file_sha256(tmp_path / BEST)
    written = []

    def killed(*given):
        raise KeyboardInterrupt

    def record(path, text):
        if written:
            killed()
        written.append(text)
        path.write_text(text)

    if moment == "replace":
        monkeypatch.setattr("os.replace", killed)
        monkeypatch.setattr(weights_record, "write_text", lambda path, text: path.write_text(text))
    else:
        monkeypatch.setattr(weights_record, "write_text", record)
    with pytest.raises(KeyboardInterrupt):
        save_best(OTHER, tmp_path)
    assert (file_sha256(tmp_path / BEST) == old) == (moment == "replace")
    assert len((tmp_path / RECORD).read_text().splitlines()) == 2
    check_best(tmp_path / BEST)


def test_weights_that_differ_are_refused_with_the_remedy(changed):
    with pytest.raises(UsageError, match=rf"{changed / BEST} differs from its record.*Restore"):
        check_best(changed / BEST)


def test_a_run_without_a_record_is_warned_of_once(tmp_path, capsys):
    save_best(ONE, tmp_path)
    (tmp_path / RECORD).unlink()
    check_best(tmp_path / BEST)
    warning = capsys.readouterr().err
    assert warning.startswith("warning: ") and f"sha256sum {BEST} > {RECORD}" in warning
    check_best(tmp_path / BEST)
    assert capsys.readouterr().err == ""


def test_models_and_masks_are_made_with_no_weights_that_differ(changed):
    with pytest.raises(UsageError, match="differs from its record"):
        from_runs(changed)
    with pytest.raises(UsageError, match="differs from its record"):
        predicted_masks([], changed)
