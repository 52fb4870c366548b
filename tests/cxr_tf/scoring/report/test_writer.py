import csv
import fnmatch
import json
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from cxr_tf.runtime.errors import UsageError
from cxr_tf.scoring.report import writer
from cxr_tf.scoring.report.pictures import save_png
from tests.cards import made_up_card
from tests.cxr_tf import fake_runs
from tests.cxr_tf.scoring.report.made_up import CLASSES, FILMS, MARKUP, MadeUpModel, make_report

ROOT = Path(__file__).parents[4]


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def films_of(report):
    text = (report / "worklist.js").read_text(encoding="ascii")
    assert text.startswith("cxr.takeWorklist(") and text.endswith(");\n")
    return json.loads(text.removeprefix("cxr.takeWorklist(").removesuffix(");\n"))


def case_of(report, name):
    text = (report / "cases" / f"{name}.js").read_text(encoding="ascii")
    return json.loads("[" + text.removeprefix("cxr.takeCase(").removesuffix(");\n") + "]")


def test_the_worklist_has_every_film_in_the_order_of_triage(made_report):
    films = films_of(made_report / "report")
    assert [(Path(film["path"]).name, film["group"]) for film in films] == [
        ("c_viral.png", "suspect"),
        (MARKUP, "suspect"),
        ("b_unsure.png", "uncertain"),
        ("a_normal.png", "rest"),
        ("e_tb.png", "rest"),
        ("f_refused.png", "undecided"),
        ("g_cut.png", "undecided"),
    ]
    with (made_report / "scores.csv").open(newline="") as stream:
        rows = {row["path"]: row for row in csv.DictReader(stream)}
    for film in films:
        row = rows[film["path"]]
        assert film["votes"] == [int(row[f"votes_{name}"]) for name in CLASSES]
        assert film["error"] == row["error"] and film["status"] == row["status"]
        assert film["pictures"] == (film["status"] != "unreadable")
    record = json.loads((made_report / "run.json").read_text())
    assert record["outputs"]["report/index.html"]["rows"] == len(films)


def test_a_case_has_what_its_page_shows(made_report):
    report = made_report / "report"
    name, case = case_of(report, "c_viral")
    assert name == "c_viral" and case["film"] == [256, 256]
    assert len(case["patches"]) == 100 and all(len(patch) == 6 for patch in case["patches"])
    assert 0 < case["biomarkers"]["cardiothoracic_ratio"] < 1 and case["missing"] == ""
    assert case["saliency"] and (report / "cases" / "c_viral.saliency.png").is_file()
    _, refused = case_of(report, "f_refused")
    assert refused["biomarkers"]["cardiothoracic_ratio"] is None
    assert "no heart" in refused["missing"]
    assert not refused["saliency"] and not (report / "cases" / "f_refused.saliency.png").exists()


def test_the_answers_of_a_trained_model_fit_into_the_report(from_python, tmp_path):
    films = tmp_path / "films"
    films.mkdir()
    (films / "a.png").write_bytes(fake_runs.png(fake_runs.film()))
    assert make_report(films, tmp_path / "out", from_python) == 0
    (row,) = films_of(tmp_path / "out" / "report")
    _, case = case_of(tmp_path / "out" / "report", "a")
    assert row["status"] == "ok" and row["pictures"] and case["saliency"]
    votes = [max(range(4), key=patch[2:].__getitem__) for patch in case["patches"]]
    assert [votes.count(index) for index in range(4)] == row["votes"]
    with Image.open(tmp_path / "out" / "report" / "cases" / "a.saliency.png") as strip:
        assert strip.size == (256, 4 * 256)


def test_names_of_films_never_become_markup(made_report):
    report = made_report / "report"
    page = (report / "index.html").read_text()
    assert "onerror" not in page and "unsafe-inline" not in page
    assert MARKUP in [film["path"].rpartition("/")[2] for film in films_of(report)]


def test_a_run_that_was_stopped_goes_on_to_the_same_report(made_report, tmp_path):
    films = made_report.parent / "films"
    out = tmp_path / "out"
    assert make_report(films, out, MadeUpModel(films, interrupt_at=3)) == 130
    assert not (out / "report" / "index.html").exists()
    (out / "report" / "cases" / "e_tb.js").write_text("left by a killed run")
    with pytest.raises(UsageError, match="differs in report"):
        make_report(films, out, MadeUpModel(films), report=False)
    model = MadeUpModel(films)
    assert make_report(films, out, model) == 1
    assert 0 < model.calls < len(FILMS)
    assert content(out / "report") == content(made_report / "report")


def test_a_failed_picture_costs_neither_the_row_nor_the_report(made_report, tmp_path, monkeypatch):
    def fail_at(path, picture, save=save_png):
        if path.name == "a_normal.saliency.png":
            raise OSError("no space")
        save(path, picture)

    monkeypatch.setattr(writer, "save_png", fail_at)
    out = tmp_path / "out"
    assert make_report(made_report.parent / "films", out, overlays=True) == 1
    film = next(film for film in films_of(out / "report") if film["name"] == "a_normal")
    assert film["label"] == "normal" and film["pictures"] is False
    assert film["error"] == "the report's pictures were not written: OSError: no space"
    assert (out / "overlays" / "a_normal.png").is_file()


def test_a_new_run_neither_keeps_pictures_of_an_older_one_nor_scores_them(tmp_path):
    films = tmp_path / "films"
    model = MadeUpModel(films, size=64)
    assert make_report(films, films / "out", model) == 1
    (films / "a_normal.png").unlink()
    assert make_report(films, films / "out", model) == 1
    report = films / "out" / "report"
    assert len(films_of(report)) == len(FILMS)  # one less, and the one that is cut short
    assert not list((report / "cases").glob("a_normal*"))


def test_a_server_gives_its_own_maps_alone(tmp_path):
    with pytest.raises(UsageError, match="leave out --seed, --patches"):
        make_report(
            tmp_path / "films", tmp_path / "out", MadeUpModel(tmp_path / "films", 64),
            server="grpc://a:1", patches=9,
        )  # fmt: skip


def test_the_ranges_beside_a_model_are_shown_or_refused(tmp_path):
    from cxr_tf.scoring.report.ranges import NAME, masks_key, read_ranges

    folder, card = tmp_path / "1", made_up_card(resolution_limit=512)
    folder.mkdir()
    assert read_ranges(folder, card) == []
    groups = [{"name": "adult", "films": 3, "markers": {}}]
    (tmp_path / NAME).write_text(json.dumps({"masks": masks_key(card), "groups": groups}))
    assert read_ranges(folder, card) == groups
    assert read_ranges(folder, made_up_card(resolution_limit=256)) == []  # other masks
    (tmp_path / NAME).write_text("{")
    with pytest.raises(ValueError, match="make it again"):
        read_ranges(folder, card)


def test_limits_come_from_the_card_in_words_without_links_or_markup(tmp_path):
    from cxr_tf.scoring.report.limits import limits_of

    folder = tmp_path / "cxr" / "1"
    folder.mkdir(parents=True)
    (tmp_path / "MODEL_CARD.md").write_text(
        "# cxr, version 1\n## Intended use\nOnly [this](x.md) & <b>that</b>.\n## Data\nno\n"
        "## Confounds and known failures\n- **One** ![p](http://a/b.png)\n"
    )
    (use, text), (failures, items) = limits_of(folder, made_up_card(name="cxr"))
    assert (use, failures) == ("Intended use", "Confounds and known failures")
    assert text == "<p>Only this &amp; &lt;b&gt;that&lt;/b&gt;.</p>\n"
    assert "<strong>One</strong> p" in items and "http" not in items
    ((title, text),) = limits_of(folder, made_up_card(name="other"))
    assert "not calibrated" in text and "this" not in title
    assert "segmentation: u_net_small, trained on a data set of 12 films" in text


def test_all_that_the_report_is_made_of_is_installed():
    with (ROOT / "pyproject.toml").open("rb") as stream:
        patterns = tomllib.load(stream)["tool"]["setuptools"]["package-data"]["cxr_tf"]
    package = ROOT / "cxr_tf"
    files = [
        path
        for path in (package / "scoring" / "report").rglob("*.*")
        if path.suffix not in (".py", ".pyc")
    ]
    assert len(files) == 7
    for path in files:
        name = path.relative_to(package).as_posix()
        assert any(fnmatch.fnmatch(name, pattern) for pattern in patterns), name


def test_a_damaged_file_of_ranges_is_wrong_usage(tmp_path):
    films = tmp_path / "films"
    model = MadeUpModel(films, size=64)
    (tmp_path / "models" / "made").mkdir(parents=True)
    (tmp_path / "models" / "made" / "normal_ranges.json").write_text("[]")
    with pytest.raises(UsageError, match="is damaged"):
        make_report(films, tmp_path / "out", model)
