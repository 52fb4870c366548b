"""Score again: rows that are fine stay, what failed is tried again where it can be of use."""

import dataclasses
import json
import os
import shutil
from pathlib import Path

import pytest

from cxr_tf.runtime.progress import Reporter
from tests.cxr_tf.test_score import FakeModel, films, options, run, saved_model, table
from tests.samples import encode, ramp

__all__ = ["films", "saved_model"]  # fixtures

EVERYTHING = {"overlays": True, "patch_table": True}


def contents(out):
    """Every file of a run by its name but for its record."""
    files = (path for path in out.rglob("*") if path.is_file() and path.name != "run.json")
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def record_of(out):
    return json.loads((out / "run.json").read_text())


def mend(path):
    """Make a film of a file that was cut off; its time is that of the old one."""
    before = path.stat()
    path.write_bytes(encode(ramp(40, 56), "PNG"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def seen(model):
    return len(model.calls)


def test_a_complete_run_given_again_does_nothing_and_says_so(saved_model, tmp_path, films, capsys):
    wanted = dataclasses.replace(options(saved_model, tmp_path, films, **EVERYTHING), quiet=False)
    assert run(wanted) == 1
    before, times = contents(wanted.out), {p: p.stat().st_mtime_ns for p in wanted.out.rglob("*")}
    model = FakeModel()
    assert run(wanted, model, Reporter(quiet=False)) == 1
    assert model.calls == [] and contents(wanted.out) == before
    assert {p: p.stat().st_mtime_ns for p in wanted.out.rglob("*")} == times
    told = capsys.readouterr().err
    assert "nothing to do" in told and "--retry-failed tries the 3 again" in told
    assert run(dataclasses.replace(wanted, restart=True), model) == 1
    assert seen(model) == 5 and contents(wanted.out) == before


@pytest.mark.parametrize("format", ["csv", "parquet"])
@pytest.mark.parametrize("interrupted", [False, True])
def test_a_mended_film_is_scored_and_all_others_stay(
    saved_model, tmp_path, films, interrupted, format
):
    wanted = options(saved_model, tmp_path, films, format=(format,), **EVERYTHING)
    if interrupted:
        assert run(wanted, FakeModel(interrupt_at=4)) == 130  # cut.png has its row
    else:
        assert run(wanted) == 1
    mend(films / "cut.png")
    model = FakeModel()
    assert run(wanted, model) == 1
    assert seen(model) == (3 if interrupted else 1)  # breaks.png is as it was
    if format == "csv":
        by_name = {Path(x["path"]).name: x["status"] for x in table(wanted.out / "scores.csv")}
        assert by_name["cut.png"] == "ok" and by_name["empty.png"] == "unreadable"
    whole = dataclasses.replace(wanted, out=tmp_path / "whole")
    assert run(whole) == 1
    assert contents(wanted.out) == contents(whole.out)
    again, other = record_of(wanted.out), record_of(whole.out)
    assert again["counts"] == other["counts"] and again["outputs"] == other["outputs"]
    assert again["failed_films"] == other["failed_films"] and len(other["failed_films"]) == 2
    assert run(wanted, model := FakeModel()) == 1 and seen(model) == 0


def test_failed_films_are_tried_again_where_asked(saved_model, tmp_path, films):
    wanted = options(saved_model, tmp_path, films, **EVERYTHING)
    assert run(wanted) == 1
    before = contents(wanted.out)
    model = FakeModel()
    assert run(dataclasses.replace(wanted, retry_failed=True), model) == 1
    assert [call[0][0] for call in model.calls] == [13]  # breaks.png; two cannot be read
    assert contents(wanted.out) == before
    interrupted = dataclasses.replace(wanted, out=tmp_path / "interrupted")
    assert run(interrupted, FakeModel(interrupt_at=4)) == 130
    model = FakeModel()
    assert run(dataclasses.replace(interrupted, retry_failed=True), model) == 1
    assert [call[0][0] for call in model.calls] == [13, 17, 30]
    assert contents(interrupted.out) == before


def test_a_picture_that_was_not_written_is_tried_again(saved_model, tmp_path, films):
    (tmp_path / "out" / "overlays" / "a.png").mkdir(parents=True)  # in the overlay's way
    inputs = films / "a.png", films / "b.jpg"
    wanted = options(saved_model, tmp_path, *inputs, **EVERYTHING)
    assert run(wanted) == 1
    (tmp_path / "out" / "overlays" / "a.png").rmdir()
    assert run(wanted, model := FakeModel()) == 1 and seen(model) == 0  # the film is as it was
    assert run(dataclasses.replace(wanted, retry_failed=True), model) == 0
    assert seen(model) == 1
    assert len(table(tmp_path / "out" / "patches.csv")) == 200
    rows = table(tmp_path / "out" / "overlays" / "index.csv")
    assert [row["overlay"] for row in rows] == ["a.png", "b.png"]


def test_a_missing_film_is_tried_again_when_it_comes(saved_model, tmp_path, films):
    late = films / "late.png"
    wanted = options(saved_model, tmp_path, films / "a.png", late, films / "b.jpg")
    assert run(wanted) == 1
    assert run(wanted, model := FakeModel()) == 1 and seen(model) == 0
    shutil.copy(films / "a.png", late)
    assert run(wanted, model) == 0 and seen(model) == 1
    rows = table(tmp_path / "out" / "scores.csv")
    assert [Path(row["path"]).name for row in rows] == ["a.png", "late.png", "b.jpg"]


def test_films_that_come_and_go_leave_the_rows_of_the_others(saved_model, tmp_path, films):
    wanted = options(saved_model, tmp_path, films, films / "a.png", **EVERYTHING)  # one is twice
    assert run(wanted) == 1
    (films / "lungless.png").unlink()
    shutil.copy(films / "b.jpg", films / "aa.jpg")
    model = FakeModel()
    assert run(wanted, model) == 1
    assert seen(model) == 1
    whole = dataclasses.replace(wanted, out=tmp_path / "whole")
    assert run(whole) == 1
    found, expected = contents(wanted.out), contents(whole.out)
    assert found.pop("overlays/lungless.png") and found == expected
    (films / "aa.jpg").rename(films / "sub" / "b.png")  # takes the name that b.jpg's picture has
    assert run(wanted, model := FakeModel()) == 1
    assert seen(model) == 2  # the new one, and b.jpg under another name


def test_other_options_and_changed_tables_score_everything_anew(saved_model, tmp_path, films):
    wanted = options(saved_model, tmp_path, films)
    assert run(wanted) == 1
    before = contents(wanted.out)
    assert run(dataclasses.replace(wanted, seed=3), model := FakeModel()) == 1
    assert seen(model) == 5
    assert run(wanted, model := FakeModel()) == 1 and seen(model) == 5
    scores = wanted.out / "scores.csv"
    scores.write_bytes(scores.read_bytes().replace(b"normal", b"ill", 1))
    assert run(wanted, model := FakeModel()) == 1 and seen(model) == 5
    assert contents(wanted.out) == before


# Who is killed closes no file.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["complete", "interrupted"])
def test_a_kill_at_any_write_loses_and_doubles_nothing(
    saved_model, tmp_path, films, monkeypatch, kind
):
    """At each replacing or removing of a file on the way of a retry, one after another."""
    wanted = options(saved_model, tmp_path, films, **EVERYTHING)
    assert run(wanted, FakeModel(interrupt_at=4 if kind == "interrupted" else None)) != 0
    mend(films / "cut.png")
    whole = dataclasses.replace(wanted, out=tmp_path / "whole")
    assert run(whole) == 1
    expected = contents(whole.out)
    start = tmp_path / "start"
    shutil.copytree(wanted.out, start)
    moments, least = 0, 1 if kind == "complete" else 3
    while True:
        shutil.rmtree(wanted.out)
        shutil.copytree(start, wanted.out)
        left = moments

        def step(real):
            def replaced(*given, **options):
                nonlocal left
                if str(given[0]).endswith(".lock"):
                    return real(*given, **options)
                if left == 0:
                    left = -1
                    raise SystemExit
                left -= 1
                return real(*given, **options)

            return replaced

        with monkeypatch.context() as patch:
            for name in ("replace", "unlink"):
                patch.setattr(os, name, step(getattr(os, name)))
            try:
                run(wanted)
                killed = False
            except SystemExit:
                killed = True
        model = FakeModel()
        assert run(wanted, model) == 1, moments
        assert contents(wanted.out) == expected, moments
        assert seen(model) <= least, moments
        if not killed:
            break
        moments += 1
    assert moments > 8
