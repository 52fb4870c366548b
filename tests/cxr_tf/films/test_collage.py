"""Several films in one picture, before the graph; `tests/test_shipped_model.py` asks the gate."""

import numpy as np

from cxr_tf.films.collage import one_film
from cxr_tf.films.entrance import entered
from tests.cards import made_up_card
from tools.phantoms.chest import phantom
from tools.reliability.collages import collage


def test_a_model_without_a_gate_is_asked_nothing():
    pair = [
        phantom(label, np.random.default_rng(seed), 512).pixels
        for seed, label in enumerate(("normal", "viral"))
    ]
    film = entered(collage("side", pair, 0, 0))
    assert one_film(film, made_up_card(("a", "b")), None) is film
