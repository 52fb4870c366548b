"""Pixels leave the film in the order of the map, and what stays is the film."""

import numpy as np
import pytest

from cxr_tf.measures.deletion import (
    FRACTIONS,
    NOISE,
    _fill,
    area_under,
    highest,
    imputed,
    random_map,
    replaced,
    without_detail,
)


def _lungs():
    lungs = np.zeros((32, 32), bool)
    lungs[8:24, 4:12] = lungs[8:24, 20:28] = True
    return lungs


def test_the_highest_pixels_of_the_lungs_are_chosen():
    lungs = _lungs()
    saliency = np.zeros((32, 32), np.float32)
    saliency[8:24, 4:12] = 0.5
    saliency[0] = 1.0  # outside the lungs
    half = highest(saliency, lungs, 0.5)
    assert np.array_equal(half, lungs & (np.arange(32) < 16)[None, :])
    assert not highest(saliency, lungs, 0.0).any()
    assert np.array_equal(highest(saliency, lungs, 1.0), lungs)


def test_equal_pixels_go_in_one_drawn_order():
    lungs, flat = _lungs(), np.zeros((32, 32), np.float32)
    sets = [highest(flat, lungs, fraction, seed=3) for fraction in FRACTIONS]
    for smaller, larger in zip(sets, sets[1:], strict=False):
        assert not (smaller & ~larger).any() and larger.sum() > smaller.sum()
    assert not np.array_equal(sets[2], highest(flat, lungs, FRACTIONS[2], seed=4))
    rows = np.flatnonzero(sets[1].any(axis=1))
    assert len(rows) > 10  # not from the top downwards


def test_a_random_map_is_smooth_and_its_seed_s_own():
    first = random_map(256, 0)
    assert first.shape == (256, 256) and 0 <= first.min() and first.max() <= 1
    assert np.abs(np.diff(first, axis=0)).max() < 0.1
    assert np.array_equal(first, random_map(256, 0))
    assert not np.array_equal(first, random_map(256, 1))


def test_detail_goes_and_the_level_stays():
    rng = np.random.default_rng(0)
    film = (30000 + 200 * np.arange(96)[:, None] + rng.integers(0, 4000, (96, 64))).astype(
        np.uint16
    )
    smooth = without_detail(film)
    assert smooth.dtype == np.uint16 and smooth.shape == film.shape
    assert abs(smooth.mean() - film.mean()) < 50
    assert (
        np.abs(np.diff(smooth.astype(int), axis=1)).mean()
        < 0.5 * np.abs(np.diff(film.astype(int), axis=1)).mean()
    )


def test_pixels_are_replaced_inside_the_mask_at_the_film_s_own_size():
    film, other = np.full((40, 60), 7, np.uint16), np.full((40, 60), 9, np.uint16)
    mask = np.zeros((4, 4), bool)
    mask[1, 2] = True
    changed = replaced(film, other, mask)
    assert (changed[10:20, 30:45] == 9).all() and (changed == 9).sum() == 150


def test_areas_by_the_trapezoidal_rule():
    assert area_under([1.0] * 6) == pytest.approx(1.0)
    assert area_under([1.0, 0.8, 0.6, 0.4, 0.2, 0.0]) == pytest.approx(0.5)


def test_a_plane_is_filled_as_it_was():
    """A plane solves the equations of ROAD, for the weights of opposite neighbours are equal."""
    rows, columns = np.mgrid[:64, :64]
    film = (20000 + 300 * rows + 100 * columns).astype(np.uint16)
    mask = np.zeros((64, 64), bool)
    mask[20:40, 10:50] = True
    filled = imputed(film, mask, seed=1)
    error = filled.astype(float) - film
    assert (error[~mask] == 0).all()
    assert abs(error[mask].mean()) < 100 and 0.9 < error[mask].std() / (NOISE * 65535) < 1.1
    assert np.array_equal(filled, imputed(film, mask, seed=1))
    assert not np.array_equal(filled, imputed(film, mask, seed=2))


def test_the_filling_solves_the_equations_of_its_authors():
    """Pixel by pixel: the mean of the neighbours, 1/6 each at the sides and 1/12 at the corners."""
    film = np.random.default_rng(0).integers(0, 65535, (24, 24)).astype(np.uint16)
    mask = np.zeros((24, 24), bool)
    mask[5:15, 8:20] = True
    mask[0, 0] = mask[0, 1] = True  # at the edge only the neighbours there are count
    filled = _fill(film.astype(np.float64), mask)
    weights = {(i, j): 1 / 12 if i and j else 1 / 6
               for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j}  # fmt: skip
    for row, column in zip(*np.nonzero(mask), strict=True):
        around = {
            (i, j): w for (i, j), w in weights.items() if 0 <= row + i < 24 and 0 <= column + j < 24
        }
        mean = sum(w * filled[row + i, column + j] for (i, j), w in around.items())
        assert filled[row, column] == pytest.approx(mean / sum(around.values()))
    assert (filled[~mask] == film[~mask]).all()


def test_what_is_filled_hides_the_shape_that_a_coarse_film_shows():
    """Steps at the edge of what is taken out are smaller than with the film without detail."""
    rows = np.mgrid[:128, :128][0]
    film = (30000 + 15000 * np.sin(rows / 6)).astype(np.uint16)
    mask = np.zeros((128, 128), bool)
    mask[40:80, 30:90] = True

    def step(changed):
        above, inside = changed[39, 30:90].astype(float), changed[40, 30:90].astype(float)
        return abs((above - inside).mean())

    assert step(imputed(film, mask)) < 0.5 * step(replaced(film, without_detail(film), mask))


def test_a_film_of_another_size_than_the_map_and_the_ends():
    film = np.random.default_rng(0).integers(0, 65535, (300, 200)).astype(np.uint16)
    mask = np.zeros((64, 64), bool)
    assert np.array_equal(imputed(film, mask), film)
    mask[10:20] = True
    changed = imputed(film, mask) != film
    assert changed.shape == film.shape and changed.any(axis=1).sum() in (46, 47, 48)
    whole = imputed(film, np.ones((64, 64), bool))
    assert whole.astype(float).std() == pytest.approx(NOISE * 65535, rel=0.1)
