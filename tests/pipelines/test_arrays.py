import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.arrays import as_levels
from tests.samples import ramp

EIGHT = ramp(48, 64)


def test_each_type_has_its_levels():
    as_file = EIGHT.astype(np.uint16) * 257
    np.testing.assert_array_equal(as_levels(EIGHT)[0], as_file)
    for whole in (np.uint16, np.int16, ">u2", ">i4", np.int64, np.float32, np.float64):
        found, padding = as_levels(EIGHT.astype(whole))
        np.testing.assert_array_equal(found, EIGHT)
        assert found.dtype == np.uint16 and padding == -1
    sixteen = as_levels(as_file)[0]
    assert np.shares_memory(sixteen, as_file)


@pytest.mark.parametrize(
    "other",
    [
        EIGHT.astype(np.int32) - 1000,
        EIGHT.astype(np.int64) * 2**40 - 2**50,
        EIGHT.astype(np.uint32) * 70_000,
        EIGHT / 255,
        (EIGHT / 255).astype(np.float16),
        EIGHT * 1e300 - 1e302,
    ],
)
def test_any_other_range_goes_by_rank(other):
    ranks = np.unique(EIGHT, return_inverse=True)[1].reshape(EIGHT.shape)
    found, _ = as_levels(other)
    np.testing.assert_array_equal(found, ranks * 65535 // ranks.max())


@pytest.mark.parametrize("scale", [1.0, 1e-300, 1e308])
def test_more_values_than_levels_go_linearly(scale):
    values = (np.random.default_rng(0).permutation(90_000) / 90_000 - 0.5) * scale
    found, padding = as_levels(values.reshape(300, 300), values[7])
    assert padding == 0 and found.ravel()[7] == 0 and np.count_nonzero(found == 0) == 1
    others = np.delete(found.ravel(), 7)[np.argsort(np.delete(values, 7))].astype(int)
    assert others[0] == 1 and others[-1] == 65535 and np.diff(others).min() >= 0
    assert np.diff(others).max() <= 1


@given(st.sampled_from([np.int16, np.int32, np.float32]), st.integers(-400, 400))
def test_padding_is_mapped_along_and_kept_apart(dtype, value):
    film = (EIGHT.astype(dtype) - 500) * dtype(2) + dtype(1)
    film[:5] = value
    film[7, 7] = value - 1
    film[7, 8] = value + 1
    found, padding = as_levels(film, None if value == -1 else value)
    if value != -1:
        np.testing.assert_array_equal(found == padding, film == value)
    order = np.argsort(film[film != value], kind="stable")
    steps = np.diff(film[film != value][order].astype(float)) > 0
    np.testing.assert_array_equal(np.diff(found[film != value][order].astype(int)) > 0, steps)


def test_padding_of_whole_levels():
    assert as_levels(EIGHT, 255)[1] == 65535
    assert as_levels(EIGHT.astype(np.uint16), 255.0)[1] == 255
    assert as_levels(EIGHT, np.uint8(3))[1] == 771
    assert as_levels(EIGHT / 255, 7.5)[1] == -1, "no pixel has it"
    assert as_levels(np.full((9, 9), -5), -5)[1] == 0, "all padding"
    for wrong, array in ((65535, EIGHT), (-5, EIGHT), (2.5, EIGHT.astype(np.uint16))):
        with pytest.raises(ValueError, match=rf"padding {wrong}: give one of the levels 0 to"):
            as_levels(array, wrong)
    for wrong in (True, "0", float("nan"), [0], np.array([1, 2])):
        with pytest.raises(ValueError, match="give the one grey level to be left out"):
            as_levels(EIGHT, wrong)


def test_colour_becomes_grey_as_in_files():
    colour = np.random.default_rng(1).integers(0, 256, (20, 30, 4), np.uint8)
    wide = colour.astype(np.int64) * 257
    grey = (299 * wide[..., 0] + 587 * wide[..., 1] + 114 * wide[..., 2] + 500) // 1000
    for array in (colour, colour[..., :3], wide, wide.astype(np.uint16)):
        np.testing.assert_array_equal(as_levels(array)[0], grey)
    for array in (EIGHT, EIGHT / 255, EIGHT.astype(np.int32) - 300):
        expected = as_levels(array, array[0, 0])
        for planes in (1, 3):
            found = as_levels(np.repeat(array[..., None], planes, 2), array[0, 0])
            np.testing.assert_array_equal(found[0], expected[0])
            assert found[1] == expected[1]


@pytest.mark.parametrize(
    ("wrong", "given"),
    [
        (EIGHT > 9, r"array bool \[48, 64\]: give the grey levels"),
        (EIGHT.astype(complex), r"complex128 \[48, 64\]: give"),
        (EIGHT.astype(object), "object"),
        (np.array([["a", "b"]]), "<U1"),
        (EIGHT[0], r"uint8 \[64\]: give"),
        (EIGHT[..., None, None], r"\[48, 64, 1, 1\]"),
        (np.zeros((9, 9, 2)), r"float64 \[9, 9, 2\]"),
        (np.zeros((3, 9, 9)), r"float64 \[3, 9, 9\]"),
        (np.zeros((0, 9)), r"\[0, 9\] is empty"),
        (np.where(EIGHT > 200, np.nan, EIGHT), "NaN or infinite: put a number in their place"),
        (np.where(EIGHT == EIGHT[0, 0], np.inf, EIGHT), "holds 3 values that are NaN"),
        (np.ma.masked_greater(EIGHT, 9), "with a mask: fill what is masked"),
    ],
)
def test_what_is_no_film_is_refused(wrong, given):
    with warnings.catch_warnings(), pytest.raises(ValueError, match=given):
        warnings.simplefilter("error")
        as_levels(wrong)
