"""Several films in one picture, found in the graph."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.films.model import TriageModel
from cxr_tf.method.collage import WAYS, collage_way, find_seam, has_lungs
from cxr_tf.method.triage import entry_points
from cxr_tf.saved.rebuild import remake_module
from pipelines.normalise import normalise
from tests.cxr_tf.fake_runs import png
from tools.phantoms.chest import phantom
from tools.reliability.collages import collage

ROOT = Path(__file__).parents[3]


def films(count=4):
    labels = ("normal", "viral", "bacterial", "normal")
    return [
        phantom(label, np.random.default_rng(seed), 512).pixels
        for seed, label in enumerate(labels[:count])
    ]


@pytest.mark.parametrize("place", [100, 128, 150])
def test_a_seam_is_found_where_two_pictures_meet(place):
    ranks = np.random.default_rng(1).uniform(100, 110, (256, 256)).astype(np.float32)
    assert not find_seam(tf.constant(ranks)).sharp
    ranks[:, place:] += 60
    found = find_seam(tf.constant(ranks))
    assert found.sharp and found.place == 4 * place


def test_a_step_near_the_edge_is_no_seam():
    ranks = np.random.default_rng(1).uniform(100, 110, (256, 256)).astype(np.float32)
    ranks[:, 30:] += 60
    assert not find_seam(tf.constant(ranks)).sharp


def prepared(picture, side=1024):
    (large,), _ = normalise(tf.constant(picture), sizes=(side,))
    return large


@pytest.mark.parametrize(
    ("kind", "chests", "expected"),
    [
        ("side", (True, True), "side by side"),
        ("side", (True, False), None),
        ("stacked", (True, True), "one above the other"),
        ("grid", (False, True, False, True), "in rows and columns"),
        ("grid", (False, False, False, True, False, False, False, False), None),
    ],
)
def test_two_parts_must_pass_as_chest_films(kind, chests, expected):
    """Whatever the parts are, the gate decides; each is normalised by itself."""
    asked = []

    def is_chest(part):
        assert part.shape == (64, 64)
        asked.append(float(tf.reduce_max(part) - tf.reduce_min(part)))
        return tf.constant(chests[(len(asked) - 1) % len(chests)])

    large = prepared(collage(kind, films(4 if kind == "grid" else 2), 0, 0))
    way = int(collage_way(large, True, is_chest, 64))
    assert (WAYS[way] if way >= 0 else None) == expected
    assert asked and min(asked) > 200


@pytest.mark.parametrize(
    ("kind", "passing", "way", "seen"),
    [
        ("grid", (True, True), "in rows and columns", 2),
        ("grid", (False, True, False, True), "in rows and columns", 4),
        ("grid", (False, False, False, True, True, True), "side by side", 6),
        ("grid", (False, False, False, True, True, False, True, True), "one above the other", 8),
    ],
)
def test_no_part_is_looked_at_that_cannot_change_the_answer(kind, passing, way, seen):
    asked = iter(passing)
    large = prepared(collage(kind, films(4), 0, 0))
    found = collage_way(large, True, lambda _: tf.constant(next(asked)), 64)
    assert WAYS[int(found)] == way
    assert len(passing) == seen and next(asked, None) is None


@pytest.mark.parametrize("side", [256, 512])
def test_films_of_another_size_are_cut_at_the_same_place(side):
    def parts_of(large):
        parts = []

        def is_chest(part):
            parts.append(part.numpy().ravel())
            return tf.constant(True)

        assert WAYS[int(collage_way(large, True, is_chest, 64))] == "side by side"
        return parts

    picture = collage("side", films(2), 0, 0)
    found, expected = (parts_of(prepared(picture, each)) for each in (side, 1024))
    for one, other in zip(found, expected, strict=True):
        assert np.corrcoef(one, other)[0, 1] > 0.98


def test_a_single_film_is_not_cut():
    def is_chest(_):
        raise AssertionError("no part is to be looked at")

    assert collage_way(prepared(films(1)[0]), True, is_chest, 64) == -1


def test_both_lungs_must_be_there():
    labels = np.zeros((256, 256), np.uint8)
    labels[:64, :64], labels[:20, 100:130] = 2, 3
    assert not has_lungs(tf.constant(labels))
    labels[:64, 100:130] = 3
    assert has_lungs(tf.constant(labels))


@pytest.fixture(scope="module")
def rebuilt():
    """The shipped weights in the graph of this version."""
    module, card, _ = remake_module(ROOT / "saved_models" / "cxr_triage")
    assert card.finds_collages
    return module, TriageModel(entry_points(module), card)


@pytest.mark.slow
def test_the_signatures_and_python_refuse_a_collage_with_the_same_reason(rebuilt):
    module, model = rebuilt
    kinds = ("side", "grid")
    pictures = [collage(kind, films(4 if kind == "grid" else 2), 16, 65535) for kind in kinds]
    single = films(1)[0]
    found = module.serving_default(tf.constant([png(x) for x in [*pictures, single]]))
    assert found["status"].numpy().tolist() == [b"not_chest_film"] * 2 + [b"ok"]
    for picture, reason in zip(pictures, found["warning"].numpy(), strict=False):
        assert reason.startswith(b"two or more films in one picture, ")
        assert model.predict(picture).warning == reason.decode()
        assert "two or more" not in model.predict(picture, patches=1, gate=False).warning
    assert model.predict(single).status == "ok"
