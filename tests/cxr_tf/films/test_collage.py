"""Several films in one picture, with the gate of the shipped model."""

from pathlib import Path

import numpy as np
import pytest

import cxr_tf
from cxr_tf.films.collage import one_film
from cxr_tf.films.entrance import entered
from tests.cards import made_up_card
from tools.phantoms.chest import phantom
from tools.reliability.collages import collage

ROOT = Path(__file__).parents[3]


def films(count=4):
    labels = ("normal", "viral", "bacterial", "normal")
    return [
        phantom(label, np.random.default_rng(seed), 512).pixels
        for seed, label in enumerate(labels[:count])
    ]


@pytest.fixture(scope="module")
def model():
    return cxr_tf.load(ROOT / "saved_models" / "cxr_triage")


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


def test_a_model_without_a_gate_is_asked_nothing():
    film = entered(collage("side", films(2), 0, 0))
    assert one_film(film, made_up_card(("a", "b")), None) is film
