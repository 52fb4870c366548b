"""BitsStored and HighBit that lie: the levels are those of the words, and the film says so."""

import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, RLELossless

from pipelines.dicom.reading import read_dicom
from pipelines.dicom.words import LIE
from tests.pipelines.dicom.test_codings import wrapped
from tests.samples import dicom_bytes, dicom_dataset, ramp
from tools.hostile.jpeg_lossless import jpeg_lossless

GREY = ramp(top=4095, dtype=np.uint16)
CLEAN = read_dicom(dicom_bytes(dicom_dataset(GREY, stored_bits=12))).pixels


def read(pixels, stored, high, **attributes):
    dataset = dicom_dataset(pixels, BitsStored=stored, HighBit=high, **attributes)
    return read_dicom(dicom_bytes(dataset))


@pytest.mark.parametrize(
    ("shift", "stored", "high", "warning"),
    [
        (0, 12, 11, ""),
        (0, 10, 9, LIE),  # levels above BitsStored
        (0, 1, 0, LIE),
        (0, 8, 7, LIE),
        (0, 16, 15, ""),
        (0, 14, 13, ""),
        (4, 12, 15, ""),  # left-justified, and HighBit says so
        (2, 12, 13, ""),
        (4, 12, 11, LIE),  # left-justified, and nothing says so
        (4, 16, 15, ""),
        (0, 12, 15, LIE),  # right-justified against HighBit
        (0, 12, 3, ""),  # no bits lie below bit 0: HighBit makes no sense
        (0, 12, 40, LIE),
        (0, 40, 39, LIE),
    ],
)
def test_the_levels_of_the_clean_film(shift, stored, high, warning):
    film = read(GREY << shift, stored, high)
    np.testing.assert_array_equal(film.pixels, CLEAN)
    assert film.warning == warning and film.padding == -1


@pytest.mark.parametrize("coding", [RLELossless, JPEG2000Lossless, JPEGLosslessSV1])
@pytest.mark.parametrize(("stored", "high"), [(10, 9), (12, 15), (8, 7)])
def test_the_same_of_compressed_films(coding, stored, high):
    if coding == JPEGLosslessSV1:
        content = wrapped(GREY, jpeg_lossless(GREY, 12), coding, BitsStored=stored, HighBit=high)
    else:
        dataset = dicom_dataset(GREY, stored_bits=12)
        dataset.compress(coding)
        dataset.BitsStored, dataset.HighBit = stored, high
        content = dicom_bytes(dataset)
    film = read_dicom(content)
    np.testing.assert_array_equal(film.pixels, CLEAN)
    assert film.warning == LIE


SIGNED = (GREY.astype(np.int32) - 2048).astype(np.int16)
BY_RANK = read_dicom(dicom_bytes(dicom_dataset(SIGNED, stored_bits=16))).pixels


@pytest.mark.parametrize(
    ("words", "stored", "high", "warning"),
    [
        (SIGNED, 12, 11, ""),
        (SIGNED & 0xFFF, 12, 11, ""),  # the sign is not repeated above
        (SIGNED << 4, 12, 15, ""),
        (SIGNED, 10, 9, LIE),
        (SIGNED, 16, 11, ""),
    ],
)
def test_signed_words(words, stored, high, warning):
    film = read(words.astype(np.int16), stored, high)
    np.testing.assert_array_equal(film.pixels, BY_RANK)
    assert film.warning == warning


def test_padding_beyond_the_stored_bits_is_no_lie():
    pixels = np.where(GREY > 4000, 65535, GREY).astype(np.uint16)
    film = read(pixels, 12, 11, PixelPaddingValue=65535)
    np.testing.assert_array_equal(film.pixels == film.padding, pixels == 65535)
    assert (film.warning, film.padding) == ("", 0)


@pytest.mark.parametrize("written", [4095, 4095 << 4])
def test_padding_of_a_left_justified_film(written):
    film = read(GREY << 4, 12, 15, PixelPaddingValue=written)
    np.testing.assert_array_equal(film.pixels == film.padding, GREY == 4095)


def test_bits_of_an_overlay_are_masked_without_a_warning():
    drawn = GREY.copy()
    drawn[5:20, 5:20] |= 0x8000
    dataset = dicom_dataset(drawn, stored_bits=12)
    dataset.add_new((0x6004, 0x0102), "US", 15)
    film = read_dicom(dicom_bytes(dataset))
    np.testing.assert_array_equal(film.pixels, CLEAN)
    assert film.warning == ""
