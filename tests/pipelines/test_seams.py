import numpy as np
import pytest

from pipelines.seams import find_seams, parts_at
from tools.phantoms.chest import phantom


def films(count, size=512):
    return [phantom("normal", np.random.default_rng(seed), size).pixels for seed in range(count)]


def test_a_phantom_has_no_seam():
    for film in films(4):
        assert find_seams(film) == (None, None)


@pytest.mark.parametrize("gutter", [0, 14])
def test_the_seam_is_where_pictures_meet(gutter):
    left, right = films(2)
    right = right[:, 60:430]
    between = np.full((512, gutter), 65535, np.uint16)
    row, column = find_seams(np.hstack([left, between, right]))
    assert row is None and column.sharpness > 2.2
    assert 509 <= column.place <= 515 + gutter
    row, column = find_seams(np.vstack([left.T, between.T, right.T]))
    assert column is None and 509 <= row.place <= 515 + gutter


def test_parts_are_halves_and_quarters():
    a, b, c, d = films(4, 256)
    whole = np.vstack([np.hstack([a, b]), np.hstack([c, d])])
    row, column = find_seams(whole)
    ways = dict(parts_at(whole, row._replace(place=256), column._replace(place=256)))
    assert [*ways] == ["in rows and columns", "side by side", "one above the other"]
    for found, made in zip(ways["in rows and columns"], (a, b, c, d), strict=True):
        np.testing.assert_array_equal(found, made)
    np.testing.assert_array_equal(ways["side by side"][1], np.vstack([b, d]))
    np.testing.assert_array_equal(ways["one above the other"][0], np.hstack([a, b]))
    assert parts_at(whole, None, None) == []
