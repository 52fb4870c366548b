import csv
import dataclasses
import hashlib
import json
import operator
import os
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cxr_tf import score
from cxr_tf.films.inputs import Input
from cxr_tf.films.reading import read_ahead
from cxr_tf.films.rows import score_columns
from cxr_tf.method.vote_options import VoteOptions
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import PHANTOM_NOTICE
from cxr_tf.scoring.options import ScoreOptions
from pipelines.films import Film
from tests.cards import made_up_card
from tests.cxr_tf.fake_answers import answered
from tests.cxr_tf.fake_runs import film, png
from tests.processor_time import timed_python
from tests.samples import dicom_bytes, dicom_dataset, encode, ramp

CLASSES = ("normal", "ill")


class FakeModel:
    """Decides by the mean grey level; breaks, refuses or is interrupted on chosen heights."""

    classes = CLASSES
    model_version = "fake-1"

    def __init__(self, phantom=False, interrupt_at=None):
        self.card = made_up_card(CLASSES, phantom=phantom)
        self.interrupt_at = interrupt_at
        self.calls = []

    def predict(
        self,
        pixels,
        padding=-1,
        vote=VoteOptions(),  # noqa: B008
        *,
        explain=False,
    ):
        patches = vote.patches
        self.calls.append((pixels.shape, padding, vote, explain))
        if len(self.calls) == self.interrupt_at:
            raise KeyboardInterrupt
        if pixels.shape[0] == 13:
            raise RuntimeError("out of\nmemory")
        mask = np.zeros((256, 256), np.uint8)
        if pixels.shape[0] == 17:
            nothing = np.zeros(2, np.int32), np.zeros(2, np.float32)
            answer = answered("no_lung", "", -1, *nothing, 0.0, 0.004, 0, "fake-1")
            return dataclasses.replace(answer, mask=mask) if explain else answer
        probability = float(pixels.mean() / 65535)
        index = int(probability > 0.5)
        votes = np.array([patches, 0] if index == 0 else [0, patches], np.int32)
        means = np.array([1 - probability, probability], np.float32)
        answer = answered("ok", CLASSES[index], index, votes, means, 1.0, 0.25, patches, "fake-1")
        if not explain:
            return answer
        mask[50:200, 20:110] = 3
        return dataclasses.replace(
            answer,
            mask=mask,
            saliency=np.full((2, 256, 256), 0.5, np.float32),
            centres=np.tile(np.int32([[500, 300]]), (patches, 1)),
            patch_probabilities=np.tile(means, (patches, 1)),
        )


@pytest.fixture
def saved_model(tmp_path):
    folder = tmp_path / "models" / "cxr" / "3"
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    return folder.parent


@pytest.fixture
def films(tmp_path):
    """Six films, of which one is refused, one breaks the model and two cannot be read."""
    folder = tmp_path / "films"
    (folder / "sub").mkdir(parents=True)
    contents = {
        "a.png": encode(ramp(40, 56), "PNG"),
        "b.jpg": encode(255 - ramp(40, 56), "JPEG"),
        "breaks.png": encode(ramp(13, 20), "PNG"),
        "cut.png": encode(ramp(40, 56), "PNG")[:-30],
        "empty.png": b"",
        "lungless.png": encode(ramp(17, 20), "PNG"),
        "sub/a.dcm": dicom_bytes(dicom_dataset(ramp(30, 50, 4095, np.uint16), stored_bits=12)),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def options(saved_model, tmp_path, *inputs, **changes):
    return ScoreOptions(inputs=inputs, model=saved_model, out=tmp_path / "out", **changes)


def run(options, model=None, reporter=None):
    return score.run(options, reporter or Reporter(quiet=True), load=lambda _: model or FakeModel())


def table(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_every_input_gets_a_row_and_failures_the_exit_status_1(saved_model, tmp_path, films):
    assert run(options(saved_model, tmp_path, films, films / "gone.png", seed=5)) == 1
    out = tmp_path / "out"
    rows = table(out / "scores.csv")
    assert tuple(rows[0]) == score_columns(CLASSES)
    found = {Path(row["path"]).relative_to(films).as_posix(): row for row in rows}
    assert {name: row["status"] for name, row in found.items()} == {
        "a.png": "ok",
        "b.jpg": "ok",
        "breaks.png": "failed",
        "cut.png": "unreadable",
        "empty.png": "unreadable",
        "lungless.png": "no_lung",
        "sub/a.dcm": "ok",
        "gone.png": "unreadable",
    }
    for name, row in found.items():
        assert bool(row["error"]) == (row["status"] != "ok"), name
        assert row["seed"] == "5" and row["model_version"] == "fake-1"
        assert row["votes_ill"].isdecimal() and 0 <= float(row["p_ill"]) <= 1
    assert found["breaks.png"]["error"] == "the model broke: RuntimeError: out of memory"
    assert found["lungless.png"]["lung_fraction"] == "0.004000"
    assert found["a.png"]["label"] == "normal" and found["b.jpg"]["label"] == "ill"
    assert {path.name for path in out.iterdir()} == {"scores.csv", "run.json"}


def test_the_read_deadline_reaches_the_reader(saved_model, tmp_path, films, monkeypatch):
    given = []

    def read(location, *, voi, deadline, header_check):
        given.append(deadline)
        return Film(None, -1, "unreadable", "too slow", "dicom")

    monkeypatch.setattr(score, "read_location", read)
    assert run(options(saved_model, tmp_path, films / "sub" / "a.dcm", read_deadline=2.5)) == 1
    assert given == [2.5, 2.5]  # the first film is tried once more, while the model loads


def test_refusals_are_answers(saved_model, tmp_path, films):
    assert run(options(saved_model, tmp_path, films / "lungless.png", films / "a.png")) == 0


@pytest.fixture
def headers(tmp_path):
    """Three films that their headers refuse, and one that is read."""
    folder = tmp_path / "headers"
    folder.mkdir()
    names = {"a": "LL", "b": "SEITLICH", "c": "AP KNEE", "d": "PA ERECT"}
    for name, view in names.items():
        content = dicom_bytes(dicom_dataset(ramp(30, 50), ViewPosition=view))
        (folder / f"{name}.dcm").write_bytes(content)
    return folder


@pytest.mark.parametrize("interrupted", [False, True])
def test_films_that_headers_refuse_are_named_counted_and_warned_of(
    saved_model, tmp_path, headers, capsys, interrupted
):
    given = options(saved_model, tmp_path, headers)
    if interrupted:
        assert run(given, FakeModel(interrupt_at=1)) == 130
        capsys.readouterr()
    assert run(given, reporter=Reporter()) == 0
    said = capsys.readouterr()
    named = ["a", "b", "c"] if not interrupted else []  # they had their rows before
    for name in named:
        assert f"warning: {headers / name}.dcm: not_chest_film: the DICOM header names" in said.err
    assert f"warning: {headers}: 3 of 4 films have no answer" in said.err
    assert "--no-header-check" in said.err and "3 by ViewPosition" in said.err
    line = next(line for line in said.out.splitlines() if line.startswith("refused by"))
    assert line.split()[-1] == "3"
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["refused_by_header"] == {"ViewPosition": 3}


def test_without_the_check_of_headers_films_are_answered(saved_model, tmp_path, headers, capsys):
    assert run(options(saved_model, tmp_path, headers, header_check=False)) == 0
    assert {row["status"] for row in table(tmp_path / "out" / "scores.csv")} == {"ok"}
    assert "refused" not in "".join(capsys.readouterr())


def test_an_archive_and_a_pattern_give_the_rows_of_the_folder(saved_model, tmp_path, films, capsys):
    archive = tmp_path / "films.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(films.rglob("*.*")):
            file.write(path, path.relative_to(films))
    rows = []
    for number, named in enumerate((films, archive, f"{films}/**/*.*")):
        wanted = options(saved_model, tmp_path, named, report=number == 1)
        wanted = dataclasses.replace(wanted, out=tmp_path / f"out{number}")
        if number == 1:
            assert run(wanted, FakeModel(interrupt_at=2)) == 130
        assert run(wanted) == 1
        found = table(wanted.out / "scores.csv")
        prefix = str(archive if number == 1 else films)
        rows.append([{**row, "path": row["path"].removeprefix(prefix)} for row in found])
    assert {row["path"] for row in rows[0]} == {row["path"] for row in rows[1]} and len(
        rows[0]
    ) == 7
    key = operator.itemgetter("path")
    assert sorted(rows[0], key=key) == sorted(rows[1], key=key) == sorted(rows[2], key=key)
    kept = options(saved_model, tmp_path, archive, keep_identifiers=True)
    assert run(kept) == 1
    assert "7 films lie in archives" in capsys.readouterr().err
    assert table(kept.out / "identifiers.csv") == []


def test_run_record(saved_model, tmp_path, films):
    assert run(options(saved_model, tmp_path, films, patches=9), FakeModel(phantom=True)) == 1
    text = (tmp_path / "out" / "run.json").read_text()
    record = json.loads(text)
    assert record["complete"] is True and record["exit_status"] == 1
    assert record["phantom"] is True and record["phantom_notice"] == PHANTOM_NOTICE
    assert "Not a medical device" in record["notice"]
    assert record["arguments"]["patches"] == 9 and record["arguments"]["inputs"] == [str(films)]
    assert record["model"]["path"].endswith("3") and len(record["model"]["sha256"]) == 64
    assert record["inputs"]["films"] == record["inputs"]["scored"] == 7
    assert record["counts"] == {
        "status": {"failed": 1, "no_lung": 1, "ok": 3, "unreadable": 2},
        "label": {"normal": 2, "ill": 1},
        "failed": 3,
    }
    scores = (tmp_path / "out" / "scores.csv").read_bytes()
    assert record["outputs"] == {
        "scores.csv": {"rows": 7, "sha256": hashlib.sha256(scores).hexdigest()}
    }
    assert {"loading", "model", "reading", "scoring", "total"} <= set(record["seconds"])
    assert record["versions"]["tensorflow"] and record["versions"]["cxr_tf"]


def test_two_runs_write_the_same_bytes(saved_model, tmp_path, films):
    digests = set()
    for _ in range(2):
        run(options(saved_model, tmp_path, films, overlays=True, patch_table=True))
        record = json.loads((tmp_path / "out" / "run.json").read_text())
        digests.add(json.dumps(record["outputs"], sort_keys=True))
    assert len(digests) == 1


def test_overlays_and_patches(saved_model, tmp_path, films):
    twin = films / "other" / "a.png"
    twin.parent.mkdir()
    twin.write_bytes((films / "b.jpg").read_bytes())
    model = FakeModel()
    wanted = options(saved_model, tmp_path, films, overlays=True, patch_table=True, patches=4)
    assert run(wanted, model) == 1
    out = tmp_path / "out"
    index = table(out / "overlays" / "index.csv")
    drawn = {path.name for path in (out / "overlays").glob("*.png")}
    assert {row["overlay"] for row in index} == drawn and len(index) == len(drawn) == 5
    named = {Path(row["path"]).relative_to(films).as_posix(): row["overlay"] for row in index}
    assert named["b.jpg"] == "b.png" and named["lungless.png"] == "lungless.png"
    assert len({named["a.png"], named["other/a.png"], named["sub/a.dcm"]}) == 3
    patches = table(out / "patches.csv")
    assert len(patches) == 4 * 4  # the refused film has none
    assert patches[0]["vote"] == "normal" and patches[0]["row"] == "500"
    assert [row["patch"] for row in patches[:4]] == list("0123")
    assert all(explain and not vote.ends_early for *_, vote, explain in model.calls)


def test_a_failed_overlay_costs_neither_the_score_nor_the_run(saved_model, tmp_path, films):
    (tmp_path / "out" / "overlays" / "a.png").mkdir(parents=True)  # in the overlay's way
    inputs = films / "a.png", films / "b.jpg"
    assert run(options(saved_model, tmp_path, *inputs, overlays=True)) == 1
    first, second = table(tmp_path / "out" / "scores.csv")
    assert first["status"] == "ok" and first["label"] == "normal"
    assert first["error"].startswith("the overlay was not written: IsADirectoryError")
    assert second["error"] == ""


def test_overlays_of_an_earlier_run_are_not_scored(saved_model, tmp_path, films):
    wanted = ScoreOptions(inputs=(films,), model=saved_model, out=films / "out", overlays=True)
    run(wanted)
    first = (films / "out" / "scores.csv").read_bytes()
    run(wanted)
    assert (films / "out" / "scores.csv").read_bytes() == first


def test_interrupt_leaves_what_is_done(saved_model, tmp_path, films, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "scores.csv").write_text("older")
    code = run(options(saved_model, tmp_path, films), FakeModel(interrupt_at=3))
    assert code == 130
    rows = table(out / "scores.csv.partial")
    assert [row["status"] for row in rows] == ["ok", "ok"]
    assert (out / "scores.csv").read_text() == "older"
    record = json.loads((out / "run.json.partial").read_text())
    assert record["complete"] is False and record["inputs"]["scored"] == 2
    assert record["outputs"] == {"scores.csv.partial": {"rows": 2}}
    assert "interrupted after 2 films" in capsys.readouterr().err


def test_a_run_that_was_stopped_goes_on_to_the_same_tables(saved_model, tmp_path, films):
    wanted = options(saved_model, tmp_path, films, overlays=True, patch_table=True)
    whole = dataclasses.replace(wanted, out=tmp_path / "whole")
    assert run(whole) == 1
    out = wanted.out
    assert run(wanted, FakeModel(interrupt_at=2)) == 130
    assert run(wanted, FakeModel(interrupt_at=3)) == 130
    # As if killed while a row was written, and before the score of the film that came next.
    with (out / "scores.csv.partial").open("a") as file:
        file.write(str(films / "sub")[:9])
    with (out / "patches.csv.partial").open("a") as file:
        file.write(f"{films / 'sub' / 'a.dcm'},0,500,300,0.5,0.5,normal\n")
    model = FakeModel()
    assert run(wanted, model) == 1
    assert 0 < len(model.calls) < 5
    for name in ("scores.csv", "patches.csv", "overlays/index.csv"):
        assert (out / name).read_bytes() == (whole.out / name).read_bytes(), name
    names = [sorted(p.name for p in (x / "overlays").iterdir()) for x in (out, whole.out)]
    assert names[0] == names[1]
    record, other = (json.loads((x / "run.json").read_text()) for x in (out, whole.out))
    assert record["counts"] == other["counts"]
    assert record["inputs"]["resumed"] > 0 and other["inputs"]["resumed"] == 0
    assert not (out / "scoring.json").exists()


@pytest.mark.parametrize(
    "changes",
    [{"seed": 4}, {"patches": 7}, {"voi": True}, {"patch_table": True}, {"format": ("parquet",)}],
)
def test_an_unfinished_run_never_mixes_with_another(saved_model, tmp_path, films, changes):
    wanted = options(saved_model, tmp_path, films)
    assert run(wanted, FakeModel(interrupt_at=2)) == 130
    other = dataclasses.replace(wanted, **changes)
    with pytest.raises(UsageError, match=f"differs in {next(iter(changes))}"):
        run(other)
    with pytest.raises(UsageError, match="differs in inputs_sha256"):
        run(dataclasses.replace(wanted, inputs=(films / "a.png",)))
    assert len(table(wanted.out / "scores.csv.partial")) == 1
    model = FakeModel()
    assert run(dataclasses.replace(other, restart=True), model) == 1
    assert len(model.calls) == 5


@pytest.mark.parametrize(
    ("moment", "format"),
    [
        ("films.table.Table.finish", "csv"),  # nothing is finished
        ("films.table.file_sha256", "csv"),  # one table of two is
        ("score.write_json", "csv"),
        ("score.end", "parquet"),
        ("films.table.Table.drop", "csv"),
    ],
)
def test_a_kill_while_a_run_ends_loses_nothing(
    saved_model, tmp_path, films, monkeypatch, moment, format
):
    wanted = options(saved_model, tmp_path, films, patch_table=True, format=(format,))
    whole = dataclasses.replace(wanted, out=tmp_path / "whole")
    assert run(whole) == 1

    def killed(*_):
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(f"cxr_tf.{moment}", killed)
        run(wanted)
    model = FakeModel()
    assert run(wanted, model) == 1
    assert not model.calls
    left, expected = ({path.name for path in each.iterdir()} for each in (wanted.out, whole.out))
    assert left == expected
    for name in ("scores", "patches"):
        path = Path(f"{name}.{format}")
        assert (wanted.out / path).read_bytes() == (whole.out / path).read_bytes()


def test_parquet_has_the_rows_of_csv_in_typed_columns(saved_model, tmp_path, films):
    parquet = pytest.importorskip("pyarrow.parquet")
    wanted = options(saved_model, tmp_path, films, patch_table=True, seed=2**62)
    assert run(wanted) == 1
    assert run(dataclasses.replace(wanted, format=("parquet",))) == 1
    for name in ("scores", "patches"):
        found = parquet.read_table(wanted.out / f"{name}.parquet")
        expected = table(wanted.out / f"{name}.csv")
        assert found.column_names == list(expected[0])
        for row, texts in zip(found.to_pylist(), expected, strict=True):
            for column, value in row.items():
                assert type(value)(texts[column]) == value
    schema = parquet.read_schema(wanted.out / "scores.parquet")
    types = {name: str(schema.field(name).type) for name in schema.names}
    assert types["seed"] == "int64" and types["votes_ill"] == types["patches_used"] == "int32"
    assert types["p_ill"] == types["lung_fraction"] == "double" and types["error"] == "string"
    record = json.loads((wanted.out / "run.json").read_text())
    digest = hashlib.sha256((wanted.out / "scores.parquet").read_bytes()).hexdigest()
    assert record["outputs"]["scores.parquet"] == {"rows": 7, "sha256": digest}


@pytest.mark.parametrize("interrupted", [False, True])
def test_several_formats_hold_the_same_rows(saved_model, tmp_path, films, interrupted):
    pytest.importorskip("pyarrow")
    alone = options(saved_model, tmp_path, films, patch_table=True)
    assert run(alone) == 1
    alone_bytes = (alone.out / "scores.csv").read_bytes()
    out, formats = tmp_path / "several", ("csv", "parquet", "jsonl", "csv")
    wanted = dataclasses.replace(alone, out=out, format=formats)
    if interrupted:
        assert run(wanted, FakeModel(interrupt_at=3)) == 130
        assert not list(out.glob("*.jsonl"))
    assert run(wanted) == 1
    assert (out / "scores.csv").read_bytes() == alone_bytes
    for name in ("scores", "patches"):
        expected = table(out / f"{name}.csv")
        lines = (out / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(lines) == len(expected) > 0
        for line, texts in zip(map(json.loads, lines), expected, strict=True):
            assert list(line) == list(texts)
            for column, value in line.items():
                assert type(value)(texts[column]) == value
    first = json.loads((out / "scores.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert type(first["votes_ill"]) is type(first["seed"]) is int and type(first["p_ill"]) is float
    names = {f"{name}.{suffix}" for name in ("scores", "patches") for suffix in formats}
    record = json.loads((out / "run.json").read_text())
    assert set(record["outputs"]) == names
    assert {path.name for path in out.iterdir()} == names | {"run.json"}
    for name, facts in record["outputs"].items():
        assert facts["sha256"] == hashlib.sha256((out / name).read_bytes()).hexdigest()


def test_parquet_without_pyarrow_names_the_extra(saved_model, tmp_path, films, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"cxr-tf\[parquet\]"):
        score.run(options(saved_model, tmp_path, films, format=("parquet",)), Reporter(quiet=True))


def test_an_unfinished_run_whose_rows_were_changed_is_refused(saved_model, tmp_path, films):
    wanted = options(saved_model, tmp_path, films)
    assert run(wanted, FakeModel(interrupt_at=3)) == 130
    partial = wanted.out / "scores.csv.partial"
    partial.write_text(partial.read_text().replace("b.jpg", "c.jpg"))
    with pytest.raises(UsageError, match="has been changed"):
        run(wanted)


def test_a_passing_fault_of_reading_is_tried_again(monkeypatch):
    monkeypatch.setattr("cxr_tf.films.reading.RETRY_AFTER", (0.0, 0.0))
    tried = []

    def read(path):
        tried.append(path)
        if path.name == "damaged" or len(tried) < 3:
            transient = path.name != "damaged"
            return Film(None, -1, "unreadable", "no luck", "", transient)
        return Film(np.zeros((2, 2), np.uint16), -1, "ok", "", "png")

    inputs = [Input(Path("slow disk")), Input(Path("damaged"))]
    found = [reading.status for _, reading in read_ahead(inputs, read)]
    assert found == ["ok", "unreadable"]
    assert len(tried) == 4


@pytest.mark.slow
def test_a_run_that_is_killed_at_several_moments_ends_with_the_same_scores(exported, tmp_path):
    films = tmp_path / "films"
    films.mkdir()
    for seed in range(12):
        (films / f"{seed:02}.png").write_bytes(png(film(seed, 200)))
    out = tmp_path / "out"
    arguments = ["--model", str(exported), str(films), "--patches", "400", "--quiet", "--out"]
    command = [sys.executable, "-m", "cxr_tf.score", *arguments, str(out)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    root = Path(score.__file__).parents[1]
    assert score.main([*arguments, str(tmp_path / "whole")]) == 0
    for rows in (1, 4, 8):
        process = subprocess.Popen(command, cwd=root, env=environment)
        try:
            while not _has_rows(out / "scores.csv.partial", rows):
                assert process.poll() is None, "ended before it could be killed"
                time.sleep(0.01)
        finally:
            process.kill()
            process.wait()
    assert score.main([*arguments, str(out)]) == 0
    assert (out / "scores.csv").read_bytes() == (tmp_path / "whole/scores.csv").read_bytes()
    assert json.loads((out / "run.json").read_text())["inputs"]["resumed"] >= 8


def _has_rows(path, rows):
    return path.is_file() and path.read_bytes().count(b"\n") > rows


def test_phantom_model_says_so_everywhere(saved_model, tmp_path, films, capsys):
    wanted = options(saved_model, tmp_path, films / "a.png", overlays=True)
    model = FakeModel(phantom=True)
    assert run(dataclasses.replace(wanted, quiet=True), model) == 0
    told = capsys.readouterr()
    assert PHANTOM_NOTICE in told.err and told.out == ""
    marked = (tmp_path / "out" / "overlays" / "a.png").read_bytes()
    assert run(wanted, model) == 0
    assert PHANTOM_NOTICE in capsys.readouterr().out
    assert run(dataclasses.replace(wanted, restart=True), FakeModel()) == 0
    told = capsys.readouterr()
    assert PHANTOM_NOTICE not in told.out + told.err and "Not a medical device" in told.out
    assert (tmp_path / "out" / "overlays" / "a.png").read_bytes() != marked


def test_a_narrow_vote_is_referred_and_keeps_its_label(saved_model, tmp_path, films):
    class Narrow(FakeModel):
        def predict(self, pixels, padding=-1, vote=None, *, explain=False):
            votes, means = np.array([56, 44], np.int32), np.array([0.5, 0.5], np.float32)
            below = self.card.decision.asked_with(vote).refer_below
            return answered("ok", "normal", 0, votes, means, 0.56, 0.3, 100, "fake-1", below)

    for below, decided in ((None, "normal"), (0.12, "normal"), (0.13, "refer")):
        run(options(saved_model, tmp_path, films / "a.png", refer_below=below, restart=True),
            Narrow())  # fmt: skip
        [row] = table(tmp_path / "out" / "scores.csv")
        assert (row["status"], row["label"], row["decision"]) == ("ok", "normal", decided)
        assert (row["margin"], row["agreement_low"]) == ("0.120000", "0.462281")
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["arguments"]["refer_below"] == 0.13
    for wrong, message in (
        ({"refer_below": 1.5}, "--refer-below 1.5: give a share"),
        ({"refer_below": 0.1, "fast": True}, "does not know its margin"),
    ):
        with pytest.raises(UsageError, match=message):
            run(options(saved_model, tmp_path, films / "a.png", **wrong))


def test_seed_patches_and_padding_reach_the_model(saved_model, tmp_path, films):
    model = FakeModel()
    padded = ramp(30, 50, 4000, np.uint16)
    padded[:10] = 4095
    dataset = dicom_dataset(padded, stored_bits=12, PixelPaddingValue=4095)
    (films / "sub" / "a.dcm").write_bytes(dicom_bytes(dataset))
    inputs = films / "a.png", films / "sub" / "a.dcm"
    few = {"seed": 2**40, "patches": 7, "stride": 64, "decision_only": True, "fast": True}
    run(options(saved_model, tmp_path, *inputs, **few), model)
    first, second = model.calls
    assert first == ((40, 56), -1, VoteOptions(**few), False)
    assert second[0] == (30, 50) and second[1] >= 0


def read_slowly(log, seconds=0.0):
    def read(path):
        time.sleep(seconds)
        log.append((path.name, threading.current_thread().name))
        if path.name == "1":
            raise MemoryError("no room")
        return Film(np.zeros((2, 2), np.uint16), -1, "ok", "", "png")

    return read


def test_reading_runs_ahead_in_order_and_never_raises():
    log = []
    inputs = [Input(Path(str(number)), "gone" if number == 2 else "") for number in range(6)]
    seen = []
    for item, reading in read_ahead(inputs, read_slowly(log), depth=2):
        seen.append((str(item.path), reading.status))
        time.sleep(0.02)
        assert len(log) <= len(seen) + 3  # bounded: depth, and the one in work
    assert [name for name, _ in seen] == list("012345")
    assert [status for _, status in seen][:3] == ["ok", "failed", "unreadable"]
    assert all(name.startswith("read-ahead") for _, name in log)


def test_the_next_film_is_read_while_the_caller_works():
    begun = threading.Event()

    def read(path):
        if path.name == "second":
            begun.set()
        return Film(np.zeros((2, 2), np.uint16), -1, "ok", "", "png")

    inputs = [Input(Path("first")), Input(Path("second"))]
    assert [begun.wait(60) for _ in read_ahead(inputs, read)] == [True, True]


def test_leaving_the_reader_early_stops_its_thread():
    before = threading.active_count()
    readings = read_ahead([Input(Path(str(n))) for n in range(2, 100)], read_slowly([], 0.01))
    next(readings)
    readings.close()
    assert threading.active_count() == before


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"patches": 0}, "from 1 to 400"),
        ({"patches": 401}, "from 1 to 400"),
        ({"seed": -1}, "--seed"),
        ({"read_deadline": 0.0}, "--read-deadline"),
        ({"read_deadline": float("nan")}, "--read-deadline"),
        ({"where": ("split",)}, "COLUMN=VALUE"),
        ({"fast": True, "overlays": True}, "--fast give no maps"),
        ({"fast": True, "report": True}, "--fast give no maps"),
        ({"fast": True, "server": "grpc://a:1"}, "--fast need the model here"),
        ({"model": Path("gone")}, "gone does not exist"),
        ({"inputs": ()}, "no input"),
        ({"decision_only": True, "overlays": True}, "--decision-only and --fast give no maps"),
        ({"decision_only": True, "patch_table": True}, "--decision-only and --fast give no maps"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_loaded(
    saved_model, tmp_path, films, changes, message
):
    wanted = dataclasses.replace(options(saved_model, tmp_path, films), **changes)

    def load(_):
        raise AssertionError("loaded")

    with pytest.raises(UsageError, match=message):
        score.run(wanted, Reporter(quiet=True), load)


@pytest.mark.parametrize("changes", [{"stride": 64}, {"rule": "mean"}])
def test_what_no_signature_does_is_refused_before_the_server_is_asked(
    exported, tmp_path, films, changes
):
    """The address leads nowhere: a request would end as another error, and film by film."""
    wanted = options(exported, tmp_path, films)
    wanted = dataclasses.replace(wanted, server="http://127.0.0.1:1", **changes)
    with pytest.raises(UsageError, match="signatures decide as the model was exported"):
        score.run(wanted, Reporter(quiet=True))


def test_main_answers_wrong_usage_with_2(saved_model, tmp_path, films, capsys):
    arguments = ["--model", str(saved_model), "--out", str(tmp_path / "out")]
    assert score.main([*arguments, "--patches", "0", str(films)]) == 2
    assert capsys.readouterr().err.startswith("error: --patches 0")
    assert score.main([*arguments, str(films / "gone.csv")]) == 2
    assert score.main([*arguments, str(films)]) == 2  # not really a SavedModel
    assert "cannot be loaded" in capsys.readouterr().err
    assert score.main(["--model", str(saved_model), "--out", str(films / "a.png"), "x"]) == 2
    with pytest.raises(SystemExit) as leaving:
        score.main(["--out", "x", "y.png"])
    assert leaving.value.code == 2


@pytest.fixture
def seen(monkeypatch):
    """The options of the runs that `main` starts; nothing is scored."""
    found = []

    def run(options, reporter):
        found.append(options)
        return 0

    monkeypatch.setattr(score, "run", run)
    return found


def test_arguments_may_stand_in_any_order(seen):
    line = "--overlays a.png b --where x=1 --model m --where y=2 --out o --no-recursive --log-json"
    assert score.main(line.split()) == 0
    assert score.main("--model m --out o --where x=1 --patches 3 c.csv".split()) == 0
    first, second = seen
    assert first.inputs == ("a.png", "b") and first.where == ("x=1", "y=2")
    assert first.overlays and first.log_json and not first.recursive
    assert first.formats == ("csv",)
    assert second.inputs == ("c.csv",) and second.where == ("x=1",) and second.patches == 3


@pytest.mark.parametrize(
    ("line", "formats", "inputs"),
    [
        ("--format csv parquet jsonl a.png", ("csv", "parquet", "jsonl"), ("a.png",)),
        ("a.png --format jsonl csv --seed 3", ("jsonl", "csv"), ("a.png",)),
        ("--format parquet --format csv a.png", ("parquet", "csv"), ("a.png",)),
        ("--format=jsonl csv", ("jsonl",), ("csv",)),
        ("csv --format jsonl", ("jsonl",), ("csv",)),
    ],
)
def test_formats_may_stand_behind_each_other(line, formats, inputs, seen):
    assert score.main(["--model", "m", "--out", "o", *line.split()]) == 0
    assert (seen[0].formats, seen[0].inputs) == (formats, inputs)


def test_log_json_puts_only_json_on_stderr(saved_model, tmp_path, films, capsys):
    run(options(saved_model, tmp_path, films), reporter=Reporter(as_json=True))
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [event["status"] for event in events if event.get("event") == "film"] == [
        row["status"] for row in table(tmp_path / "out" / "scores.csv")
    ]


@pytest.mark.parametrize("changes, hidden", [({}, False), ({"quiet": True}, True)])
def test_libraries_are_silent_at_the_start_only_where_asked(
    saved_model, tmp_path, films, capfd, changes, hidden
):
    def load(_):
        os.write(2, b"noise\n")
        return FakeModel()

    wanted = options(saved_model, tmp_path, films / "a.png", **changes)
    assert score.run(wanted, Reporter(quiet=True), load) == 0
    os.write(2, b"later\n")
    error = capfd.readouterr().err
    assert ("noise" not in error) == hidden and "later" in error


def test_help_is_quick_and_imports_no_tensorflow():
    code = (
        "import sys\nfrom cxr_tf.score import main\n"
        "try: main(['--help'])\nexcept SystemExit as leaving: assert leaving.code == 0\n"
        "assert 'tensorflow' not in sys.modules and 'numpy' not in sys.modules"
    )
    seconds = []
    for _ in range(3):
        shown, taken = timed_python("-c", code, COLUMNS="100")
        seconds.append(taken)
        assert "--patch-table" in shown and "Not a medical device" in shown
    assert min(seconds) < 1.0


@pytest.mark.slow
def test_the_dense_vote_from_the_command_line(dense_exported, exported, tmp_path, capsys):
    """Twice the same bytes; patches and report show its windows; another model refuses."""
    from cxr_tf.saved.model_folders import read_card
    from tests.cxr_tf.fake_runs import film, png

    path = tmp_path / "films" / "a.png"
    path.parent.mkdir()
    path.write_bytes(png(film()))
    digests = set()
    for name, further in (("one", []), ("two", ["--seed", "4", "--patches", "7"])):
        out = tmp_path / name
        line = ["--model", str(dense_exported), "--out", str(out), "--vote", "dense", "--quiet"]
        shown = ["--patch-table", "--report", "--overlays"]
        assert score.main([*line, *shown, *further, str(path)]) == 0
        (row,) = table(out / "scores.csv")
        patches = table(out / "patches.csv")
        used = int(row["patches_used"])
        assert row["status"] == "ok" and used == len(patches) > 50
        assert all(int(each["row"]) % 32 == int(each["column"]) % 32 == 0 for each in patches)
        classes = read_card(dense_exported / "1").classes
        for each in classes:
            assert int(row[f"votes_{each}"]) == sum(x["vote"] == each for x in patches)
        assert len(list((out / "overlays").glob("*.png"))) == 1
        (case,) = (out / "report" / "cases").glob("*.js")
        assert str(used) in case.read_text()
        row.pop("seed")
        digests.add(json.dumps([row, patches]))
    assert len(digests) == 1
    line = ["--model", str(exported), "--out", str(tmp_path / "x"), "--vote", "dense", str(path)]
    assert score.main(line) == 2
    assert "was not trained for the dense vote" in capsys.readouterr().err
