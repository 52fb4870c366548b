"""The dense vote beside another seed: labels, probabilities and maps."""

import cv2
import numpy as np
import pytest
from scipy.stats import spearmanr

from cxr_tf.saved.load import from_runs
from pipelines.manifest.table import Manifest, ManifestRow, write_manifest
from tests.cxr_tf.fake_runs import classification_run, film, segmentation_run
from tools.bench import two_votes
from tools.bench.two_votes import DENSELY, OTHER_SEED, main


@pytest.fixture
def data(tmp_path):
    rows = []
    for number, label in enumerate(("normal", "bacterial", "viral")):
        path = tmp_path / f"{number}.png"
        if number == 2:
            path.write_bytes(b"no picture")
        else:
            cv2.imwrite(str(path), film(number, label=label))
        rows.append(ManifestRow(path, label, source="a", split_classification="validation"))
    write_manifest(Manifest(tmp_path, tuple(rows)), tmp_path / "manifest.csv")
    return tmp_path


@pytest.mark.slow
def test_each_way_stands_beside_100_patches(data, capsys, monkeypatch):
    masks = segmentation_run(data / "masks")
    run = classification_run(data / "run", masks, approach="dense", patch_size=64)
    model, ranks = from_runs(None, run), {OTHER_SEED: [], DENSELY: []}
    monkeypatch.setattr(two_votes, "load", lambda path: model)
    out = data / "votes.md"
    assert main(["model", "--data", str(data), "--out", str(out)]) == 0
    text = out.read_text()
    assert text in capsys.readouterr().out and "on the validation films" in text
    rows = {
        cells[0]: cells[1:]
        for cells in ([c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines())
        if cells
    }
    for number, label in enumerate(("normal", "bacterial")):
        pixels = film(number, label=label)
        first = model.predict(pixels, explain=True)
        inside = first.mask >= 2
        for name, asked in ((OTHER_SEED, {"seed": 1}), (DENSELY, {"vote": "dense"})):
            way = model.predict(pixels, explain=True, **asked)
            maps = (each.saliency[first.class_index][inside] for each in (way, first))
            ranks[name].append(spearmanr(*maps).statistic)
    for name, found in ranks.items():
        assert rows[name][0].endswith("of 2")
        assert float(rows[name][-2]) == pytest.approx(np.mean(found), abs=6e-4)
        assert float(rows[name][-1]) == pytest.approx(min(found), abs=6e-4)
    assert float(rows[OTHER_SEED][1]) > 0


def test_a_split_without_films_is_named(data, monkeypatch, capsys):
    monkeypatch.setattr(two_votes, "load", lambda path: None)
    assert main(["model", "--data", str(data), "--split", "test"]) == 2
    assert "name another --split" in capsys.readouterr().err
