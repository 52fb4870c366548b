"""The model in saved_models/cxr_triage: whole, and deciding as its published results say."""

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

ROOT = Path(__file__).parents[1]
MODEL = version_folder(ROOT / "saved_models" / "cxr_triage")
TEST = ROOT / "results" / "classification" / "test"


@pytest.fixture(scope="module")
def model():
    return cxr_tf.load(MODEL)


def test_the_results_are_this_model_s():
    card, record = read_card(MODEL), json.loads((TEST / "metrics.json").read_text())
    assert card.phantom is False and card.classes == PAPER_CLASSES.names
    assert record["model"]["version"] == card.model_version
    assert record["arguments"]["model"] == "saved_models/cxr_triage"


@pytest.mark.slow
def test_its_weights_can_be_taken_out(tmp_path):
    runs = extract(ExtractOptions(model=MODEL, out=tmp_path))
    assert [run.name for run in runs] == ["segmentation", "classification"]


@pytest.mark.slow
def test_it_decides_as_its_results_say(model, research_data):
    """Two films of each class: the same label, and at most one vote in a hundred differs."""
    with (TEST / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = [row for name in model.classes for row in _some(rows, name)]
    assert len(chosen) == 8
    for row in chosen:
        film = read_film(research_data / row["path"])
        found = model.predict(film.pixels, film.padding)
        assert (found.status, found.label) == (row["status"], row["label"]), row["path"]
        votes = np.array([int(row[f"votes_{name}"]) for name in model.classes])
        assert np.abs(found.votes - votes).max() <= 1, row["path"]


def _some(rows, truth):
    """The first and the last film of a class that are decided without a close vote."""
    clear = [row for row in rows if row["truth"] == truth and float(row["agreement"]) > 0.6]
    return clear[0], clear[-1]
