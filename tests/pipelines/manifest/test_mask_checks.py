import numpy as np
import pytest

from pipelines.manifest.mask_checks import misfits


def box(rows, columns, shape=(100, 80)):
    mask = np.zeros(shape, bool)
    mask[slice(*rows), slice(*columns)] = True
    return mask


LEFT, RIGHT, HEART = box((10, 80), (45, 75)), box((10, 80), (5, 35)), box((50, 80), (30, 55))
GOOD = {"heart": HEART, "left_lung": LEFT, "right_lung": RIGHT, "lung": LEFT | RIGHT}


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_good_masks_fit_films_of_any_size_and_the_same_aspect(scale):
    assert list(misfits((100 * scale, 80 * scale), GOOD)) == []
    assert list(misfits((100 * scale + scale // 2, 80 * scale), GOOD)) == []
    assert list(misfits((100, 80), {})) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"left_lung": RIGHT, "right_lung": LEFT}, "swap"),
        ({"right_lung": LEFT}, "swap"),
        ({"heart": box((0, 100), (0, 80)) & False}, "heart mask is empty"),
        ({"lung": np.ones((100, 80), bool)}, "polarity"),
        ({"heart": box((90, 100), (30, 55))}, "heart lies outside"),
        ({"heart": box((20, 40), (76, 80))}, "heart lies outside"),
        ({"lung": box((10, 80), (5, 35))}, "only 50% in common"),
        ({"heart": box((50, 80), (30, 55), (100, 100))}, "100 x 100 pixels"),
        ({"heart": np.zeros((0, 0), bool)}, "does not fit"),
    ],
)
def test_each_fault_is_found_alone(changes, words):
    faults = list(misfits((100, 80), {**GOOD, **changes}))
    assert any(words in fault for fault in faults)
    if "right_lung" not in changes:
        assert len(faults) == 1
    assert all("\n" not in fault and ("; " in fault or "swap" in fault) for fault in faults)


def test_a_film_turned_on_its_side_does_not_fit():
    assert len(list(misfits((80, 100), GOOD))) == len(GOOD)
