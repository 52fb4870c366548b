"""Windows and tables that are asked for (--voi): the values, not only their order."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipelines.dicom.reading import read_dicom
from tests.samples import dicom_bytes, dicom_dataset

PIXELS = np.arange(4096, dtype=np.uint16).reshape(64, 64)
X = PIXELS.astype(np.float64)
CENTRE, WIDTH = 2000.0, 1000.0


def read(voi=True, photometric="MONOCHROME2", pixels=PIXELS, **attributes):
    with pydicom.config.disable_value_validation():
        dataset = dicom_dataset(pixels, photometric, stored_bits=12, **attributes)
        return read_dicom(dicom_bytes(dataset), voi)


def window(function=None, centre="2000", width="1000", **attributes):
    if function is not None:
        attributes["VOILUTFunction"] = function
    return {"WindowCenter": centre, "WindowWidth": width, **attributes}


LINEAR = np.clip((X - (CENTRE - 0.5)) / (WIDTH - 1) + 0.5, 0, 1)
EXACT = np.clip((X - CENTRE) / WIDTH + 0.5, 0, 1)
SIGMOID = 1 / (1 + np.exp(-4 * (X - CENTRE) / WIDTH))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (None, LINEAR),
        ("LINEAR", LINEAR),
        ("LINEAR_EXACT", EXACT),
        ("SIGMOID", SIGMOID),
        ("sigmoid ", SIGMOID),
    ],
)
def test_the_values_of_a_window(function, expected):
    film = read(**window(function))
    np.testing.assert_allclose(film.pixels, 65535 * expected, atol=0.51)
    assert film.warning == ""
    inverted = read(photometric="MONOCHROME1", **window(function))
    np.testing.assert_array_equal(inverted.pixels, 65535 - film.pixels)
    plain = read(False, **window(function)).pixels
    np.testing.assert_array_equal(plain, PIXELS.astype(int) * 65535 // 4095)


def test_the_three_functions_differ_where_the_standard_says_so():
    linear, exact, sigmoid = (
        read(**window(name)).pixels.ravel() for name in ("LINEAR", "LINEAR_EXACT", "SIGMOID")
    )
    assert (linear[1500], linear[2499]) == (0, 65535)
    assert (exact[1500], exact[2000], exact[2500]) == (0, 32768, 65535)
    assert (sigmoid[1500], sigmoid[2000], sigmoid[2500]) == (7812, 32768, 57723)


def test_a_window_counts_after_the_rescale_and_beside_padding():
    attributes = {"RescaleSlope": "0.5", "RescaleIntercept": "-100"}
    film = read(**window("SIGMOID", "900", "500"), **attributes)
    np.testing.assert_array_equal(film.pixels, np.rint(65535 * SIGMOID))
    film = read(**window("SIGMOID"), PixelPaddingValue=7)
    expected = 1 + np.rint(65534 * SIGMOID)
    np.testing.assert_array_equal(film.pixels, np.where(PIXELS == 7, 0, expected))


@pytest.mark.parametrize(
    ("centre", "width", "function", "warned"),
    [
        ("2000", "0", "LINEAR", True),
        ("2000", "-5", "SIGMOID", True),
        ("2000", "0.5", "LINEAR", True),
        (None, "1000", "LINEAR", False),
        ("2000", None, "SIGMOID", False),
    ],
)
def test_a_window_that_makes_no_sense_is_not_applied(centre, width, function, warned):
    film = read(**window(function, centre, width))
    np.testing.assert_array_equal(film.pixels, read(False).pixels)
    assert ("--voi" in film.warning) == warned


def test_a_window_of_width_1_is_a_threshold():
    film = read(**window("LINEAR", "2000", "1"))
    np.testing.assert_array_equal(film.pixels, np.where(PIXELS > 1999, 65535, 0))


def table(data, vr="US", descriptor=None):
    item = Dataset()
    item.add_new("LUTDescriptor", "US", descriptor or [len(data), 0, 16])
    item.add_new("LUTData", vr, data)
    return Sequence([item])


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_modality_tables_of_any_depth(bits):
    pixels = (PIXELS & 3).astype(np.uint16)
    values = [40, 10, 30, 20]
    lut = table(values, descriptor=[4, 0, bits])
    found = read(False, pixels=pixels, ModalityLUTSequence=lut).pixels
    expected = (np.array(values) - 10) * 65535 // 30
    np.testing.assert_array_equal(found, expected[pixels])


def test_a_table_of_bytes():
    pixels = (PIXELS & 3).astype(np.uint16)
    lut = table(bytes([40, 10, 30, 20]), "OW", [4, 0, 8])
    found = read(pixels=pixels, VOILUTSequence=lut).pixels
    np.testing.assert_array_equal(found, ((np.array([40, 10, 30, 20]) - 10) * 65535 // 30)[pixels])


def test_a_damaged_table_is_left_out_with_a_warning_and_the_window_taken_where_there_is_one():
    lut = table([1, 2], descriptor=[4096, 0, 16])
    film = read(VOILUTSequence=lut)
    np.testing.assert_array_equal(film.pixels, read(False).pixels)
    assert "--voi" in film.warning
    film = read(VOILUTSequence=lut, **window("SIGMOID"))
    np.testing.assert_array_equal(film.pixels, np.rint(65535 * SIGMOID))
