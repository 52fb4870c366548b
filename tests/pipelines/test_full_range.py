import numpy as np
import pytest
import tensorflow as tf

from pipelines.full_range import to_full_range
from pipelines.normalise import normalise
from tests.protocol import check_op
from tests.samples import ramp
from tools.phantoms.chest import phantom

EIGHT = ramp(48, 64)


def counted(film, padding=-1):
    """How many pixels have each level, but for that of padding."""
    film = np.asarray(film)
    return np.bincount(film[film != padding], minlength=65536)


@pytest.mark.parametrize(
    ("name", "film"),
    [
        ("8 bits", EIGHT.astype(np.uint16)),
        ("8 bits high up", EIGHT.astype(np.uint16) + 60_000),
        ("400 levels", ramp(48, 64, 400, np.uint16)),
        ("12 bits", ramp(48, 64, 4095, np.uint16)),
        ("14 bits", ramp(48, 64, 16383, np.uint16)),
    ],
)
def test_a_film_that_uses_little_of_the_range_gets_all_of_it(name, film):
    found, padding, counts = check_op(to_full_range, film, -1)
    ranks = np.unique(film, return_inverse=True)[1].reshape(film.shape)
    np.testing.assert_array_equal(found, ranks * 65535 // ranks.max(), err_msg=name)
    assert padding == -1
    np.testing.assert_array_equal(counts, counted(found))
    again = to_full_range(found)
    np.testing.assert_array_equal(again.pixels, found)


@pytest.mark.parametrize(
    "film",
    [
        EIGHT.astype(np.uint16) * 257,
        (60 + EIGHT // 3).astype(np.uint16) * 257,  # 86 levels of 8 bits
        ramp(48, 64, 32767, np.uint16),
        np.full((9, 9), 7, np.uint16),
    ],
)
def test_a_film_that_uses_the_range_stays_as_it_is(film):
    found, padding, counts = check_op(to_full_range, film, 7)
    np.testing.assert_array_equal(found, film)
    assert padding == 7
    np.testing.assert_array_equal(counts, counted(film, 7))


def test_padding_and_a_burnt_in_marker_hide_nothing():
    film = EIGHT.astype(np.uint16)
    film[:6], film[40:, :9] = 40_000, 65535
    found, padding, counts = check_op(to_full_range, film, 40_000)
    assert padding == 0
    np.testing.assert_array_equal(counts, counted(found, 0))
    np.testing.assert_array_equal(found == 0, film == 40_000)
    inside = film != 40_000
    levels, ranks = np.unique(film[inside], return_inverse=True)
    expected = ranks * 65534 // (len(levels) - 1) + 1
    np.testing.assert_array_equal(found.numpy()[inside], expected)
    missing, padding, counts = check_op(to_full_range, film, 999)
    assert padding == -1 and missing.numpy().min() == 0
    np.testing.assert_array_equal(counts, counted(missing))


def test_levels_0_to_255_are_normalised_as_the_full_range():
    film = phantom("normal", np.random.default_rng(7), 512).pixels
    eight = (film >> 8).astype(np.uint16)
    eight[0, :2] = 0, 255
    expected, constant = normalise(tf.constant(eight * np.uint16(257)))
    found, also = normalise(tf.constant(eight))
    assert not constant and not also
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-3)
