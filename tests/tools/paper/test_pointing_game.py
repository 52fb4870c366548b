"""The pointing game with maps that find the lesions, and maps that find something else."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.classes import PAPER_CLASSES
from tools.paper.pointing_game import CYCLE, SIZE, Options, lesion, main, play, record
from tools.phantoms.files import draw

OPTIONS = Options(out=Path(), model=Path(), films=4, samples=50)


class Points:
    """A model whose maps point where it is told to; one film has no lungs."""

    classes = PAPER_CLASSES.names

    def __init__(self, point):
        self.point, self.calls = point, 0

    def predict(self, pixels, *, seed, patches, explain):
        self.calls += 1
        status = "no_lung" if self.calls == 4 else "ok"
        maps = np.zeros((4, SIZE, SIZE), np.float32)
        maps[:, *self.point(self.calls - 1)] = 0.9
        return SimpleNamespace(status=status, label="viral", saliency=maps)


@pytest.fixture(scope="module")
def films():
    return list(draw(CYCLE, 4, 0, "pointing", 128))


def test_lesions_lie_in_the_lungs_and_fill_a_part_of_them(films):
    for _, _, drawn in films:
        assert 0.0005 < lesion(drawn).mean() < 0.15
        assert drawn.lesions.min() >= -0.5 and drawn.lesions.max() <= 1


def test_maps_on_the_lesion_hit_more_often_than_chance(films):
    places = [np.argwhere(lesion(drawn))[0] for _, _, drawn in films]
    games = list(play(Points(lambda n: tuple(places[n])), films, OPTIONS))
    assert [game.hit for game in games[:3]] == [1, 1, 1] and np.isnan(games[3].hit)
    found = record(games, OPTIONS)
    assert list(found) == ["all", *CYCLE]
    assert found["all"]["hit"]["n"] == 3 and found["covid19"]["hit"]["n"] == 0
    assert 0 < found["all"]["chance"]["value"] < 1
    assert found["all"]["difference"]["low"] > 0


def test_maps_beside_the_film_s_lungs_never_hit(films):
    games = list(play(Points(lambda n: (0, 0)), films, OPTIONS))
    assert record(games, OPTIONS)["all"]["hit"]["value"] == 0.0


def test_wrong_usage_is_told(tmp_path, capsys):
    assert main(["--out", str(tmp_path)]) == 2
    assert "either --run RUN or --model" in capsys.readouterr().err
