"""The model in saved_models/cxr_triage: whole, answering as it did, deciding as published."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import cxr_tf
from cxr_tf.saved.model_folders import read_card, version_folder
from cxr_tf.saved.weights_out import ExtractOptions, extract
from pipelines.classes import PAPER_CLASSES
from pipelines.films import read_film
from tools.golden import shipped_answers
from tools.phantoms.chest import phantom
from tools.reliability.collages import collage

ROOT = Path(__file__).parents[1]
MODEL = version_folder(ROOT / "saved_models" / "cxr_triage")
TEST = ROOT / "results" / "classification" / "test"
GOLDEN = json.loads(shipped_answers.STORED.read_text(encoding="utf-8"))
#: Of an answer, what is the same everywhere.
EXACT = ("status", "label", "votes", "patches_used", "conformal_set", "abstain")


@pytest.fixture(scope="module")
def model():
    return cxr_tf.load(MODEL)


def test_the_results_are_this_model_s():
    card, record = read_card(MODEL), json.loads((TEST / "metrics.json").read_text())
    assert card.phantom is False and card.classes == PAPER_CLASSES.names
    assert record["model"]["version"] == card.model_version
    assert record["arguments"]["model"] == "saved_models/cxr_triage"


def test_the_golden_answers_are_this_model_s():
    version = read_card(MODEL).model_version
    assert GOLDEN["model_version"] == version, (
        f"saved_models/cxr_triage is {version} and the golden answers are of "
        f"{GOLDEN['model_version']}: run python -m tools.golden.shipped_answers"
    )
    assert GOLDEN["answers"].keys() == shipped_answers.FILMS.keys()


def test_the_golden_answers_hold_every_label_and_kind_of_answer():
    answers = GOLDEN["answers"].values()
    assert {answer["label"] for answer in answers} == {*PAPER_CLASSES.names, ""}
    assert {answer["status"] for answer in answers} == {"ok", "not_chest_film", "constant"}
    assert {answer["abstain"] for answer in answers} == {True, False}


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_answers.FILMS)
def test_it_answers_phantoms_as_it_did(model, name):
    golden, found = GOLDEN["answers"][name], shipped_answers.answer(model, name)
    assert found["film_mean"] == pytest.approx(golden["film_mean"], abs=1), "another phantom"
    assert {key: found[key] for key in EXACT} == {key: golden[key] for key in EXACT}
    for key in golden.keys() - {*EXACT, "film_mean"}:
        np.testing.assert_allclose(found[key], golden[key], atol=1e-3, err_msg=key)


def films(count=4):
    labels = ("normal", "viral", "bacterial", "normal")
    return [
        phantom(label, np.random.default_rng(seed), 512).pixels
        for seed, label in enumerate(labels[:count])
    ]


@pytest.mark.slow
@pytest.mark.parametrize("gutter", [0, 16])
@pytest.mark.parametrize(
    ("kind", "cut", "words"),
    [
        ("side", slice(None), "side by side"),
        ("side", slice(70, 442), "side by side"),
        ("stacked", slice(None), "one above the other"),
        ("grid", slice(None), "two or more films"),
    ],
)
def test_a_collage_is_refused_with_the_reason(model, kind, cut, words, gutter):
    given = [film[:, cut] for film in films(4 if kind == "grid" else 2)]
    picture = collage(kind, given, gutter, 65535)
    found = model.score(picture)
    assert (found.status, found.label) == ("not_chest_film", "")
    assert "two or more films in one picture, " in found.error and words in found.error
    assert model.score(picture >> 8).error == found.error


@pytest.mark.slow
def test_a_single_film_is_answered_and_the_gate_can_be_left_out(model):
    for film in films(2):
        assert model.score(film, patches=1).status == "ok"
    picture = collage("side", films(2), 0, 0)
    assert "two or more" not in model.score(picture, patches=1, gate=False).error


@pytest.mark.slow
def test_its_weights_can_be_taken_out(tmp_path):
    runs = extract(ExtractOptions(model=MODEL, out=tmp_path))
    assert [run.name for run in runs] == ["segmentation", "classification"]


@pytest.mark.slow
def test_it_decides_as_its_results_say(model, research_data):
    """Two films of each class: the same label, and nearly the same probabilities."""
    with (TEST / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = [row for name in model.classes for row in _some(rows, name)]
    assert len(chosen) == 8
    for row in chosen:
        film = read_film(research_data / row["path"])
        found = model.predict(film.pixels, film.padding, gate=False)  # as `evaluate` asks
        assert (found.status, found.label) == (row["status"], row["label"]), row["path"]
        likely = np.array([float(row[f"p_{name}"]) for name in model.classes])
        np.testing.assert_allclose(found.probabilities, likely, atol=2e-3, err_msg=row["path"])


def _some(rows, truth):
    """The first and the last film of a class that are decided without doubt."""
    clear = [
        row
        for row in rows
        if row["truth"] == truth and row["label"] and float(row[f"p_{row['label']}"]) > 0.6
    ]
    return clear[0], clear[-1]
