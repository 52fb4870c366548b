import cv2
import numpy as np
import pytest
from scipy import ndimage

from tools.phantoms.chest import LABELS, phantom


def draw(label, seed=0, size=256, exposure=None):
    return phantom(label, np.random.default_rng(seed), size, exposure)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("size", [64, 256, 500])
def test_film_and_masks_fit_together(label, size):
    drawn = draw(label, size, size)
    masks = (drawn.heart, drawn.left_lung, drawn.right_lung)
    assert drawn.pixels.shape == (size, size)
    assert drawn.pixels.dtype == np.uint16
    assert all(mask.dtype == bool and mask.shape == (size, size) for mask in masks)
    assert not (masks[0] & masks[1]).any()
    assert not (masks[0] & masks[2]).any()
    assert not (masks[1] & masks[2]).any()
    assert all(ndimage.label(mask)[1] == 1 for mask in masks)
    for mask, low, high in zip(masks, (0.04, 0.07, 0.07), (0.14, 0.22, 0.22), strict=True):
        assert low < mask.mean() < high
    assert drawn.pixels.max() - drawn.pixels.min() > 30_000


@pytest.mark.parametrize("seed", range(5))
def test_sides_are_the_patients(seed):
    drawn = draw("normal", seed)
    columns = {
        name: np.flatnonzero(getattr(drawn, name).any(0))
        for name in ("heart", "left_lung", "right_lung")
    }
    assert columns["right_lung"].mean() < columns["heart"].mean() < columns["left_lung"].mean()
    spine = 0.5 * (columns["right_lung"].max() + columns["left_lung"].min())
    assert columns["heart"].max() - spine > spine - columns["heart"].min()
    assert drawn.left_lung.sum() < drawn.right_lung.sum()


@pytest.mark.parametrize("seed", range(5))
def test_clear_lung_is_darker_than_the_heart(seed):
    drawn = draw("normal", seed)
    lungs = drawn.left_lung | drawn.right_lung
    assert np.median(drawn.pixels[lungs]) < 0.7 * np.median(drawn.pixels[drawn.heart])


def lesion(label, seed):
    """How much brighter each lung is than in the same patient without the lesion.

    Patients of one seed share their geometry whatever the class, since it is drawn first.
    """
    with_lesion, clear = (
        draw(name, seed, 256, np.random.default_rng(9)) for name in (label, "normal")
    )
    np.testing.assert_array_equal(with_lesion.left_lung, clear.left_lung)
    change = with_lesion.pixels.astype(float) - clear.pixels
    return change, clear


def halves(change, mask):
    rows = np.flatnonzero(mask.any(1))
    middle = rows.mean().astype(int)
    return change[:middle][mask[:middle]].mean(), change[middle:][mask[middle:]].mean()


@pytest.mark.parametrize("seed", range(4))
def test_each_class_has_its_place(seed):
    change, clear = lesion("bacterial", seed)
    sides = sorted(change[mask].mean() for mask in (clear.left_lung, clear.right_lung))
    assert sides[1] > 2 * max(sides[0], 1000)  # one side far more than the other

    change, clear = lesion("tuberculosis", seed)
    top, bottom = np.sum([halves(change, m) for m in (clear.left_lung, clear.right_lung)], 0)
    assert top > 1.5 * bottom

    change, clear = lesion("covid19", seed)
    for mask in (clear.left_lung, clear.right_lung):
        distance = ndimage.distance_transform_edt(mask)
        outer = (distance > 6) & (distance <= 15)
        assert change[outer].mean() > change[distance > 22].mean()


@pytest.mark.parametrize("label", ["viral", "covid19"])
def test_viral_classes_show_in_both_lungs_and_more_below(label):
    both = []
    for seed in range(6):
        change, clear = lesion(label, seed)
        both.append([halves(change, mask) for mask in (clear.left_lung, clear.right_lung)])
    assert np.min(both) > 1000  # everywhere, in every patient
    top, bottom = np.mean(both, (0, 1))
    assert bottom > 1.15 * top


def test_same_seed_same_bytes_and_another_seed_another_patient():
    first, again, other = draw("viral", 1), draw("viral", 1), draw("viral", 2)
    for name in ("pixels", "heart", "left_lung", "right_lung"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
        assert (getattr(first, name) != getattr(other, name)).any()


def test_a_second_exposure_shows_the_same_patient():
    films = [draw("viral", 1, 256, np.random.default_rng(seed)) for seed in (5, 6)]
    np.testing.assert_array_equal(films[0].left_lung, films[1].left_lung)
    assert (films[0].pixels != films[1].pixels).mean() > 0.5
    blurred = [cv2.GaussianBlur(film.pixels, (0, 0), 4)[20:-20, 20:-20] for film in films]
    assert np.corrcoef(blurred[0].ravel(), blurred[1].ravel())[0, 1] > 0.95


def test_the_word_phantom_is_burnt_in():
    corner = np.mean([draw("normal", seed).pixels[235:246, 12:50] for seed in range(12)], 0)
    assert corner.max() > corner.min() + 15_000


def test_some_films_have_a_blank_border():
    edges = [draw("normal", seed).pixels[[0, -1]] for seed in range(24)]
    assert any((edge == 0).all(1).any() for edge in edges)


def test_unknown_labels_and_small_sizes_are_refused():
    with pytest.raises(ValueError, match="phantoms show normal"):
        draw("flu")
    with pytest.raises(ValueError, match="at least 64"):
        draw("normal", 0, 63)
