"""Films decided from what a training has kept of them."""

import json

import cv2
import numpy as np
import pytest

from cxr_tf.evaluation.patch_store import read_patches
from cxr_tf.films.model import TriageModel
from cxr_tf.saved.load import from_runs
from pipelines.films import read_film
from pipelines.manifest.table import Manifest, ManifestRow, write_manifest
from pipelines.text_table import read_text_table
from tests.cxr_tf.fake_runs import classification_run, film, segmentation_run
from tools.leave_one_out.__main__ import main

FILMS = (("normal", "a", "test"), ("bacterial", "a", "train"), ("normal", "b", "test"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three films, a run that sees no lungs, and one that votes by patches and densely."""
    folder = tmp_path_factory.mktemp("decided")
    rows = []
    for number, (label, source, split) in enumerate(FILMS):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), film(number, label=label))
        rows.append(ManifestRow(path, label, source=source, split_classification=split))
    write_manifest(Manifest(folder, tuple(rows)), folder / "manifest.csv")
    masks, blind = (segmentation_run(folder / str(x), finds_lungs=x) for x in (True, False))
    options = {"approach": "dense", "patch_size": 64, "film_size": 512, "content": "even_lungs"}
    classification_run(folder / "run", masks, cache=str(folder / "cache"), **options)
    classification_run(folder / "blind_run", blind)
    return folder


def decide(folder, run, *options):
    out = folder / f"out_{run}"
    words = ["decide", str(folder / run), "--data", str(folder), "--out", str(out)]
    assert main([*words, "--patches", "9", *options]) == 0
    return out


@pytest.mark.slow
def test_answers_are_those_of_the_run_itself(folder):
    """By patches and by windows; a film's levels are rounded to 1/257 of a grey level."""
    out = decide(folder, "run")
    table = read_text_table(out / "predictions.csv")
    assert list(table["source"]) == ["a", "a", "b"]
    assert list(table["truth"]) == [label for label, *_ in FILMS]
    model: TriageModel = from_runs(None, folder / "run")
    chances = [name for name in table if name.startswith("p_")]
    patches = read_patches(out / "patches.npz")
    for name, options in {"": {"patches": 9}, "dense": {"vote": "dense"}}.items():
        table = read_text_table(out / name / "predictions.csv")
        for index, row in table.iterrows():
            pixels = read_film(folder / f"{index}.png").pixels
            expected = model.predict(pixels, explain=True, **options)
            assert (row["status"], row["label"]) == ("ok", expected.label)
            assert int(row["patches_used"]) == expected.patches_used
            found = row[chances].to_numpy(np.float64)
            np.testing.assert_allclose(found, expected.probabilities, atol=2e-3)
            if not name:
                kept = patches[row["path"]]
                np.testing.assert_allclose(kept, expected.patch_probabilities, atol=5e-3)
    assert json.loads((out / "metrics.json").read_text())["films"] == 3


def test_films_are_chosen_and_without_lungs_undecided(folder, capsys):
    out = decide(folder, "blind_run", "--split", "test", "--source", "b")
    (row,) = read_text_table(out / "predictions.csv").to_dict("records")
    assert (row["source"], row["status"], row["label"]) == ("b", "no_lung", "")
    assert read_patches(out / "patches.npz") == {}
    words = ["decide", str(folder / "blind_run"), "--data", str(folder), "--out", str(out)]
    assert main([*words, "--source", "z"]) == 2
    assert "--source z" in capsys.readouterr().err
    assert main([*words, "--patches", "0"]) == 2
