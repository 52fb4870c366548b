"""Zones and curves of a model whose decision rests on known pixels."""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cxr_tf.evaluation.curves import KINDS, Curves
from cxr_tf.evaluation.summary import _curves, _zones
from cxr_tf.evaluation.zone_shares import EVEN, ZoneShares
from pipelines.classes import parse_classes
from pipelines.manifest.rows import ManifestRow

CLASSES = parse_classes("normal,viral")
SIZE, BRIGHT = 64, 60000


def _labels():
    labels = np.zeros((SIZE, SIZE), np.uint8)
    labels[8:56, 4:28], labels[8:56, 36:60] = 3, 2
    return labels


def _where():
    """The quarter of the right lung that the decision rests on."""
    place = np.zeros((SIZE, SIZE), bool)
    place[44:56, 4:28] = True
    return place


def _film():
    """Dark, with single bright pixels where the decision rests."""
    pixels = np.full((SIZE, SIZE), 1000, np.uint16)
    pixels[_where() & (np.add.outer(np.arange(SIZE), np.arange(SIZE)) % 2 == 0)] = BRIGHT
    return pixels


def _prediction(pixels, map_of_viral=None):
    chance = 2 * float((pixels[_where()] == BRIGHT).mean())
    maps = np.zeros((2, SIZE, SIZE), np.float32)
    if map_of_viral is not None:
        maps[1] = map_of_viral
    return SimpleNamespace(
        status="ok", label="viral", class_index=1, mask=_labels(), saliency=maps,
        probabilities=np.array([1 - chance, chance], np.float32),
    )  # fmt: skip


def _rows(count):
    return [ManifestRow(Path(f"/data/{n}.png"), "viral", patient_id=str(n)) for n in range(count)]


class Knows:
    """Answers from the pixels that matter; without a lung where it is told to."""

    def __init__(self, fails=False):
        self.calls, self.fails = 0, fails

    def predict(self, pixels, padding, vote):
        assert vote.patches == 20
        self.calls += 1
        if self.fails:
            return SimpleNamespace(status="no_lung", probabilities=np.zeros(2))
        return _prediction(pixels)


def _observed(saliency, films=3, model=None, read=None):
    model = model or Knows()
    film = SimpleNamespace(status="ok", pixels=_film(), padding=-1)
    curves = Curves(model, _rows(films), CLASSES, read or (lambda _: film), seed=0)
    for index in range(films):
        curves.observe(index, _prediction(_film(), saliency))
    return curves, model


def test_a_map_that_shows_what_matters_beats_a_random_one():
    curves, model = _observed(_where().astype(np.float32))
    record = curves.record(samples=50, seed=0)
    # Both ends, and four steps of two curves of two maps; ROAD's own end, and as many steps.
    assert model.calls == 3 * (2 + 16 + 1 + 16) and record["left_out"] == 0
    found = record["areas"]["all"]
    # The eighth of the lungs that matters is gone after the first step of a fifth.
    assert found["map"]["deletion"]["value"] == pytest.approx(0.1, abs=1e-6)
    assert found["map"]["insertion"]["value"] == pytest.approx(0.9, abs=1e-6)
    assert found["difference"]["deletion"]["high"] < 0 < found["difference"]["insertion"]["low"]
    assert found["random"]["deletion"]["n"] == 3
    assert record["areas"]["viral"] == found
    assert record["areas"]["normal"]["map"]["deletion"]["value"] is None
    assert record["curves"]["map"]["deletion"] == pytest.approx([1, 0, 0, 0, 0, 0])
    assert "Deletion" in _curves(record)[0] and "-0." in _curves(record)[2]


def test_a_map_that_shows_the_rest_is_worse_than_a_random_one():
    found = _observed(1 - _where().astype(np.float32))[0].record(50, 0)["areas"]["all"]
    assert found["difference"]["deletion"]["low"] > 0 > found["difference"]["insertion"]["high"]


def test_films_without_curves_are_counted_and_say_why(tmp_path):
    curves, _ = _observed(np.zeros((SIZE, SIZE), np.float32), model=Knows(fails=True), films=1)
    assert curves.record(20, 0)["left_out"] == 1 and curves.record(20, 0)["curves"] == {}
    lost = SimpleNamespace(status="unreadable", pixels=None, padding=-1)
    gone, model = _observed(np.zeros((SIZE, SIZE), np.float32), read=lambda _: lost, films=1)
    assert model.calls == 0 and gone.record(20, 0)["left_out"] == 1
    curves.write(tmp_path / "curves.csv", Path("/data"))
    with (tmp_path / "curves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(KINDS) and rows[0]["path"] == "0.png" and rows[0]["area"] == ""
    assert "no_lung" in rows[0]["reason"]


def test_zones_of_every_map_by_true_class(tmp_path):
    zones = ZoneShares(_rows(3), CLASSES)
    for index in range(2):  # the third film has no answer
        zones.observe(index, _prediction(_film(), _where().astype(np.float32)))
    record = zones.record(20, 0)
    own = record["viral"]["viral"]
    assert own["lower"]["value"] == own["right"]["value"] == own["lungs"]["value"] == 1.0
    assert own["peripheral"]["value"] == 0.5 and own["lower"]["n"] == 2
    assert own["peak_in_lungs"]["value"] == 1.0
    assert record[EVEN]["viral"]["lower"]["value"] == pytest.approx(1 / 3)
    assert record["viral"]["normal"] == record["normal"]["viral"] == {}
    text = _zones(record, CLASSES.names)[-1]
    assert "own class" in text and "even" in text and "normal" not in text
    zones.write(tmp_path / "zones.csv", Path("/data"))
    with (tmp_path / "zones.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["map"] for row in rows[:3]] == ["normal", "viral", EVEN]
    assert (rows[0]["lungs"], rows[1]["lower"], rows[7]["lower"]) == ("", "1.000000", "")
